"""KBinsDiscretizer on the Rust core."""

import warnings
from inspect import signature

import numpy as np
from sklearn import preprocessing
from sklearn.base import _fit_context
from sklearn.utils import resample
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix, with_fast_path
from ferroflow._bridge.fresh import empty
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_kept
from ferroflow._bridge.quantile_sketch import merge_sketches, quantiles, ranges, sketch_rows
from ferroflow._bridge.sklearn_compat import check_sample_weight, csr_class, default_output, validate_data

_METHODS = {
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
}
# Before scikit-learn 1.7 weights mean something else.
_DRAWS_BY_WEIGHT = "sample_weight" in signature(resample).parameters


class KBinsDiscretizer(preprocessing.KBinsDiscretizer):
    __doc__ = preprocessing.KBinsDiscretizer.__doc__

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        self.__dict__.pop("_sketch", None)
        given, X = X, validate_data(self, X, dtype="numeric")
        sampled = self.subsample is not None and X.shape[0] > self.subsample
        if reason := _foreign(self, sample_weight is not None, sampled):
            note_sklearn("KBinsDiscretizer.fit", reason)
            return super().fit(given, y, sample_weight)
        dtype = self.dtype or X.dtype
        weights = {}
        if sample_weight is not None:
            weights["sample_weight"] = check_sample_weight(sample_weight, X, dtype=X.dtype)
        if sampled:
            options = {"n_samples": self.subsample, "random_state": self.random_state}
            X = resample(X, replace=True, **options, **weights)
        elif weights:
            X = X[weights["sample_weight"] != 0]  # all that weights mean to edges of equal width
        n_bins = self._validate_n_bins(X.shape[1])
        values = X if X.dtype in FLOATS else X.astype(np.float64)

        def read(columns, shares):
            some = values if columns.size == values.shape[1] else values[:, columns]
            return _core.many_quantiles(some, shares, self.quantile_method)[0]

        _learn(self, n_bins, X.min(axis=0), X.max(axis=0), read, dtype)
        note_rust("KBinsDiscretizer.fit")
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn the edges of more rows, all rows so far taken together.

        Every row counts (`subsample` is for `fit`). Uniform edges are exact. Quantiles come from a sketch whose size does
        not grow with the rows, interpolated linearly: exact up to 4,095 values a column, their ranks wrong by at most
        0.22% of a million, 0.46% of a billion values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows of the same columns.
        y : None
            Ignored.

        Returns
        -------
        self : KBinsDiscretizer
        """
        if self.strategy == "kmeans":
            raise ValueError("strategy='kmeans' needs all rows at once: use fit, or another strategy.")
        before = self.__dict__.get("_sketch")
        X = validate_data(self, X, dtype="numeric", reset=before is None)
        dtype = X.dtype if before is None else before[1]
        values = X if X.dtype in FLOATS else X.astype(np.float64)
        self._take(sketch_rows(values, None if before is None else before[0])[0], dtype)
        note_rust("KBinsDiscretizer.partial_fit")
        return self

    def _take(self, sketch, dtype):
        self._sketch = sketch, dtype
        n_bins = self._validate_n_bins(self.n_features_in_)

        def read(columns, shares):
            return quantiles(sketch, shares)[:, columns]

        _learn(self, n_bins, *ranges(sketch), read, self.dtype or dtype)

    def merge(self, other):
        """Take in what `other` has seen, as if the rows of both had been seen together.

        Parameters
        ----------
        other : KBinsDiscretizer
            Fitted by `partial_fit`, as `self`, on rows of the same columns: `fit` keeps no more than the edges.

        Returns
        -------
        self : KBinsDiscretizer
        """
        check_kept(self, other, "edges")
        (a, dtype), (b, _) = self._sketch, other._sketch
        self._take(merge_sketches(a, b), dtype)
        return self

    def transform(self, X):
        check_is_fitted(self)
        dtype = (np.float64, np.float32) if self.dtype is None else self.dtype
        checked = validate_data(self, X, dtype=dtype, reset=False)
        out = _bins(self, checked)
        if out is None:
            note_sklearn(
                "KBinsDiscretizer.transform", "edges that fall, or more ones than an int32 can number"
            )
            return super().transform(X)
        note_rust("KBinsDiscretizer.transform")
        return out


def _foreign(self, weighted, sampled):
    """Why a fit is scikit-learn's, or None."""
    if weighted and not _DRAWS_BY_WEIGHT:
        return "sample_weight"
    if weighted and self.strategy == "quantile" and not sampled:
        return "quantiles by sample_weight"
    if self.strategy == "kmeans":
        return "strategy='kmeans' is scikit-learn's KMeans"
    if self.strategy == "quantile" and getattr(self, "quantile_method", None) not in _METHODS:
        return "quantile_method as scikit-learn before 1.9 has it"
    return None


