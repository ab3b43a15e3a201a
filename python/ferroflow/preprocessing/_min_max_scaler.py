"""MinMaxScaler on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import _fit_context

from ferroflow import _core
from ferroflow._bridge.frame_columns import rows_of
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow.preprocessing._scaling import (
    Steps,
    foreign,
    scaled,
    taken_in,
    warn_of_empty,
    with_fast_paths,
    without_zeros,
)

_THEIRS = preprocessing.MinMaxScaler  # held here, since accelerate() puts ours there


class MinMaxScaler(preprocessing.MinMaxScaler):
    __doc__ = preprocessing.MinMaxScaler.__doc__

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        self._reset()
        return self._take_in(X, y, "MinMaxScaler.fit")

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        return self._take_in(X, y, "MinMaxScaler.partial_fit")

    def _take_in(self, X, y, call):
        if sparse.issparse(X) or self.feature_range[0] >= self.feature_range[1]:
            return super().partial_fit(X, y)  # which refuses it
        if reason := foreign(X):
            note_sklearn(call, reason)
            return super().partial_fit(X, y)
        first = not hasattr(self, "n_samples_seen_")
        table = taken_in(self, X, first)
        low, high, _ = _core.column_extrema(table)
        warn_of_empty(low)
        seen = rows_of(table)
        if not first:
            low, high = np.minimum(self.data_min_, low), np.maximum(self.data_max_, high)
            seen += self.n_samples_seen_
        _set(self, low, high, seen)
        note_rust(call)
        return self

    def transform(self, X):
        return scaled(self, X, False, _steps, _THEIRS, sparse_too=False)

    def inverse_transform(self, X):
        return scaled(self, X, True, _steps, _THEIRS, sparse_too=False)

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : MinMaxScaler
            Fitted on rows of the same columns.

        Returns
        -------
        self : MinMaxScaler
        """
        check_same_columns(self, other, "scalers")
        low, high = np.fmin(self.data_min_, other.data_min_), np.fmax(self.data_max_, other.data_max_)
        _set(self, low, high, self.n_samples_seen_ + other.n_samples_seen_)
        return self


def _set(self, low, high, seen):
    """Keep what was learned; tell whether all is finite."""
    self.n_samples_seen_ = seen
    self.data_min_, self.data_max_ = low, high
    steps = _core.steps_between_limits(low, high, *self.feature_range)
    if steps is not None:
        self.data_range_, self.scale_, self.min_ = steps
        return True
    # By NumPy, which warns of what overflows.
    begin, end = (np.asarray(limit, dtype=low.dtype) for limit in self.feature_range)
    self.data_range_ = high - low
    self.scale_ = (end - begin) / without_zeros(self.data_range_)
    self.min_ = begin - low * self.scale_
    return False


def _steps(self, inverse):
    clip = self.feature_range if self.clip and not inverse else None
    return Steps(self.min_, self.scale_, back=not inverse, clip=clip)


def _learn(self, table):
    limits = self.feature_range
    if not (
        type(limits) is tuple
        and len(limits) == 2
        and type(limits[0]) in (int, float)
        and type(limits[1]) in (int, float)
        and limits[0] < limits[1]
        and type(self.copy) is bool
        and type(self.clip) is bool
    ):
        return NotImplemented
    low, high, infinite = _core.column_extrema(table)
    if infinite:
        return NotImplemented  # scikit-learn's validation words the error
    self._reset()
    if not _set(self, low, high, rows_of(table)):
        warn_of_empty(low)
    return self


with_fast_paths(MinMaxScaler, _learn, _steps)
