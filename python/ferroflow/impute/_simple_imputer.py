"""SimpleImputer on the Rust core."""

import warnings

import numpy as np
from scipy import sparse
from sklearn import impute
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix, is_whole_matrix, with_fast_path
from ferroflow._bridge.frame_columns import (
    Mixed,
    agrees,
    dtype_of,
    float_columns,
    float_table,
    framed,
    learn_names,
    mixed_columns,
    numpy_columns,
    rows_of,
)
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.object_frames import is_object_matrix, objects_of_frame
from ferroflow._bridge.sklearn_compat import (
    array_api_dispatch,
    fill_dtype,
    get_mask,
    has_callbacks,
    is_pandas_na,
    keep_dtype,
    other_constants,
)
from ferroflow.impute._markers import (
    NOT_OURS,
    float_marker,
    missing_counts,
    missing_mask,
    missing_masks,
    text_marker,
)
from ferroflow.impute._seen import Seen, dense_parts, seen_of
from ferroflow.impute._seen import merge as merge_seen
from ferroflow.impute._seen import statistics as statistics_of

_LEARNED = ("mean", "median", "most_frequent")
_STATISTICS = {"median": "median", "most_frequent": "most_frequent"}
"""What the core computes; the sum gives the mean, and counts for constants."""
_F64 = np.dtype(np.float64)


