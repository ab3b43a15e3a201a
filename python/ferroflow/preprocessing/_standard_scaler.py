"""StandardScaler on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import _fit_context
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix, with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import (
    as_counts,
    default_output,
    has_callbacks,
    is_dispatched,
    validate_data,
)
from ferroflow.preprocessing._scaling import DISPATCHED, FLOATS, foreign


class StandardScaler(preprocessing.StandardScaler):
    __doc__ = preprocessing.StandardScaler.__doc__

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        self._reset()
        return self._take_in(X, y, sample_weight, "StandardScaler.fit")

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        return self._take_in(X, y, sample_weight, "StandardScaler.partial_fit")

    def _take_in(self, X, y, sample_weight, call):
        if has_callbacks(self):
            note_sklearn(call, "callbacks")
            return super().partial_fit(X, y, sample_weight)
        if is_dispatched(X):
            note_sklearn(call, DISPATCHED)
            return super().partial_fit(X, y, sample_weight)
        first = not hasattr(self, "n_samples_seen_")
        X = validate_data(
            self, X, accept_sparse=("csr", "csc"), dtype=FLOATS, ensure_all_finite="allow-nan", reset=first
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if sparse.issparse(X) and self.with_mean:
            raise ValueError(
                "Cannot center sparse matrices: pass `with_mean=False` "
                "instead. See docstring for motivation and alternatives."
            )
        _learn(self, X, sample_weight, first)
        note_rust(call)
        return self

    def transform(self, X, copy=None):
        if sparse.issparse(X):
            return _scale_sparse(self, X, copy, inverse=False)
        if reason := _foreign(self, X):
            note_sklearn("StandardScaler.transform", reason)
            return super().transform(X, copy=copy)
        check_is_fitted(self)
        copy = self.copy if copy is None else copy
        X = validate_data(
            self, X, reset=False, dtype=FLOATS, force_writeable=not copy, ensure_all_finite="allow-nan"
        )
        X = _standardize(self, X, inverse=False, copy=copy)
        note_rust("StandardScaler.transform")
        return X

    def inverse_transform(self, X, copy=None):
        if sparse.issparse(X):
            return _scale_sparse(self, X, copy, inverse=True)
        if reason := _foreign(self, X):
            note_sklearn("StandardScaler.inverse_transform", reason)
            return super().inverse_transform(X, copy=copy)
        check_is_fitted(self)
        copy = self.copy if copy is None else copy
        X = check_array(X, dtype=FLOATS, force_writeable=not copy, ensure_all_finite="allow-nan")
        width = next((a.shape[0] for a in (self.mean_, self.scale_) if a is not None), X.shape[1])
        if X.shape[1] != width:
            note_sklearn("StandardScaler.inverse_transform", "the width differs from the fitted one")
            return super().inverse_transform(X, copy=copy)
        X = _standardize(self, X, inverse=True, copy=copy)
        note_rust("StandardScaler.inverse_transform")
        return X

    def _scale_there(self, X):
        return not _core.scale_columns_in_place(X, *_arguments(self, False))

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : StandardScaler
            Fitted on rows of the same columns.

        Returns
        -------
        self : StandardScaler
        """
        check_same_columns(self, other, "scalers")
        if (self.var_ is None, self.mean_ is None) != (other.var_ is None, other.mean_ is None):
            raise ValueError(
                "Cannot merge scalers that learned different things; fit both with the same parameters."
            )
        if self.mean_ is None:
            _set_counts(self, np.asarray(self.n_samples_seen_) + other.n_samples_seen_)
        else:
            _set(self, *_core.merge_moments(_moments(self), _moments(other)))
        return self


def _foreign(self, X):
    """Why X is scikit-learn's to work on, or None."""
    return foreign(X, getattr(self, "mean_", None), getattr(self, "scale_", None))


def _set(self, count, mean, var, scale):
    self.mean_ = mean
    self.var_ = var if self.with_std else None
    self.scale_ = scale if self.with_std else None
    # As scikit-learn has it: one number where all columns saw the same rows.
    self.n_samples_seen_ = count[0] if (count == count[0]).all() else count


def _set_counts(self, count):
    """Note what is left to learn if neither mean nor deviation is asked for."""
    self.mean_ = self.var_ = self.scale_ = None
    count = np.broadcast_to(count, (self.n_features_in_,))
    self.n_samples_seen_ = count[0] if (count == count[0]).all() else count.copy()