def _learn(self, n_bins, low, high, read, dtype):
    """Set the edges; ``read(columns, shares)`` returns quantiles of some columns."""
    edges = np.zeros(len(n_bins), dtype=object)
    constant = low == high
    by_quantile: dict[int, np.ndarray] = {}
    if self.strategy == "quantile":
        # One selection for the columns that have as many bins.
        for n in np.unique(n_bins[~constant]):
            same = np.flatnonzero(~constant & (n_bins == n))
            by_quantile.update(zip(same, read(same, np.linspace(0, 100, n + 1) / 100).T, strict=True))
    for j in range(len(n_bins)):
        if constant[j]:
            warnings.warn(f"Feature {j} is constant and will be replaced with 0.", stacklevel=4)
            n_bins[j] = 1
            edges[j] = np.array([-np.inf, np.inf])
        elif self.strategy == "uniform":
            edges[j] = np.linspace(low[j], high[j], n_bins[j] + 1)
        else:
            wide = np.ediff1d(by_quantile[j], to_begin=np.inf) > 1e-8
            edges[j] = by_quantile[j][wide]
            if len(edges[j]) - 1 != n_bins[j]:
                warnings.warn(
                    f"Bins whose width are too small (i.e., <= 1e-8) in feature {j} are removed. Consider "
                    "decreasing the number of bins.",
                    stacklevel=4,
                )
                n_bins[j] = len(edges[j]) - 1
    self.bin_edges_ = edges
    self.n_bins_ = n_bins
    if "onehot" in self.encode:
        self._encoder = preprocessing.OneHotEncoder(
            categories=[np.arange(n) for n in n_bins], sparse_output=self.encode == "onehot", dtype=dtype
        )
        self._encoder.fit(np.zeros((1, len(n_bins))))


def _bins(self, X):
    """X in bins, encoded; None if scikit-learn has to do it, or to word an error."""
    rows, columns = X.shape
    inner = [np.asarray(edges[1:-1], dtype=np.float64) for edges in self.bin_edges_]
    if any((edges[1:] < edges[:-1]).any() for edges in inner):
        return None
    if self.encode == "ordinal":
        return _core.bin_values(X, inner)
    ends = np.cumsum(self.n_bins_)
    width = int(ends[-1])
    if max(width, rows * columns) >= np.iinfo(np.int32).max:
        return None
    offsets = (ends - self.n_bins_).astype(np.int32)
    if self.encode == "onehot-dense":
        return _core.bin_one_hot(X, inner, offsets, width)
    places = _core.bin_positions(X, inner, offsets)
    if places is None:
        return None
    bits = f"u{X.dtype.itemsize}"
    data, indptr = empty((places.size,), X.dtype), empty((rows + 1,), np.int32)
    _core.one_per_place(np.ones(1, dtype=X.dtype).view(bits), data.view(bits), columns, indptr)
    return csr_class()((data, places.reshape(-1), indptr), shape=(rows, width))


def _fast_transform(self, X):
    state = self.__dict__
    if (
        "bin_edges_" not in state
        or "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or (self.dtype is not None and X.dtype != self.dtype)
        or X.shape[1] != state.get("n_features_in_")
        or not default_output(self)
    ):
        return NotImplemented
    out = _bins(self, X)
    if out is None:
        return NotImplemented
    note_rust("KBinsDiscretizer.transform")
    return out


with_fast_path(KBinsDiscretizer, "transform", _fast_transform)