class SimpleImputer(impute.SimpleImputer):
    __doc__ = impute.SimpleImputer.__doc__

    _seen: Seen

    def fit(self, X, y=None):
        self.__dict__.pop("_seen", None)
        return super().fit(X, y)

    def partial_fit(self, X, y=None):
        """Learn from more rows.

        The mean, the most frequent value and constants are those of all rows at once. The median is exact up to 4,095
        values a column; of `n` values its rank is wrong by at most ``(1 + log2(n / 4096)) / 4096`` of `n`. The most
        frequent value needs memory for every different one. ``fit`` keeps nothing to go on from of these two.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            More rows of the same columns.
        y : Ignored

        Returns
        -------
        self : SimpleImputer
        """
        self._validate_params()
        first = not hasattr(self, "statistics_")
        if callable(self.strategy):
            raise ValueError(
                "partial_fit needs a strategy that has a name; a callable sees all values at once."
            )
        if not first and "_seen" not in self.__dict__:
            warnings.warn(
                f"fit keeps too little to go on from (strategy={self.strategy!r}), so partial_fit starts anew; call it "
                "instead of fit from the first rows on.",
                stacklevel=2,
            )
            first = True
        X = self._validate_input(X, in_fit=first)
        if first:
            keep_dtype(self, X.dtype)
        for part in dense_parts(X) if sparse.issparse(X) else (X,):
            _take_in(self, seen_of(part, self.strategy, self.missing_values), first)
            first = False  # for the next part
        _conclude(self)
        note_rust("SimpleImputer.partial_fit")
        return self

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Both must have learned the median or the most frequent value by ``partial_fit``, since ``fit`` keeps too little
        of them.

        Parameters
        ----------
        other : SimpleImputer
            Of the same parameters, fitted on rows of the same columns.

        Returns
        -------
        self : SimpleImputer
        """
        check_is_fitted(self)
        check_is_fitted(other)
        if self.n_features_in_ != other.n_features_in_ or self.strategy != other.strategy:
            raise ValueError(
                f"Cannot merge a {other.strategy!r} imputer of {other.n_features_in_} features into a "
                f"{self.strategy!r} imputer of {self.n_features_in_}; fit both alike on the same columns."
            )
        if "_seen" not in self.__dict__ or "_seen" not in other.__dict__:
            raise ValueError(
                f"Cannot merge what fit has learned with strategy={self.strategy!r}; use partial_fit for both."
            )
        self._seen = merge_seen(self._seen, other._seen, self.strategy)
        _conclude(self)
        return self

    def transform(self, X):
        check_is_fitted(self)
        if sparse.issparse(X):
            filled = _transform_sparse(self, X)
            return super().transform(X) if filled is None else filled
        if not self.keep_empty_features and get_mask(self.statistics_, np.nan).any():
            note_sklearn("SimpleImputer.transform", "columns that were empty in fit are dropped")
            return super().transform(X)
        X = self._validate_input(X, in_fit=False)  # a copy, unless copy=False
        fill = self.statistics_.astype(fill_dtype(self), copy=False)
        flags = None
        if self.add_indicator:
            flags = self._transform_indicator(missing_mask(X, self.missing_values))
        for rows, mask in missing_masks(X, self.missing_values):
            np.copyto(X[rows], fill, where=mask, casting="unsafe")
        note_rust("SimpleImputer.transform")
        return self._concatenate_indicator(X, flags)

    def _can_write_there(self, dtype):
        if self.add_indicator or dtype != self._fit_dtype or float_marker(self.missing_values) is NOT_OURS:
            return False
        return dtype in FLOATS and fill_dtype(self).kind == "f" and np.isfinite(_fill(self)).all()

    def _transform_there(self, X):
        return not _core.fill_missing_in_place(X, float_marker(self.missing_values), _fill(self))

    # scikit-learn's fit validates X, then calls one of these two for the statistics.

    def _sparse_fit(self, X, strategy, missing_values, fill_value):
        marker = float_marker(missing_values)
        if strategy not in _LEARNED or marker is NOT_OURS or X.dtype not in FLOATS:
            note_sklearn("SimpleImputer.fit", "sparse input, and a constant, a callable, or such values")
            return super()._sparse_fit(X, strategy, missing_values, fill_value)
        empty = 0.0 if self.keep_empty_features else None
        statistics = _core.sparse_column_statistics(X.data, X.indptr, X.shape[0], strategy, marker, empty)
        note_rust("SimpleImputer.fit")
        if self.add_indicator:
            self._fit_indicator(get_mask(X, missing_values))
        else:
            self.indicator_ = None
        return statistics

    def _dense_fit(self, X, strategy, missing_values, fill_value):
        other = strategy == "constant" and other_constants()
        learned = None if other else _learn(X, strategy, missing_values)
        if learned is None:
            if other:
                reason = "strategy='constant', which scikit-learn before 1.8 has otherwise"
            else:
                reason = "a callable strategy" if callable(strategy) else f"{X.dtype} input with such values"
            note_sklearn("SimpleImputer.fit", reason)
            return super()._dense_fit(X, strategy, missing_values, fill_value)
        note_rust("SimpleImputer.fit")
        statistics, seen = learned
        return _finish(self, statistics, seen, fill_value)


def _learn(X, strategy, missing_values, then_fill=False):
    """Return (statistic of each column or None, what was seen of them) of checked X or a table, or None.

    A table that is to be filled next fills its columns with their means while they lie in the cache.
    """
    if strategy == "most_frequent" and _has_long_integers(X):
        return _learn_long_integers(X, missing_values)
    if type(X) in (_core.ArrowNumbers, Mixed, list) or is_plain_float_matrix(X) or is_whole_matrix(X):
        marker = float_marker(missing_values)
        if marker is NOT_OURS or callable(strategy):
            return None
        if type(X) is _core.ArrowNumbers and strategy not in _STATISTICS:
            values, missing, refused = X.sums(marker, then_fill and strategy == "mean")
        else:
            values, missing, refused = _core.column_statistics(X, _STATISTICS.get(strategy, "sum"), marker)
        if refused:
            return None
        if strategy == "median":
            values = values.astype(dtype_of(X), copy=False)
        rows = rows_of(X)
        if strategy == "mean":
            with np.errstate(invalid="ignore"):
                return values / (rows - missing), Seen(rows, missing, values)
        return (None if strategy == "constant" else values), Seen(rows, missing, None)
    if strategy == "constant":
        return None, Seen(X.shape[0], missing_counts(X, missing_values), None)
    if strategy != "most_frequent":
        return None
    if X.dtype == object and (marker := text_marker(missing_values)) is not NOT_OURS:
        found = _core.object_modes(X, marker)
        if found is not None:
            modes = np.empty(X.shape[1], dtype=object)
            modes[:] = found[0]
            return modes, Seen(X.shape[0], found[1], None)
    return None


def _has_long_integers(X):
    """Are there whole numbers that float64 does not hold?"""
    if type(X) is np.ndarray:
        return is_whole_matrix(X) and X.itemsize == 8
    exact = X.exact if type(X) is Mixed else None
    return exact is not None and exact.kind in "iu" and exact.itemsize == 8


def _is_known(dtype):
    """Is it a type in which the core keeps all values of a table of several types?"""
    return _is_whole(dtype) or (dtype is not None and dtype == _F64)  # None is equal to float64


def _is_whole(dtype):
    return dtype is not None and dtype.kind in "iu"


def _learn_long_integers(X, missing_values):
    if type(missing_values) is int:
        marker = missing_values if abs(missing_values) < 2**63 else None
    elif type(missing_values) is float:
        marker = int(missing_values) if missing_values.is_integer() and abs(missing_values) < 2**53 else None
    elif is_pandas_na(missing_values):
        marker = None
    else:
        return None
    if (X.dtype if type(X) is np.ndarray else X.exact) != np.int64:
        return None
    if type(X) is np.ndarray:
        statistics, missing = _core.integer_modes(X, marker)
    else:
        # Those of another type are made int64 one by one.
        columns = [values.astype(np.int64, copy=False)[:, np.newaxis] for values, _ in X]
        found = [_core.integer_modes(column, marker) for column in columns]
        statistics, missing = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return statistics, Seen(rows_of(X), missing, None)


def _take_in(self, new, first):
    self._seen = new if first else merge_seen(self._seen, new, self.strategy)


def _conclude(self):
    """The statistics of what partial_fit has kept."""
    seen, dtype = self._seen, fill_dtype(self)
    default: int | str = "missing_value" if dtype.kind == "O" else 0
    found = statistics_of(seen, self.strategy, dtype)
    self.statistics_ = _finish(self, found, seen, default if self.fill_value is None else self.fill_value)


def _transform_sparse(self, X):
    """X filled, stored by column; None if it is scikit-learn's to do."""
    marker = float_marker(self.missing_values)
    if self.add_indicator or marker is NOT_OURS or marker == 0 or self.statistics_.dtype.kind != "f":
        note_sklearn("SimpleImputer.transform", "sparse input with an indicator, or such values")
        return None
    if not self.keep_empty_features and np.isnan(self.statistics_).any():
        note_sklearn("SimpleImputer.transform", "columns that were empty in fit are dropped")
        return None
    X = self._validate_input(X, in_fit=False)
    if X.dtype not in FLOATS:
        note_sklearn("SimpleImputer.transform", f"sparse {X.dtype} input")
        return None
    _core.fill_sparse_columns(X.data, X.indptr, marker, _fill(self))
    note_rust("SimpleImputer.transform")
    return X


