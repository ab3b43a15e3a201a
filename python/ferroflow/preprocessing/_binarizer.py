"""Binarizer and binarize on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    array_api_dispatch,
    default_output,
    like_sklearns,
    validate_data,
)
from ferroflow.preprocessing._scaling import SPARSE, foreign
from ferroflow.preprocessing._stateless import Stateless, with_fast_paths

# Held here, since accelerate() puts ours there.
_their_binarize = preprocessing.binarize


@like_sklearns(_their_binarize, skip_nested=True)
def binarize(X, *, threshold=0.0, copy=True):
    if reason := _foreign(X, threshold):
        note_sklearn("binarize", reason)
        return _their_binarize(X, threshold=threshold, copy=copy)
    if copy and is_plain_float_matrix(X) and not array_api_dispatch():
        out, finite = _core.binarize_values(X, threshold)
        if finite:
            note_rust("binarize")
            return out
    X = check_array(X, accept_sparse=SPARSE, force_writeable=True, copy=copy)
    if sparse.issparse(X) and threshold < 0:
        raise ValueError("Cannot binarize a sparse matrix with threshold < 0")
    values = X.data.reshape(1, -1) if sparse.issparse(X) else X
    if X.dtype in FLOATS:
        _core.binarize_values_in_place(values, threshold)
    else:
        np.greater(values, threshold, out=values, casting="unsafe")  # whole numbers, compared as they are
    if sparse.issparse(X):
        X.eliminate_zeros()
    note_rust("binarize")
    return X


class Binarizer(Stateless, preprocessing.Binarizer):
    __doc__ = preprocessing.Binarizer.__doc__

    def transform(self, X, copy=None):
        if reason := _foreign(X, self.threshold):
            note_sklearn("Binarizer.transform", reason)
            return super().transform(X, copy=copy)
        copy = self.copy if copy is None else copy
        fresh = copy and not sparse.issparse(X)  # dense input is copied while it is worked on
        X = validate_data(
            self, X, accept_sparse=SPARSE, force_writeable=not fresh, copy=copy and not fresh, reset=False
        )
        return binarize(X, threshold=self.threshold, copy=fresh)

    def _can_write_there(self, dtype):
        return dtype in FLOATS and type(self.threshold) in (int, float)

    def _transform_there(self, X):
        if not np.isfinite(X.sum()):
            return False
        _core.binarize_values_in_place(X, self.threshold)
        return True


def _foreign(X, threshold):
    """Why X is scikit-learn's to work on, or None."""
    if type(threshold) not in (int, float):
        return "a threshold with a type of its own"
    return foreign(X)


def _fast(self, X):
    """X binarised, if all is plain and finite; else NotImplemented."""
    plain = self.copy is True and type(self.threshold) in (int, float) and np.isfinite(self.threshold)
    if not (plain and is_plain_float_matrix(X) and default_output(self)):
        return NotImplemented
    out, finite = _core.binarize_values(X, self.threshold)
    return out if finite else NotImplemented  # scikit-learn's validation words the error


with_fast_paths(Binarizer, _fast)
