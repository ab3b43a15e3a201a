"""SimpleImputer on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import impute
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix, with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.object_frames import is_object_matrix, objects_of_frame
from ferroflow._bridge.sklearn_compat import (
    check_feature_names,
    default_output,
    fill_dtype,
    get_mask,
    has_callbacks,
    is_pandas_na,
    keep_dtype,
    other_constants,
)

_LEARNED = ("mean", "median", "most_frequent")
_NOT_OURS = object()
_F64 = np.dtype(np.float64)


class SimpleImputer(impute.SimpleImputer):
    __doc__ = impute.SimpleImputer.__doc__

    def fit(self, X, y=None):
        return super().fit(X, y)

    def fit_transform(self, X, y=None, **fit_params):
        return super().fit_transform(X, y, **fit_params)

    def transform(self, X):
        check_is_fitted(self)
        if sparse.issparse(X):
            note_sklearn("SimpleImputer.transform", "sparse input")
            return super().transform(X)
        if not self.keep_empty_features and get_mask(self.statistics_, np.nan).any():
            note_sklearn("SimpleImputer.transform", "columns that were empty in fit are dropped")
            return super().transform(X)
        X = self._validate_input(X, in_fit=False)  # a copy, unless copy=False
        mask = _missing_mask(X, self.missing_values)
        flags = self._transform_indicator(mask)
        fill = self.statistics_.astype(fill_dtype(self), copy=False)
        np.copyto(X, fill, where=mask, casting="unsafe")
        note_rust("SimpleImputer.transform")
        return self._concatenate_indicator(X, flags)

    # scikit-learn's fit validates X, then calls one of these two for the statistics.

    def _sparse_fit(self, X, strategy, missing_values, fill_value):
        note_sklearn("SimpleImputer.fit", "sparse input")
        return super()._sparse_fit(X, strategy, missing_values, fill_value)

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
        statistics, missing = learned
        return _finish(self, X, statistics, missing, fill_value)


def _marker(missing_values):
    """What marks missing floats: None for NaN, a number, or `_NOT_OURS`."""
    kind = type(missing_values)
    if kind is float:
        if missing_values != missing_values:
            return None
        return missing_values if abs(missing_values) < 3e38 else _NOT_OURS
    if kind is int:
        return float(missing_values) if abs(missing_values) <= 2**53 else _NOT_OURS
    return None if is_pandas_na(missing_values) else _NOT_OURS


def _text_marker(missing_values):
    """What marks missing objects: NaN, None, a text, or `_NOT_OURS`."""
    kind = type(missing_values)
    if kind is str or missing_values is None:
        return missing_values
    return missing_values if kind is float and missing_values != missing_values else _NOT_OURS


def _missing_mask(X, missing_values):
    """scikit-learn's mask of what is missing."""
    if X.dtype == object and (marker := _text_marker(missing_values)) is not _NOT_OURS:
        found = _core.object_missing(X, marker)
        if found is not None:
            return found[0]
    return get_mask(X, missing_values)


def _learn(X, strategy, missing_values):
    """Return (statistic of each column or None, number of missing values of each column) of checked X, or None."""
    if is_plain_float_matrix(X):
        marker = _marker(missing_values)
        if marker is _NOT_OURS or callable(strategy):
            return None
        statistics, missing, refused = _core.column_statistics(
            X, strategy if strategy in _LEARNED else "mean", marker
        )
        return None if refused else (statistics if strategy in _LEARNED else None, missing)
    if strategy == "constant":
        return None, _missing_mask(X, missing_values).sum(axis=0)
    if strategy != "most_frequent":
        return None
    if X.dtype.kind in "iu" and X.dtype != np.uint64:
        if type(missing_values) is int:
            marker = missing_values if abs(missing_values) < 2**63 else None
        elif type(missing_values) is float:
            marker = (
                int(missing_values) if missing_values.is_integer() and abs(missing_values) < 2**53 else None
            )
        elif is_pandas_na(missing_values):
            marker = None
        else:
            return None
        return _core.integer_modes(X.astype(np.int64, copy=False), marker)
    if X.dtype == object and (marker := _text_marker(missing_values)) is not _NOT_OURS:
        found = _core.object_modes(X, marker)
        if found is not None:
            statistics = np.empty(X.shape[1], dtype=object)
            statistics[:] = found[0]
            return statistics, found[1]
    return None


def _finish(self, X, statistics, missing, fill_value):
    """scikit-learn's statistics_ from what was learned; learns the indicator too."""
    # One row stands for the whole mask, of which the indicator keeps the columns with a missing value.
    self._fit_indicator((missing > 0)[np.newaxis, :] if self.add_indicator else missing)
    if statistics is None:
        statistics = np.full(X.shape[1], fill_value, dtype=object)
        if not self.keep_empty_features:
            statistics[missing == X.shape[0]] = np.nan
    elif self.keep_empty_features:
        statistics[missing == X.shape[0]] = 0
    elif statistics.dtype == object:
        statistics[missing == X.shape[0]] = np.nan
    return statistics


