"""SplineTransformer on the Rust core."""

import numpy as np
from sklearn import preprocessing
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix, with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_kept
from ferroflow._bridge.quantile_sketch import counts, merge_sketches, quantiles, ranges, sketch_rows
from ferroflow._bridge.sklearn_compat import default_output, validate_data

_NONE = np.empty(0)
_THEIRS = preprocessing.SplineTransformer  # held here, since accelerate() puts ours there


class SplineTransformer(preprocessing.SplineTransformer):
    __doc__ = preprocessing.SplineTransformer.__doc__

    def fit(self, X, y=None, sample_weight=None):
        for name in ("_sketch", "_columns"):
            self.__dict__.pop(name, None)
        super().fit(X, y, sample_weight)
        self._columns = spline_columns(self)
        return self

    @staticmethod
    def _get_base_knot_positions(X, n_knots=10, knots="uniform", sample_weight=None):
        theirs = _THEIRS._get_base_knot_positions
        if sample_weight is None and knots == "quantile" and X.dtype in FLOATS:
            shares = 100 * np.linspace(start=0, stop=1, num=n_knots, dtype=np.float64) / 100
            found, _, infinite = _core.many_quantiles(X, shares, "linear")
            if not infinite and not np.isnan(found[0]).any():
                note_rust("SplineTransformer.fit")
                return found
        note_sklearn(
            "SplineTransformer.fit", "knots from ranges, from weights or from a column of NaN, by NumPy"
        )
        if sample_weight is None and knots == "uniform" and X.dtype in FLOATS:
            low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
            if not np.isnan(low).any():
                return np.linspace(start=low, stop=high, num=n_knots, endpoint=True, dtype=np.float64)
        return theirs(X, n_knots=n_knots, knots=knots, sample_weight=sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn the knots of more rows, all rows so far taken together.

        Uniform knots are exact. Knots at quantiles come from a sketch whose size does not grow with the rows: exact up to
        4,095 values a column, their ranks wrong by at most 0.22% of a million, 0.46% of a billion values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows of the same columns.
        y : None
            Ignored.

        Returns
        -------
        self : SplineTransformer
        """
        before = self.__dict__.get("_sketch")
        gaps = getattr(self, "handle_missing", "error") == "zeros"
        X = validate_data(self, X, reset=before is None, ensure_all_finite="allow-nan" if gaps else True)
        self._take(sketch_rows(X if X.dtype in FLOATS else X.astype(np.float64), before)[0])
        note_rust("SplineTransformer.partial_fit")
        return self

    def _take(self, sketch):
        names = self.__dict__.get("feature_names_in_")
        if isinstance(self.knots, str) and self.knots == "quantile":
            # The quantiles of as many rows as there are knots are these rows.
            rows = quantiles(sketch, np.linspace(start=0, stop=1, num=self.n_knots, dtype=np.float64))
        else:
            # Uniform knots depend on the ends, given ones on nothing.
            rows = np.where(counts(sketch) > 0, np.stack(ranges(sketch)), np.nan)
        self.fit(rows)
        if names is not None:
            self.feature_names_in_ = names
        self._sketch = sketch

    def merge(self, other):
        """Take in what `other` has seen, as if the rows of both had been seen together.

        Parameters
        ----------
        other : SplineTransformer
            Fitted by `partial_fit`, as `self`, on rows of the same columns: `fit` keeps no more than the knots.

        Returns
        -------
        self : SplineTransformer
        """
        check_kept(self, other, "knots")
        self._take(merge_sketches(self._sketch, other._sketch))
        return self

    def transform(self, X):
        check_is_fitted(self)
        if reason := _foreign(self):
            note_sklearn("SplineTransformer.transform", reason)
            return super().transform(X)
        gaps = getattr(self, "handle_missing", "error") == "zeros"
        checked = validate_data(self, X, reset=False, ensure_all_finite=not gaps)
        out = _splines(self, checked if checked.dtype in FLOATS else checked.astype(np.float64))
        if out is None:
            note_sklearn("SplineTransformer.transform", "values that scikit-learn has to word an error for")
            return super().transform(X)
        note_rust("SplineTransformer.transform")
        return out


def _foreign(self):
    """Why a transform is scikit-learn's, or None."""
    if self.sparse_output:
        return "sparse output, by SciPy's design_matrix"
    if self.order != "C":
        return "order='F'"
    return odd_ends(self)


def odd_ends(self):
    """Why scikit-learn alone knows what it makes of values beyond the knots, or None."""
    if self.degree == 0 and self.extrapolation == "constant":
        return "of degree 0 it refuses values above the knots"
    if self.degree <= 1 and self.extrapolation == "linear":
        return "of degree 0 or 1 its linear extrapolation begins at another knot from column to column"
    if any(np.isnan(spline.t).any() for spline in self.bsplines_):
        return "a column without values has no knots"
    return None


def spline_columns(self):
    """Knots of each column, and the splines' values and slopes at the ends, as the core takes them."""
    degree = self.degree
    knots = np.array([spline.t for spline in self.bsplines_], dtype=np.float64)
    bare = [(t, (_NONE,) * 4) for t in knots]
    if self.extrapolation not in ("constant", "linear") or np.isnan(knots).any():
        return bare
    # The core's own splines, of all columns in one call: SciPy's to the bit.
    limits = knots[:, [degree, -degree - 1]].T.copy()
    at_ends = _core.spline_bases(limits, bare, degree, "continue", True, False)
    if at_ends is None:  # knots so far apart that they are infinite
        return bare
    ends = at_ends.reshape(2, len(bare), -1)
    first, last = slice(0, degree), slice(ends.shape[2] - degree, None)
    columns = []
    for spline, t, low, high in zip(self.bsplines_, knots, *ends, strict=True):
        slopes = _NONE, _NONE
        if self.extrapolation == "linear":
            slopes = (
                np.ascontiguousarray(spline(t[degree], nu=1)[first]),
                np.ascontiguousarray(spline(t[-degree - 1], nu=1)[last]),
            )
        columns.append((t, (low[first], slopes[0], high[last], slopes[1])))
    return columns


def _splines(self, X):
    gaps = getattr(self, "handle_missing", "error") == "zeros"
    columns = self.__dict__.get("_columns") or spline_columns(self)
    return _core.spline_bases(X, columns, self.degree, self.extrapolation, self.include_bias, gaps)


def _fast_transform(self, X):
    state = self.__dict__
    if (
        "bsplines_" not in state
        or "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or X.shape[1] != state.get("n_features_in_")
        or _foreign(self)
        or not default_output(self)
    ):
        return NotImplemented
    out = _splines(self, X)
    if out is None:
        return NotImplemented
    note_rust("SplineTransformer.transform")
    return out


with_fast_path(SplineTransformer, "transform", _fast_transform)