def _finish(self, statistics, seen, fill_value):
    """scikit-learn's statistics_ from what was learned; learns the indicator too, and keeps what merging needs."""
    if seen.kept is None and self.strategy != "constant":
        self.__dict__.pop("_seen", None)  # too little to go on
    else:
        self._seen = seen
    missing = seen.missing
    empty = missing == seen.rows
    # One row stands for the whole mask, of which the indicator keeps the columns with a missing value.
    self._fit_indicator((missing > 0)[np.newaxis, :] if self.add_indicator else missing)
    if statistics is None:
        statistics = np.full(len(missing), fill_value, dtype=object)
        if not self.keep_empty_features:
            statistics[empty] = np.nan
    elif self.keep_empty_features:
        statistics[empty] = 0
    elif statistics.dtype == object:
        statistics[empty] = np.nan
    return statistics


def _table(self, X):
    """X as the core takes it: an array, or a frame's columns; None where scikit-learn's validation comes first."""
    if is_plain_float_matrix(X) or is_whole_matrix(X) or is_object_matrix(X):
        return X
    if type(X) is np.ndarray:
        return float_table(X) if _makes_floats(self) else None
    if (table := float_columns(X)) is None:
        table = mixed_columns(X)
        if type(table) is _core.ArrowNumbers and not (
            _makes_floats(self) or table.doubles or hasattr(X, "iloc")
        ):
            table = numpy_columns(X)
        if table is not None:
            known = type(table) is not Mixed or _makes_floats(self) or _is_known(table.exact)
            return table if known and not self.add_indicator else None
    if table is None:
        return objects_of_frame(X)
    if type(table) is list:
        return np.asarray(X) if self.add_indicator else table
    return X.to_numpy() if type(table) is _core.ArrowNumbers and self.add_indicator else table


