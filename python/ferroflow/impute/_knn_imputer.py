"""KNNImputer on the Rust core."""

from numbers import Real

import numpy as np
from sklearn import impute
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import get_mask, validate_data

_FLOATS = (np.float64, np.float32, np.float16)  # scikit-learn's, in its order


class KNNImputer(impute.KNNImputer):
    __doc__ = impute.KNNImputer.__doc__

    def transform(self, X):
        if reason := _foreign(self):
            note_sklearn("KNNImputer.transform", reason)
            return super().transform(X)
        check_is_fitted(self)
        missing = self.missing_values
        X = validate_data(
            self,
            X,
            accept_sparse=False,
            dtype=_FLOATS,
            force_writeable=True,
            ensure_all_finite="allow-nan" if missing != missing else True,
            copy=self.copy,
            reset=False,
        )
        if (
            not is_plain_float_matrix(X)
            or X.dtype != self._fit_X.dtype
            or np.may_share_memory(X, self._fit_X)
        ):
            note_sklearn(
                "KNNImputer.transform", "half floats, two types, or rows filled in place of their own"
            )
            return super().transform(X)
        flags = self._transform_indicator(get_mask(X, missing)) if self.add_indicator else None
        cells = _core.nearest_fills(
            X, self._fit_X, _marker(missing), self.n_neighbors, self.weights == "distance"
        )
        if cells is None:
            note_sklearn("KNNImputer.transform", "values whose squares overflow")
            return super().transform(X)
        _fill(self, X, cells)
        note_rust("KNNImputer.transform")
        if self.keep_empty_features:
            X[:, ~self._valid_mask] = 0
        elif not self._valid_mask.all():
            X = X[:, self._valid_mask]
        return self._concatenate_indicator(X, flags)

    def partial_fit(self, X, y=None):
        """Add rows to those that neighbours are looked for in.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows of the same columns.
        y : Ignored

        Returns
        -------
        self : KNNImputer
        """
        if not hasattr(self, "_fit_X"):
            return self.fit(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        more = type(self)(**self.get_params(deep=False)).fit(X)
        return self.merge(more)

    def merge(self, other):
        """Add the rows of another imputer, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : KNNImputer
            Fitted on rows of the same columns.

        Returns
        -------
        self : KNNImputer
        """
        check_same_columns(self, other, "imputers")
        self._fit_X: np.ndarray = np.concatenate([self._fit_X, other._fit_X])
        self._mask_fit_X: np.ndarray = np.concatenate([self._mask_fit_X, other._mask_fit_X])
        self._valid_mask: np.ndarray = self._valid_mask | other._valid_mask
        self._fit_indicator(self._mask_fit_X)
        return self


def _marker(missing_values):
    return None if missing_values != missing_values else float(missing_values)


def _foreign(self):
    """Why another row's distance, or its weight, is scikit-learn's to compute; or None."""
    if callable(self.metric) or callable(self.weights):
        return "a callable metric, or callable weights"
    if not isinstance(self.missing_values, Real) or abs(float(self.missing_values)) > 2**53:
        return "missing_values is no plain number"
    if not is_plain_float_matrix(getattr(self, "_fit_X", None)):
        return "fitted on half floats"
    return None


def _fill(self, X, cells):
    rows, columns, values, nobody = cells
    if nobody:
        nobody = np.array(nobody)
        for j in np.unique(columns[nobody]):
            there = np.ma.array(self._fit_X[:, j], mask=self._mask_fit_X[:, j])
            values[nobody[columns[nobody] == j]] = there.mean()
    X[rows, columns] = values
