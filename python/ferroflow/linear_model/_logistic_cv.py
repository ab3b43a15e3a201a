"""Logistic regression whose penalty is chosen by cross-validation."""

import numbers

import numpy as np
import sklearn.linear_model

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    check_sample_weight,
    class_weights,
    fit_context,
    logistic_path,
    logistic_scoring_path,
)
from ferroflow._bridge.sklearn_search import with_globals
from ferroflow.linear_model._logistic import LogisticRegression, Objective, moments_of_columns


def _path(X, y, **options):
    """Return, as scikit-learn's function does, the coefficients for each C, the Cs and the steps that each took."""
    reason = None
    if options["solver"] != "lbfgs":
        reason = f"solver={options['solver']!r}"
    elif options["penalty"] != "l2":
        reason = f"penalty={options['penalty']!r}"
    elif options["verbose"]:
        reason = "verbose output"
    elif "classes" not in options or "multi_class" in options:
        reason = "scikit-learn before 1.8"
    if reason is not None:
        note_sklearn("LogisticRegressionCV.fit", reason)
        return logistic_path(X, y, **options)
    note_rust("LogisticRegressionCV.fit")
    Cs, classes, weights = options["Cs"], options["classes"], options["sample_weight"]
    if weights is not None:
        weights = check_sample_weight(weights, X, dtype=np.float64)
    if isinstance(Cs, numbers.Integral):
        Cs = np.logspace(-4, 4, Cs)
    codes = np.searchsorted(classes, y)
    if options["class_weight"] is not None:
        by_class = class_weights(options["class_weight"], classes, y, weights)
        weights = by_class[codes] if weights is None else weights * by_class[codes]
    intercept, p = options["fit_intercept"], X.shape[1]
    objective = Objective(X, codes, len(classes), weights, moments_of_columns(X), intercept)
    start = None
    if options.get("coef") is not None:
        first = np.atleast_2d(options["coef"])
        start = first[:, :p], first[:, p] if intercept else np.zeros(len(first))
    path, steps = [], []
    for C in Cs:
        w, b, n_iter, _ = objective.minimise(C, options["tol"], options["max_iter"], start)
        start = w, b
        path.append(np.column_stack(start) if intercept else w)
        steps.append(n_iter)
    coefs = np.array(path)
    return coefs[:, 0] if len(classes) == 2 else coefs, np.asarray(Cs), np.array(steps, dtype=np.int32)


_scoring_path = with_globals(
    logistic_scoring_path, _logistic_regression_path=_path, LogisticRegression=LogisticRegression
)


class LogisticRegressionCV(sklearn.linear_model.LogisticRegressionCV, LogisticRegression):
    __doc__ = sklearn.linear_model.LogisticRegressionCV.__doc__

    fit = fit_context(prefer_skip_nested_validation=True)(
        with_globals(
            sklearn.linear_model.LogisticRegressionCV.fit,
            _logistic_regression_path=_path,
            _log_reg_scoring_path=_scoring_path,
        )
    )
