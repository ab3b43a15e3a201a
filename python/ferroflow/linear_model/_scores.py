"""Linear scores by the kernels that frozen models run, so that both give the same bits."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.sklearn_compat import validate_data


def as_rows(X):
    """Return X as the native module takes it: an array, or a CSR matrix's parts."""
    if not sparse.issparse(X):
        return X
    return (
        X.data,
        X.indices.astype(np.int32, copy=False),
        X.indptr.astype(np.int64, copy=False),
        X.shape[1],
    )


def scores(estimator, X):
    """Return ``X @ coef_.T + intercept_`` of shape (n_samples, n_outputs)."""
    state = estimator.__dict__
    if (
        "coef_" in state
        and "feature_names_in_" not in state
        and is_plain_float_matrix(X)
        and X.shape[1] == state.get("n_features_in_")
    ):
        out = _scores(estimator, X)
        # Of rows that are not finite no score is: scikit-learn's validation then says what is wrong.
        if np.isfinite(out).all():
            return out
    check_is_fitted(estimator)
    X = validate_data(estimator, X, accept_sparse="csr", reset=False, dtype=[np.float64, np.float32])
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return _scores(estimator, X)


def _scores(estimator, X):
    dtype = np.result_type(X.dtype, estimator.coef_.dtype)
    if X.dtype != dtype:
        X = X.astype(dtype)
    weights = np.ascontiguousarray(np.atleast_2d(estimator.coef_), dtype=dtype)
    bias = np.ascontiguousarray(np.ravel(estimator.intercept_), dtype=dtype)
    return _core.linear_scores(as_rows(X), weights, bias)
