"""MaxAbsScaler on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import _fit_context

from ferroflow import _core
from ferroflow._bridge.frame_columns import rows_of
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow.preprocessing._scaling import (
    SPARSE,
    Steps,
    foreign,
    scaled,
    taken_in,
    warn_of_empty,
    with_fast_paths,
    without_zeros,
)

_THEIRS = preprocessing.MaxAbsScaler  # held here, since accelerate() puts ours there


class MaxAbsScaler(preprocessing.MaxAbsScaler):
    __doc__ = preprocessing.MaxAbsScaler.__doc__

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        self._reset()
        return self._take_in(X, y, "MaxAbsScaler.fit")

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        return self._take_in(X, y, "MaxAbsScaler.partial_fit")

    def _take_in(self, X, y, call):
        if reason := foreign(X):
            note_sklearn(call, reason)
            return super().partial_fit(X, y)
        first = not hasattr(self, "n_samples_seen_")
        table = taken_in(self, X, first, SPARSE)
        if sparse.issparse(table):
            parts = table.data, table.indices, table.indptr, table.shape, table.format == "csc"
            most = _most(*_core.sparse_column_extrema(*parts)[:2])
            seen = table.shape[0]
        else:
            most = _most(*_core.column_extrema(table)[:2])
            warn_of_empty(most)
            seen = rows_of(table)
        if not first:
            most = np.maximum(self.max_abs_, most)
            seen += self.n_samples_seen_
        _set(self, most, seen)
        note_rust(call)
        return self

    def transform(self, X):
        return scaled(self, X, False, _steps, _THEIRS, sparse_too=True)

    def inverse_transform(self, X):
        return scaled(self, X, True, _steps, _THEIRS, sparse_too=True)

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : MaxAbsScaler
            Fitted on rows of the same columns.

        Returns
        -------
        self : MaxAbsScaler
        """
        check_same_columns(self, other, "scalers")
        _set(self, np.fmax(self.max_abs_, other.max_abs_), self.n_samples_seen_ + other.n_samples_seen_)
        return self


def _most(low, high):
    return np.maximum(np.abs(low), np.abs(high))


def _set(self, most, seen):
    self.n_samples_seen_ = seen
    self.max_abs_ = most
    self.scale_ = without_zeros(most)


def _steps(self, inverse):
    # Before scikit-learn 1.9 there is no clipping.
    clip = (-1.0, 1.0) if getattr(self, "clip", False) and not inverse else None
    return Steps(None, self.scale_, back=inverse, clip=clip)


def _learn(self, table):
    valid = type(self.copy) is bool and type(getattr(self, "clip", False)) is bool
    if not valid:
        return NotImplemented
    low, high, infinite = _core.column_extrema(table)
    if infinite:
        return NotImplemented  # scikit-learn's validation words the error
    warn_of_empty(low)
    self._reset()
    _set(self, _most(low, high), rows_of(table))
    return self


with_fast_paths(MaxAbsScaler, _learn, _steps)