def _moments(self):
    """What a scaler has seen, for each column."""
    width = self.n_features_in_
    seen = np.broadcast_to(np.asarray(self.n_samples_seen_, dtype=np.float64), (width,)).copy()
    return seen, self.mean_, self.var_ if self.var_ is not None else np.zeros(width)


def _learn(self, X, weights, first):
    counts_only = not (self.with_mean or self.with_std)
    before = None if first or counts_only else _moments(self)
    count_type = np.int64 if weights is None else X.dtype
    if counts_only and not sparse.issparse(X):
        weights = None  # as scikit-learn has it
    if sparse.issparse(X):
        parts = X.data, X.indices, X.indptr, X.shape, X.format == "csc"
        count, mean, var, scale, _, _ = _core.sparse_column_moments(*parts, weights, before)
        count = count.astype(X.dtype, copy=False)
    else:
        count, mean, var, scale, _, _ = _core.column_moments(X, weights, before)
        count = as_counts(count, weighted=weights is not None)
    if counts_only:
        count = count.astype(count_type)
        _set_counts(self, count if first else count + np.asarray(self.n_samples_seen_, dtype=count_type))
    else:
        _set(self, count, mean, var, scale)


def _scale_sparse(self, X, copy, inverse):
    check_is_fitted(self)
    options = {
        "accept_sparse": "csr",
        "copy": self.copy if copy is None else copy,
        "dtype": FLOATS,
        "force_writeable": True,
        "ensure_all_finite": "allow-nan",
    }
    X = check_array(X, **options) if inverse else validate_data(self, X, reset=False, **options)
    if self.with_mean:
        raise ValueError(
            f"Cannot {'uncenter' if inverse else 'center'} sparse matrices: pass `with_mean=False` "
            f"instead{'' if inverse else '.'} See docstring for motivation and alternatives."
        )
    if self.scale_ is not None:
        factor = self.scale_ if inverse else 1 / self.scale_
        _core.multiply_sparse_columns(X.data, X.indices, False, factor)
    note_rust(f"StandardScaler.{'inverse_' if inverse else ''}transform")
    return X


def _arguments(self, inverse):
    """What the core needs: scikit-learn rounds mean and scale to the type of the data first."""
    mean = self.mean_ if self.with_mean else None
    scale = self.scale_ if self.with_std else None
    return mean, scale, (inverse, True, None)


def _standardize(self, X, inverse, copy):
    if copy:
        return _core.scale_columns(X, *_arguments(self, inverse))[0]
    _core.scale_columns_in_place(X, *_arguments(self, inverse))
    return X


def _valid(self):
    """Are the parameters plain booleans, so that scikit-learn's validation has nothing to say?"""
    return type(self.with_mean) is bool and type(self.with_std) is bool and type(self.copy) is bool


def _fast_fit(self, X, y=None, sample_weight=None):
    if sample_weight is not None or not (
        _valid(self)
        and (self.with_mean or self.with_std)
        and is_plain_float_matrix(X)
        and not has_callbacks(self)
    ):
        return NotImplemented
    count, mean, var, scale, has_nan, has_inf = _core.column_moments(X)
    if has_inf:
        return NotImplemented  # scikit-learn's validation words the error
    self._reset()
    state = self.__dict__
    state.pop("feature_names_in_", None)
    state["n_features_in_"] = mean.shape[0]
    count = as_counts(count, weighted=False)
    if has_nan:
        _set(self, count, mean, var, scale)
    else:
        state["mean_"] = mean
        state["var_"] = var if self.with_std else None
        state["n_samples_seen_"] = count[0]
        state["scale_"] = scale if self.with_std else None
    note_rust("StandardScaler.fit")
    return self


def _fast_transform(self, X, copy=None):
    state = self.__dict__
    if (
        copy is not None
        or self.copy is not True
        or "scale_" not in state
        or "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or X.shape[1] != state["n_features_in_"]
        or not default_output(self)
    ):
        return NotImplemented
    out, has_inf = _core.scale_columns(X, *_arguments(self, False))
    if has_inf:
        return NotImplemented
    note_rust("StandardScaler.transform")
    return out


def _fast_fit_transform(self, X, y=None, **fit_params):
    if fit_params or not default_output(self):
        return NotImplemented
    if _fast_fit(self, X) is NotImplemented:
        return NotImplemented
    return _fast_transform(self, X)


with_fast_path(StandardScaler, "fit", _fast_fit)
with_fast_path(StandardScaler, "fit_transform", _fast_fit_transform)
with_fast_path(StandardScaler, "transform", _fast_transform)