def _makes_floats(self):
    """Does scikit-learn make floats of all numbers?"""
    return self.strategy in ("mean", "median")


def _dtype(self, table):
    """The type of scikit-learn's array of the values of a table."""
    if _makes_floats(self):
        return dtype_of(table)
    if type(table) is Mixed:
        return table.exact
    return table.dtype if type(table) is np.ndarray else dtype_of(table)


def _fast_fit(self, X, y=None):
    return _fit_table(self, X, _table(self, X))


def _fit_table(self, X, table, then_fill=False):
    """Fit on X, whose values `table` has."""
    if table is None or not _is_plain(self, table):
        return NotImplemented
    strategy, fill_value, texts = self.strategy, self.fill_value, _are_texts(table)
    if texts:
        learned = _learn_objects(table, strategy, self.missing_values)
    else:
        learned = _learn(table, strategy, self.missing_values, then_fill)
    if learned is None:
        return NotImplemented  # scikit-learn's validation words the error
    statistics, seen = learned
    _learn_columns(self, X, table)
    default: int | str = "missing_value" if texts else 0
    self.statistics_ = _finish(self, statistics, seen, default if fill_value is None else fill_value)
    note_rust("SimpleImputer.fit")
    return self


def _are_texts(table):
    return type(table) is np.ndarray and table.dtype.kind == "O"


def _is_plain(self, table):
    """Are the parameters such that scikit-learn's validation has nothing to say of them, for a table like this?"""
    strategy, fill_value = self.strategy, self.fill_value
    if (
        type(strategy) is not str
        or (strategy not in _LEARNED and strategy != "constant")
        or type(self.copy) is not bool
        or type(self.add_indicator) is not bool
        or type(self.keep_empty_features) is not bool
        or has_callbacks(self)
    ):
        return False
    if strategy != "constant":
        return True
    # A whole number that its type may not hold is scikit-learn's to refuse.
    kinds = {"O": (str, int, float), "f": (int, float)}.get(_dtype(self, table).kind, ())
    return not other_constants() and (fill_value is None or type(fill_value) in kinds)


def _learn_columns(self, X, table):
    """Note names, width and type of X, whose values `table` has."""
    state = self.__dict__
    if table is X:
        state.pop("feature_names_in_", None)
    else:
        learn_names(self, X)
    state["n_features_in_"] = X.shape[1]
    keep_dtype(self, _dtype(self, table))


def _seen_of_table(X, table, strategy, missing_values):
    """What there is to keep of X, which nobody checked and whose values `table` has, or None."""
    checked = _learn(table, "mean", missing_values)
    if checked is None or strategy == "mean":
        return None if checked is None else checked[1]
    if strategy == "constant":
        return checked[1]._replace(kept=None)
    if strategy != "median" or missing_values == missing_values:
        if type(table) is _core.ArrowNumbers and type(X).__module__.startswith("polars"):
            table = X.to_numpy()
        elif type(table) in (_core.ArrowNumbers, Mixed):
            return None
    return seen_of(table, strategy, missing_values)


def _fast_partial_fit(self, X, y=None):
    state = self.__dict__
    first = "statistics_" not in state
    table = _table(self, X)
    if table is None or _are_texts(table) or not _is_plain(self, table):
        return NotImplemented
    if not first and ("_seen" not in state or not agrees(state, X)):
        return NotImplemented
    new = _seen_of_table(X, table, self.strategy, self.missing_values)
    if new is None:
        return NotImplemented  # scikit-learn's validation words the error
    if first:
        _learn_columns(self, X, table)
    _take_in(self, new, first)
    _conclude(self)
    note_rust("SimpleImputer.partial_fit")
    return self


