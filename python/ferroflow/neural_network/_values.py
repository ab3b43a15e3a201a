"""Values of a fitted network's last layer, by the kernels that frozen models run: both give the same bits."""

import math

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.sklearn_compat import validate_data
from ferroflow.linear_model._scores import as_rows


def values(model, X, last, checked=False):
    """Return the sums of the last layer after the activation `last`, of shape (n_samples, n_outputs)."""
    if last == "softmax":
        return _core.linear_probabilities(values(model, X, "identity", checked))
    if not checked and not _is_plain(model, X):
        check_is_fitted(model)
        X = validate_data(model, X, accept_sparse=["csr", "csc"], reset=False)
    coefs, intercepts = model._layers()
    dtype = np.dtype(model.dtype) if model.dtype else np.result_type(X.dtype, coefs[0].dtype)
    if dtype != np.float32:
        dtype = np.dtype(np.float64)
    X = X.astype(dtype, copy=False)
    if sparse.issparse(X):
        X = X.tocsr()
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
    out = as_rows(X)
    for i, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True), start=1):
        coef, intercept = (np.ascontiguousarray(array, dtype=dtype) for array in (coef, intercept))
        out = _core.network_layer(out, coef, intercept, last if i == len(coefs) else model.activation)
    note_rust(f"{type(model).__name__}.predict")
    return out


def _is_plain(model, X):
    """Would scikit-learn's validation change or refuse nothing?"""
    state = model.__dict__
    if (
        "coefs_" not in state
        or "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or X.shape[1] != state.get("n_features_in_")
    ):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())
