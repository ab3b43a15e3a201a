"""Scores of linear models by stochastic gradient descent, whose intercepts may be wider than their weights."""

import math

import numpy as np

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import array_api_dispatch
from ferroflow.linear_model._scores import scores


def sgd_scores(estimator, X, method, one_class=False):
    """Return scores of shape (n_samples, n_outputs), or None where scikit-learn is to compute them."""
    state = estimator.__dict__
    name = f"{type(estimator).__name__}.{method}"
    coef, intercept = state.get("coef_"), state.get("offset_" if one_class else "intercept_")
    if type(coef) is not np.ndarray or type(intercept) is not np.ndarray:
        if coef is not None:
            note_sklearn(name, "coef_ or the intercept is no plain array")
        return None  # not fitted: scikit-learn says so
    if array_api_dispatch():
        note_sklearn(name, "array_api_dispatch")
        return None
    if one_class:
        intercept = -intercept
    if coef.dtype == intercept.dtype:
        out = scores(estimator, X, intercept)
        note_rust(name)
        return out
    # float32 rows: scikit-learn adds a float64 intercept to float32 products.
    if (
        is_plain_float_matrix(X)
        and X.dtype == coef.dtype
        and "feature_names_in_" not in state
        and X.shape[1] == state.get("n_features_in_")
    ):
        weights = coef if coef.ndim == 2 else coef[None, :]
        out = _core.linear_scores(X, weights, np.zeros(len(weights), dtype=X.dtype))
        if math.isfinite(out.item()) if out.size == 1 else np.isfinite(out).all():
            note_rust(name)
            return out + intercept
    note_sklearn(name, "the intercept is wider than the weights")
    return None
