"""StandardScaler on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import _fit_context
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix, with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    as_counts,
    default_output,
    has_callbacks,
    is_dispatched,
    validate_data,
)

_FLOATS = [np.float64, np.float32]
_DISPATCHED = "another library's arrays, computed on there"


class StandardScaler(preprocessing.StandardScaler):
    __doc__ = preprocessing.StandardScaler.__doc__

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        self._reset()
        return self._take_in(X, y, sample_weight, "StandardScaler.fit")

    def fit_transform(self, X, y=None, **fit_params):
        return super().fit_transform(X, y, **fit_params)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        return self._take_in(X, y, sample_weight, "StandardScaler.partial_fit")

    def _take_in(self, X, y, sample_weight, call):
        if has_callbacks(self) or not (self.with_mean or self.with_std):
            note_sklearn(call, "callbacks, or neither mean nor deviation is asked for")
            return super().partial_fit(X, y, sample_weight)
        if is_dispatched(X):
            note_sklearn(call, _DISPATCHED)
            return super().partial_fit(X, y, sample_weight)
        first = not hasattr(self, "n_samples_seen_")
        X = validate_data(
            self, X, accept_sparse=("csr", "csc"), dtype=_FLOATS, ensure_all_finite="allow-nan", reset=first
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
        if reason := _foreign(self, X, self.copy if copy is None else copy):
            note_sklearn("StandardScaler.transform", reason)
            return super().transform(X, copy=copy)
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=_FLOATS, ensure_all_finite="allow-nan")
        out, _ = _standardize(self, X, inverse=False)
        note_rust("StandardScaler.transform")
        return out

    def inverse_transform(self, X, copy=None):
        if sparse.issparse(X):
            return _scale_sparse(self, X, copy, inverse=True)
        if reason := _foreign(self, X, self.copy if copy is None else copy):
            note_sklearn("StandardScaler.inverse_transform", reason)
            return super().inverse_transform(X, copy=copy)
        check_is_fitted(self)
        X = check_array(X, dtype=_FLOATS, ensure_all_finite="allow-nan")
        width = next((a.shape[0] for a in (self.mean_, self.scale_) if a is not None), X.shape[1])
        if X.shape[1] != width:
            note_sklearn("StandardScaler.inverse_transform", "the width differs from the fitted one")
            return super().inverse_transform(X, copy=copy)
        out, _ = _standardize(self, X, inverse=True)
        note_rust("StandardScaler.inverse_transform")
        return out

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
        check_is_fitted(self)
        check_is_fitted(other)
        if self.n_features_in_ != other.n_features_in_:
            raise ValueError(
                f"Cannot merge scalers of {self.n_features_in_} and {other.n_features_in_} features; "
                "fit both on the same columns."
            )
        if self.var_ is None or other.var_ is None:
            raise ValueError("Cannot merge scalers without variances; fit both with with_std=True.")
        width = self.n_features_in_
        a = np.broadcast_to(np.asarray(self.n_samples_seen_, dtype=np.float64), (width,))
        b = np.broadcast_to(np.asarray(other.n_samples_seen_, dtype=np.float64), (width,))
        count, mean, var, scale = _core.merge_moments(
            (a.copy(), self.mean_, self.var_), (b.copy(), other.mean_, other.var_)
        )
        _set(self, count, mean, var, scale)
        return self


def _foreign(self, X, copy):
    """Why X is scikit-learn's to work on, or None."""
    if is_dispatched(X, getattr(self, "mean_", None), getattr(self, "scale_", None)):
        return _DISPATCHED
    if getattr(X, "dtype", None) == np.float16:
        return "float16 input"
    return None if copy else "copy=False works in place, by NumPy"


def _set(self, count, mean, var, scale):
    self.mean_ = mean
    self.var_ = var if self.with_std else None
    self.scale_ = scale if self.with_std else None
    # As scikit-learn has it: one number where all columns saw the same rows.
    self.n_samples_seen_ = count[0] if (count == count[0]).all() else count


def _learn(self, X, weights, first):
    before = None
    if not first:
        width = X.shape[1]
        seen = np.broadcast_to(np.asarray(self.n_samples_seen_, dtype=np.float64), (width,)).copy()
        before = (seen, self.mean_, self.var_ if self.var_ is not None else np.zeros(width))
    if sparse.issparse(X):
        parts = X.data, X.indices, X.indptr, X.shape, X.format == "csc"
        count, mean, var, scale, _, _ = _core.sparse_column_moments(*parts, weights, before)
        count = count.astype(X.dtype, copy=False)
    else:
        count, mean, var, scale, _, _ = _core.column_moments(X, weights, before)
        count = as_counts(count, weighted=weights is not None)
    _set(self, count, mean, var, scale)


def _scale_sparse(self, X, copy, inverse):
    check_is_fitted(self)
    options = {
        "accept_sparse": "csr",
        "copy": self.copy if copy is None else copy,
        "dtype": _FLOATS,
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
        _core.multiply_sparse_columns(X.data, X.indices, self.scale_ if inverse else 1 / self.scale_)
    note_rust(f"StandardScaler.{'inverse_' if inverse else ''}transform")
    return X


def _standardize(self, X, inverse):
    mean = self.mean_ if self.with_mean else None
    scale = self.scale_ if self.with_std else None
    return _core.standardize(X, mean, scale, inverse)


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
    out, has_inf = _standardize(self, X, inverse=False)
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
