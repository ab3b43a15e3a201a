"""Normalizer and normalize on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    array_api_dispatch,
    default_output,
    like_sklearns,
    validate_data,
)
from ferroflow.preprocessing._scaling import FLOATS, foreign
from ferroflow.preprocessing._stateless import Stateless, with_fast_paths

# Held here, since accelerate() puts ours there.
_their_normalize = preprocessing.normalize
_NORMS = ("l1", "l2", "max")


@like_sklearns(_their_normalize, skip_nested=True)
def normalize(X, norm="l2", *, axis=1, copy=True, return_norm=False):
    if reason := foreign(X):
        note_sklearn("normalize", reason)
        return _their_normalize(X, norm, axis=axis, copy=copy, return_norm=return_norm)
    norms = None
    if copy and is_plain_float_matrix(X) and not array_api_dispatch():
        out, norms, finite = _core.normalize_rows(X if axis == 1 else X.T, norm, return_norm)
        if finite:
            note_rust("normalize")
            out = out if axis == 1 else out.T
            return (out, norms) if return_norm else out
    if copy and axis == 1 and not return_norm and _is_plain_csr(X):
        note_rust("normalize")
        return _normalized_csr(X, norm)
    X = check_array(
        X,
        accept_sparse="csr" if axis == 1 else "csc",
        copy=copy,
        estimator="the normalize function",
        dtype=FLOATS,
        force_writeable=True,
    )
    if sparse.issparse(X) and return_norm:
        note_sklearn("normalize", "norms of sparse rows")
        return _their_normalize(X, norm, axis=axis, copy=False, return_norm=True)
    if sparse.issparse(X):
        _core.normalize_csr(X.data, X.indptr, norm)
    else:
        norms = _core.normalize_rows_in_place(X if axis == 1 else X.T, norm, return_norm)
    note_rust("normalize")
    return (X, norms) if return_norm else X


def _is_plain_csr(X):
    """Would scikit-learn's validation only copy X?"""
    plain = type(X) in (sparse.csr_matrix, sparse.csr_array) and X.ndim == 2 and X.dtype in FLOATS
    return plain and 0 not in X.shape and X.indices.dtype == np.int32 and np.isfinite(X.data.sum())


def _normalized_csr(X, norm):
    X = X.copy()
    _core.normalize_csr(X.data, X.indptr, norm)
    return X


class Normalizer(Stateless, preprocessing.Normalizer):
    __doc__ = preprocessing.Normalizer.__doc__

    def transform(self, X, copy=None):
        if reason := foreign(X):
            note_sklearn("Normalizer.transform", reason)
            return super().transform(X, copy=copy)
        copy = self.copy if copy is None else copy
        fresh = copy and not sparse.issparse(X)  # dense input is copied while it is scaled
        X = validate_data(
            self, X, accept_sparse="csr", force_writeable=not fresh, copy=copy and not fresh, reset=False
        )
        return normalize(X, norm=self.norm, axis=1, copy=fresh)


def _fast(self, X):
    """X normalised, if all is plain and finite; else NotImplemented."""
    if not (self.copy is True and self.norm in _NORMS and default_output(self)):
        return NotImplemented
    if not is_plain_float_matrix(X):
        return _normalized_csr(X, self.norm) if _is_plain_csr(X) else NotImplemented
    out, _, finite = _core.normalize_rows(X, self.norm, False)
    return out if finite else NotImplemented  # scikit-learn's validation words the error


with_fast_paths(Normalizer, _fast)
