"""MissingIndicator on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import impute

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix, with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import csc_class, csr_class, default_output, validate_data
from ferroflow.impute._markers import NOT_OURS, float_marker, missing_mask


class MissingIndicator(impute.MissingIndicator):
    __doc__ = impute.MissingIndicator.__doc__

    def fit(self, X, y=None):
        return super().fit(X, y)

    def transform(self, X):
        return super().transform(X)

    def fit_transform(self, X, y=None):
        return super().fit_transform(X, y)

    def partial_fit(self, X, y=None):
        """Learn from more rows which columns have missing values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            More rows of the same columns.
        y : Ignored

        Returns
        -------
        self : MissingIndicator
        """
        if not hasattr(self, "features_"):
            return self.fit(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self.merge(type(self)(**self.get_params(deep=False)).fit(X))

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : MissingIndicator
            Fitted on rows of the same columns.

        Returns
        -------
        self : MissingIndicator
        """
        check_same_columns(self, other, "indicators")
        self.features_: np.ndarray = np.union1d(self.features_, other.features_)
        return self

    # scikit-learn's fit and transform validate X, then call this.

    def _get_missing_features_info(self, X):
        call = "MissingIndicator"
        marker = float_marker(self.missing_values)
        if self._precomputed:
            return super()._get_missing_features_info(X)
        if sparse.issparse(X):
            if marker is NOT_OURS or X.dtype not in FLOATS:
                note_sklearn(call, f"sparse {X.dtype} input with such a marker")
                return super()._get_missing_features_info(X)
            mask, found = _sparse_mask(X, marker, dense=self.sparse is False)
        elif is_plain_float_matrix(X) and marker is not NOT_OURS:
            mask, found, _ = _core.missing_marks(X, marker, list(range(X.shape[1])))
        else:
            mask = missing_mask(X, self.missing_values)
            found = mask.any(axis=0)
        if self.sparse is True and not sparse.issparse(mask):
            mask = csc_class()(mask)
        note_rust(call)
        return mask, np.arange(X.shape[1]) if self.features == "all" else np.flatnonzero(found)


def _sparse_mask(X, marker, dense):
    """Where X stores what is missing, by column or dense, and which columns have any."""
    indices, pointers = _core.sparse_missing(X.data, X.indices, X.indptr, marker)
    parts = np.ones(len(indices), dtype=bool), indices, pointers
    by_row = X.format == "csr"
    mask = (csr_class() if by_row else csc_class())(parts, shape=X.shape)
    found = np.bincount(indices, minlength=X.shape[1]) > 0 if by_row else np.diff(pointers) > 0
    if dense:
        return mask.toarray(), found
    return (mask.tocsc() if by_row else mask), found


def _plain(self, X):
    """What marks missing values of X, if X needs no validation and the parameters are plain; else `NOT_OURS`."""
    if (
        not is_plain_float_matrix(X)
        or type(self.features) is not str
        or self.features not in ("missing-only", "all")
        or type(self.error_on_new) is not bool
        or (self.sparse is not False and self.sparse != "auto")
    ):
        return NOT_OURS
    return float_marker(self.missing_values)


def _learn(self, X, marker, chosen):
    mask, found, refused = _core.missing_marks(X, marker, chosen)
    if refused:
        return None  # scikit-learn's validation words the error
    state = self.__dict__
    state.pop("feature_names_in_", None)
    state["n_features_in_"] = state["_n_features"] = X.shape[1]
    state["_precomputed"] = False
    state["features_"] = np.arange(X.shape[1]) if self.features == "all" else np.flatnonzero(found)
    return mask


def _fast_fit(self, X, y=None):
    marker = _plain(self, X)
    if marker is NOT_OURS or _learn(self, X, marker, None) is None:
        return NotImplemented
    note_rust("MissingIndicator.fit")
    return self


def _fast_transform(self, X):
    state = self.__dict__
    if (
        "features_" not in state
        or state["_precomputed"]
        or "feature_names_in_" in state
        or not default_output(self)
        or (marker := _plain(self, X)) is NOT_OURS
        or X.shape[1] != state["n_features_in_"]
    ):
        return NotImplemented
    features = state["features_"]
    mask, found, refused = _core.missing_marks(X, marker, features.tolist())
    if refused:
        return NotImplemented
    if self.features == "missing-only" and self.error_on_new:
        found[features] = False
        if found.any():
            return NotImplemented  # scikit-learn names the columns
    note_rust("MissingIndicator.transform")
    return mask


def _fast_fit_transform(self, X, y=None):
    if not default_output(self) or _fast_fit(self, X) is NotImplemented:
        return NotImplemented
    return self.transform(X)


with_fast_path(MissingIndicator, "fit", _fast_fit)
with_fast_path(MissingIndicator, "fit_transform", _fast_fit_transform)
with_fast_path(MissingIndicator, "transform", _fast_transform)
