"""StandardScaler on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import _fit_context
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted

from ferroflow import _core
from ferroflow._bridge.frame_columns import dtype_of, finite_or_nan
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import (
    as_counts,
    has_callbacks,
    is_dispatched,
    validate_data,
)
from ferroflow.preprocessing._scaling import (
    DISPATCHED,
    FLOATS,
    Steps,
    foreign,
    is_converted,
    taken_in,
    with_fast_paths,
)


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
        table = taken_in(self, X, first, ("csr", "csc"))
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if sparse.issparse(table) and self.with_mean:
            raise ValueError(
                "Cannot center sparse matrices: pass `with_mean=False` "
                "instead. See docstring for motivation and alternatives."
            )
        _learn(self, table, sample_weight, first)
        note_rust(call)
        return self

    def transform(self, X, copy=None):
        if sparse.issparse(X):
            return _scale_sparse(self, X, copy, inverse=False)
        if reason := _foreign(self, X):
            note_sklearn("StandardScaler.transform", reason)
            return super().transform(X, copy=copy)
        check_is_fitted(self)
        copy = (self.copy if copy is None else copy) and not is_converted(X)
        X = validate_data(
            self, X, reset=False, dtype=FLOATS, force_writeable=not copy, ensure_all_finite=finite_or_nan(X)
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
        copy = (self.copy if copy is None else copy) and not is_converted(X)
        X = check_array(X, dtype=FLOATS, force_writeable=not copy, ensure_all_finite=finite_or_nan(X))
        width = next((a.shape[0] for a in (self.mean_, self.scale_) if a is not None), X.shape[1])
        if X.shape[1] != width:
            note_sklearn("StandardScaler.inverse_transform", "the width differs from the fitted one")
            return super().inverse_transform(X, copy=copy)
        X = _standardize(self, X, inverse=True, copy=copy)
        note_rust("StandardScaler.inverse_transform")
        return X

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
    count_type = np.int64 if weights is None else dtype_of(X)
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


def _steps(self, inverse):
    """scikit-learn rounds mean and scale to the type of the data first."""
    mean = self.mean_ if self.with_mean else None
    scale = self.scale_ if self.with_std else None
    return Steps(mean, scale, back=inverse, rounded=True)


def _standardize(self, X, inverse, copy):
    arguments = _steps(self, inverse).arguments()
    if copy:
        return _core.scale_columns(X, *arguments)[0]
    _core.scale_columns_in_place(X, *arguments)
    return X


def _learn_table(self, table):
    plain = all(type(flag) is bool for flag in (self.with_mean, self.with_std, self.copy))
    if not plain or not (self.with_mean or self.with_std) or has_callbacks(self):
        return NotImplemented
    count, mean, var, scale, has_nan, has_inf = _core.column_moments(table)
    if has_inf:
        return NotImplemented  # scikit-learn's validation words the error
    self._reset()
    count = as_counts(count, weighted=False)
    if has_nan:
        _set(self, count, mean, var, scale)
    else:
        state = self.__dict__
        state["mean_"] = mean
        state["var_"] = var if self.with_std else None
        state["n_samples_seen_"] = count[0]
        state["scale_"] = scale if self.with_std else None
    return self


with_fast_paths(StandardScaler, _learn_table, _steps)