def _fast_fit(self, X, y=None):
    strategy, fill_value = self.strategy, self.fill_value
    if (
        type(strategy) is not str
        or (strategy not in _LEARNED and strategy != "constant")
        or type(self.copy) is not bool
        or type(self.add_indicator) is not bool
        or type(self.keep_empty_features) is not bool
        or has_callbacks(self)
    ):
        return NotImplemented
    constant = strategy == "constant"
    if constant and other_constants():
        return NotImplemented
    frame = None
    if is_plain_float_matrix(X):
        if constant and not (fill_value is None or type(fill_value) in (int, float)):
            return NotImplemented
        learned = _learn(X, strategy, self.missing_values)
        default: int | str = 0
    else:
        if not is_object_matrix(X):
            frame, X = X, objects_of_frame(X)
        if X is None or (constant and not (fill_value is None or type(fill_value) in (str, int, float))):
            return NotImplemented
        learned = _learn_objects(X, strategy, self.missing_values)
        default = "missing_value"
    if learned is None:
        return NotImplemented  # scikit-learn's validation words the error
    statistics, missing = learned
    state = self.__dict__
    if frame is None:
        state.pop("feature_names_in_", None)
    else:
        check_feature_names(self, frame, reset=True)
    state["n_features_in_"] = X.shape[1]
    keep_dtype(self, X.dtype)
    state["statistics_"] = _finish(
        self, X, statistics, missing, default if fill_value is None else fill_value
    )
    note_rust("SimpleImputer.fit")
    return self


def _learn_objects(X, strategy, missing_values):
    """As `_learn`, of objects that nobody checked."""
    if strategy == "most_frequent":
        return _learn(X, strategy, missing_values)  # takes nothing but texts and what marks a missing one
    if strategy == "constant" and (marker := _text_marker(missing_values)) is not _NOT_OURS:
        found = _core.object_missing(X, marker)
        if found is not None and not found[1]:
            return None, found[0].sum(axis=0)
    return None


def _fast_transform(self, X):
    state = self.__dict__
    if "statistics_" not in state or self.copy is not True:
        return NotImplemented
    if state["_fit_dtype"].kind == "O":
        return _fast_transform_objects(self, X)
    if (
        "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or X.shape[1] != state["n_features_in_"]
        or state["_fit_dtype"].kind != "f"
        or fill_dtype(self).kind != "f"
        or not default_output(self)
    ):
        return NotImplemented
    marker = _marker(self.missing_values)
    indicators = None
    if self.add_indicator:
        indicators = getattr(state["indicator_"], "features_", None)
        if indicators is None:
            return NotImplemented
    if marker is _NOT_OURS:
        return NotImplemented
    out = _core.fill_missing(X, marker, _fill(self), indicators)
    if out is None:  # a value that scikit-learn refuses, or a column that it drops
        return NotImplemented
    note_rust("SimpleImputer.transform")
    return out


def _fast_transform_objects(self, X):
    state = self.__dict__
    statistics = state["statistics_"]
    if (
        self.add_indicator
        or not default_output(self)
        or (marker := _text_marker(self.missing_values)) is _NOT_OURS
    ):
        return NotImplemented
    if not self.keep_empty_features and any(value != value for value in statistics):
        return NotImplemented  # scikit-learn drops columns that were empty, and warns
    if is_object_matrix(X):
        if "feature_names_in_" in state:
            return NotImplemented  # scikit-learn warns of the missing names
        values = X
    else:
        values = objects_of_frame(X)
        if values is None:
            return NotImplemented
        check_feature_names(self, X, reset=False)
    if values.shape[1] != state["n_features_in_"] or statistics.shape != (values.shape[1],):
        return NotImplemented
    found = _core.object_missing(values, marker)
    if found is None or found[1]:
        return NotImplemented
    out = values.copy(order="K")
    np.copyto(out, statistics.astype(fill_dtype(self), copy=False), where=found[0])
    note_rust("SimpleImputer.transform")
    return out


def _fill(self):
    """What is filled in, rounded as scikit-learn rounds it, as f64."""
    statistics, dtype = self.statistics_, fill_dtype(self)
    if statistics.dtype == _F64 and dtype == _F64:
        return statistics
    return statistics.astype(dtype).astype(_F64)


def _fast_fit_transform(self, X, y=None, **fit_params):
    if fit_params or not default_output(self) or _fast_fit(self, X) is NotImplemented:
        return NotImplemented
    return self.transform(X)


with_fast_path(SimpleImputer, "fit", _fast_fit)
with_fast_path(SimpleImputer, "fit_transform", _fast_fit_transform)
with_fast_path(SimpleImputer, "transform", _fast_transform)
