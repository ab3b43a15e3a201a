"""RobustScaler on the Rust core."""

import numpy as np
from scipy import sparse, stats
from sklearn import preprocessing
from sklearn.base import _fit_context

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.quantile_sketch import merge_sketches, quantiles, sketch_rows
from ferroflow.preprocessing._scaling import (
    Steps,
    foreign,
    scaled,
    taken_in,
    warn_of_empty,
    with_fast_paths,
    without_zeros,
)

_THEIRS = preprocessing.RobustScaler  # held here, since accelerate() puts ours there


class RobustScaler(preprocessing.RobustScaler):
    __doc__ = preprocessing.RobustScaler.__doc__

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        self.__dict__.pop("_sketch", None)
        if reason := foreign(X):
            note_sklearn("RobustScaler.fit", reason)
            return super().fit(X, y)
        X = taken_in(self, X, True, "csc")
        _check_range(self)
        if sparse.issparse(X):
            if self.with_centering:
                raise ValueError(
                    "Cannot center sparse matrices: use `with_centering=False`"
                    " instead. See docstring for motivation and alternatives."
                )
            parts = X.data, X.indices, X.indptr, X.shape
            median, quantiles, _, empty = _core.sparse_column_quantiles(*parts, _fractions(self))
        else:
            median, quantiles, _, empty = _core.column_quantiles(X, _fractions(self))
        if empty:
            warn_of_empty(median)
        _set(self, median, quantiles)
        note_rust("RobustScaler.fit")
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Take in rows of a stream; the quantiles then come from a sketch.

        Up to 4,095 values a column they are exact. Of ``n`` values, a rank is wrong by at most
        ``(1 + log2(n / 4096)) / 4096`` of `n`: 0.22% of a million, 0.46% of a billion.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        self : RobustScaler
        """
        _check_range(self)
        before = getattr(self, "_sketch", None)
        self._sketch, _ = sketch_rows(taken_in(self, X, before is None), before)
        _set_from_sketch(self)
        note_rust("RobustScaler.partial_fit")
        return self

    def merge(self, other):
        """Take in what `other` has seen, within the rank error that :meth:`partial_fit` states.

        Parameters
        ----------
        other : RobustScaler
            Fitted by ``partial_fit``, as `self` must be, on rows of the same columns.

        Returns
        -------
        self : RobustScaler
        """
        check_same_columns(self, other, "scalers")
        if not (hasattr(self, "_sketch") and hasattr(other, "_sketch")):
            raise ValueError(
                "Cannot merge scalers fitted by fit, which keeps nothing but two quantiles; fit both by partial_fit."
            )
        self._sketch = merge_sketches(self._sketch, other._sketch)
        _set_from_sketch(self)
        return self

    def transform(self, X):
        return scaled(self, X, False, _steps, _THEIRS, sparse_too=True)

    def inverse_transform(self, X):
        return scaled(self, X, True, _steps, _THEIRS, sparse_too=True)


def _check_range(self):
    low, high = self.quantile_range
    if not 0 <= low <= high <= 100:
        raise ValueError(f"Invalid quantile range: {self.quantile_range}")


def _set_from_sketch(self):
    found = quantiles(self._sketch, np.array([0.5, *_fractions(self)]))
    _set(self, found[0], found[1:])


def _fractions(self):
    return [percent / 100 for percent in self.quantile_range] if self.with_scaling else []


def _set(self, median, quantiles):
    self.center_ = median if self.with_centering else None
    self.scale_ = None
    if self.with_scaling:
        self.scale_ = without_zeros(quantiles[1] - quantiles[0])
        if self.unit_variance:
            low, high = self.quantile_range
            self.scale_ = self.scale_ / (stats.norm.ppf(high / 100.0) - stats.norm.ppf(low / 100.0))


def _steps(self, inverse):
    center = self.center_ if self.with_centering else None
    scale = self.scale_ if self.with_scaling else None
    return Steps(center, scale, back=inverse)


def _learn(self, table):
    limits = self.quantile_range
    flags = self.with_centering, self.with_scaling, self.copy, self.unit_variance
    if not (
        all(type(flag) is bool for flag in flags)
        and type(limits) is tuple
        and len(limits) == 2
        and all(type(limit) in (int, float) for limit in limits)
        and 0 <= limits[0] <= limits[1] <= 100
    ):
        return NotImplemented
    median, quantiles, infinite, empty = _core.column_quantiles(table, _fractions(self))
    if infinite:
        return NotImplemented  # scikit-learn's validation words the error
    if empty:
        warn_of_empty(median)
    self.__dict__.pop("_sketch", None)
    _set(self, median, quantiles)
    return self


with_fast_paths(RobustScaler, _learn, _steps)