def _learn_objects(X, strategy, missing_values):
    """As `_learn`, of objects that nobody checked."""
    if strategy == "most_frequent":
        return _learn(X, strategy, missing_values)  # takes nothing but texts and what marks a missing one
    if strategy == "constant" and (marker := text_marker(missing_values)) is not NOT_OURS:
        found = _core.object_missing(X, marker)
        if found is not None and not found[1]:
            return None, Seen(X.shape[0], found[0].sum(axis=0), None)
    return None


def _fast_transform(self, X):
    return _transform_table(self, X, _table(self, X))


def _transform_table(self, X, table):
    """Fill X, whose values `table` has."""
    state = self.__dict__
    if table is None or "statistics_" not in state or type(self.copy) is not bool or array_api_dispatch():
        return NotImplemented
    texts = _are_texts(table)
    if texts != (state["_fit_dtype"].kind == "O") or _is_whole(_dtype(self, table)) or not agrees(state, X):
        return NotImplemented
    if not self.copy:
        out = _fill_there(self, table) if table is X and not texts else NotImplemented
    else:
        out = _fill_objects(self, table) if texts else _fill_floats(self, table)
    if out is NotImplemented:
        return NotImplemented
    note_rust("SimpleImputer.transform")
    # None was left out, and none added.
    same_names = not self.add_indicator and out.shape[1] == self.n_features_in_
    return framed(out, X, self, same_names)


def _fill_floats(self, table):
    state = self.__dict__
    marker = float_marker(self.missing_values)
    if marker is NOT_OURS or state["_fit_dtype"].kind != "f" or fill_dtype(self).kind != "f":
        return NotImplemented
    if type(table) is _core.ArrowNumbers:
        out = table.fill(marker, _fill(self))
    else:
        indicators = None
        if self.add_indicator:
            indicators = getattr(state["indicator_"], "features_", None)
            if indicators is None:
                return NotImplemented
        out = _core.fill_missing(table, marker, _fill(self), indicators)
    # None for a value that scikit-learn refuses, or a column that it drops
    return NotImplemented if out is None else out


def _fill_there(self, X):
    if not X.flags.writeable or not self._can_write_there(X.dtype):
        return NotImplemented
    # First, since nothing may have changed if scikit-learn refuses a value.
    if _core.column_statistics(X, "sum", float_marker(self.missing_values))[2]:
        return NotImplemented
    return X if self._transform_there(X) else NotImplemented


def _fill_objects(self, table):
    statistics = self.statistics_
    if self.add_indicator or (marker := text_marker(self.missing_values)) is NOT_OURS:
        return NotImplemented
    if statistics.shape != (table.shape[1],):
        return NotImplemented
    if not self.keep_empty_features and any(value != value for value in statistics):
        return NotImplemented  # scikit-learn drops columns that were empty, and warns
    found = _core.object_missing(table, marker)
    if found is None or found[1]:
        return NotImplemented
    out = table.copy(order="K")
    np.copyto(out, statistics.astype(fill_dtype(self), copy=False), where=found[0])
    return out


def _fill(self):
    """What is filled in, rounded as scikit-learn rounds it, as f64."""
    statistics, dtype = self.statistics_, fill_dtype(self)
    if statistics.dtype == _F64 and dtype == _F64:
        return statistics
    return statistics.astype(dtype).astype(_F64)


def _fast_fit_transform(self, X, y=None, **fit_params):
    if fit_params or array_api_dispatch():
        return NotImplemented
    table = _table(self, X)
    if _fit_table(self, X, table, then_fill=True) is NotImplemented:
        return NotImplemented
    out = _transform_table(self, X, table)
    return self.transform(X) if out is NotImplemented else out


with_fast_path(SimpleImputer, "fit", _fast_fit)
with_fast_path(SimpleImputer, "partial_fit", _fast_partial_fit)
with_fast_path(SimpleImputer, "fit_transform", _fast_fit_transform)
with_fast_path(SimpleImputer, "transform", _fast_transform)
