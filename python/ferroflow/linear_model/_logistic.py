"""Logistic regression."""

import numpy as np
import sklearn.linear_model
from scipy import optimize, sparse
from sklearn.utils.multiclass import check_classification_targets

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    LBFGS_ADVICE,
    check_optimize_result,
    check_sample_weight,
    class_weights,
    fit_context,
    has_callbacks,
    is_dispatched,
    validate_data,
)
from ferroflow.linear_model._plain import few_whole_numbers
from ferroflow.linear_model._scores import DecisionMixin, as_rows, scores

# A column's size over another's spread, from which steps in the columns as they are take many times more passes.
STALLING_RATIO = 30.0
# Parameters of which other values change the problem, or make scikit-learn warn; versions differ in them.
_DEFAULTS = {
    name: value
    for name, value in sklearn.linear_model.LogisticRegression().get_params().items()
    if name in ("penalty", "l1_ratio", "dual", "n_jobs", "multi_class", "verbose")
}


class LogisticRegression(DecisionMixin, sklearn.linear_model.LogisticRegression):
    __doc__ = sklearn.linear_model.LogisticRegression.__doc__
    coef_: np.ndarray
    intercept_: np.ndarray

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model according to the given training data.

        ``solver="lbfgs"`` reads the rows once a step. Where columns differ much in scale it takes its steps in columns
        that are centred (if there is an intercept) and of equal curvature: the objective is scikit-learn's, but such
        columns do not stall it. ``tol`` bounds the mean loss's gradient by these columns; its largest entry at the end
        is kept in ``gradient_norm_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training vectors.
        y : array-like of shape (n_samples,)
            Target vector relative to X.
        sample_weight : array-like of shape (n_samples,), default=None
            Array of weights that are assigned to individual samples.

        Returns
        -------
        self
            Fitted estimator.
        """
        reason = self._reason_for_sklearn(X, y)
        if reason is not None:
            note_sklearn("LogisticRegression.fit", reason)
            return super().fit(X, y, sample_weight)
        found = self._plain(X, y)
        if found is None:
            X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order="C")
            check_classification_targets(y)
            classes, codes = np.unique(y, return_inverse=True)
            if len(classes) < 2:
                raise ValueError(
                    "This solver needs samples of at least 2 classes"
                    f" in the data, but the data contains only one class: {classes[0]!r}"
                )
            if sparse.issparse(X) and not X.has_canonical_format:
                X = X.copy()
                X.sum_duplicates()
            found = classes, codes, moments_of_columns(X)
        classes, codes, moments = found
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.class_weight is not None:
            by_class = class_weights(self.class_weight, classes, y, weights)
            weights = by_class[codes] if weights is None else weights * by_class[codes]
        self._minimise(X, classes, codes, weights, moments)
        note_rust("LogisticRegression.fit")
        return self

    def _reason_for_sklearn(self, X, y):
        if self.solver != "lbfgs":
            return f"solver={self.solver!r}"
        for name, value in _DEFAULTS.items():
            if getattr(self, name) != value:
                return f"{name}={getattr(self, name)!r}"
        if self.max_iter == 0:
            return "max_iter=0"
        if has_callbacks(self):
            return "callbacks"
        if is_dispatched(X, y):
            return "an array of another library"
        return None

    def _plain(self, X, y):
        """Return classes, codes and moments of arrays that validation would leave as they are, or None."""
        if not (
            is_plain_float_matrix(X)
            and X.flags.c_contiguous
            and type(y) is np.ndarray
            and y.shape == (len(X),)
            and y.dtype.kind in "biu"
            and y.dtype.isnative
        ):
            return None
        found = few_whole_numbers(y)
        if found is None or len(found[0]) < 2:
            return None
        _, mean, var, _, has_nan, has_inf = _core.column_moments(X)
        if has_nan or has_inf:
            return None
        self.__dict__.pop("feature_names_in_", None)
        self.n_features_in_ = X.shape[1]
        return *found, (mean, var)

    def _minimise(self, X, classes, codes, weights, moments):
        objective = Objective(X, codes, len(classes), weights, moments, self.fit_intercept)
        start = None
        if self.warm_start and getattr(self, "coef_", None) is not None:
            start = self.coef_, self.intercept_
        w, b, n_iter, slope = objective.minimise(self.C, self.tol, self.max_iter, start)
        self.classes_ = classes
        self.coef_, self.intercept_ = w.astype(X.dtype), b.astype(X.dtype)
        self.n_iter_ = np.array([n_iter], dtype=np.int32)
        self.gradient_norm_ = slope

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        others = self.solver == "liblinear" or getattr(self, "multi_class", "") == "ovr"
        if (others and len(self.classes_) > 2) or is_dispatched(X, getattr(self, "coef_", None)):
            return super().predict_proba(X)
        return _core.linear_probabilities(scores(self, X))


class Objective:
    """The logistic loss of rows, beside a penalty."""

    def __init__(self, X, codes, n_classes, weights, moments, fit_intercept):
        n, self.p = X.shape
        self.outputs = 1 if n_classes == 2 else n_classes
        self.y = codes * 2.0 - 1.0 if self.outputs == 1 else codes.astype(np.float64)
        self.rows, self.weights = as_rows(X), weights
        self.total = n if weights is None else weights.sum()
        self.moments, self.fit_intercept = moments, fit_intercept

    def _variables(self, l2):
        """Return what columns are centred about, and the units that they are measured in."""
        mean, var = self.moments
        # Unweighted moments serve: the change of variables decides the path alone, not where it ends.
        centre = mean if self.fit_intercept else np.zeros(self.p)
        curvature = 0.25 if self.outputs == 1 else 0.5
        unit = np.sqrt(curvature * (var + (mean - centre) ** 2) + l2)
        unit[~(unit > 0)] = 1.0
        unit /= np.sqrt(curvature)
        varied = var > 0
        if not varied.any() or np.sqrt((var + mean**2).max()) <= STALLING_RATIO * np.sqrt(var[varied].min()):
            # Where no column stalls scikit-learn's steps, ours are the same.
            centre, unit = np.zeros(self.p), np.ones(self.p)
        return centre, unit

    def minimise(self, C, tol, max_iter, start=None):
        """Return weights, intercepts, steps and the largest slope where the loss and ``1 / C`` of the penalty are least.

        `start` is where to begin, weights and intercepts; at zero if None.
        """
        p, outputs, total = self.p, self.outputs, self.total
        l2 = 1.0 / (C * total)
        centre, unit = self._variables(l2)

        def parameters(u):
            u = u.reshape(outputs, -1)
            w = u[:, :p] / unit
            b = u[:, p] - w @ centre if self.fit_intercept else np.zeros(outputs)
            return w, b

        def objective(u):
            w, b = parameters(u)
            loss, gradient = _core.logistic_gradient(
                self.rows, self.y, self.weights, outputs, np.concatenate([w.ravel(), b])
            )
            gradient /= total
            gw, gb = gradient[:-outputs].reshape(outputs, p), gradient[-outputs:]
            slopes = (gw - np.outer(gb, centre) + l2 * w) / unit
            if self.fit_intercept:
                slopes = np.column_stack([slopes, gb])
            return loss / total + 0.5 * l2 * np.vdot(w, w), slopes.ravel()

        u = np.zeros((outputs, p + bool(self.fit_intercept)))
        if start is not None:
            u[:, :p] = start[0] * unit
            if self.fit_intercept:
                u[:, p] = start[1] + start[0] @ centre
        result = optimize.minimize(
            objective,
            u.ravel(),
            method="L-BFGS-B",
            jac=True,
            # scikit-learn's own choice but for the variables.
            options={"maxiter": max_iter, "maxls": 50, "gtol": tol, "ftol": 64 * np.finfo(float).eps},
        )
        n_iter = check_optimize_result("lbfgs", result, max_iter, extra_warning_msg=LBFGS_ADVICE)
        return *parameters(result.x), n_iter, float(np.abs(result.jac).max())


def moments_of_columns(X):
    """Return the mean and variance of each column."""
    if sparse.issparse(X):
        n = X.shape[0]
        mean = np.asarray(X.sum(axis=0, dtype=np.float64)).ravel() / n
        square = np.asarray(X.multiply(X).sum(axis=0, dtype=np.float64)).ravel() / n
        return mean, np.maximum(square - mean**2, 0.0)
    _, mean, var, *_ = _core.column_moments(X)
    return mean, var
