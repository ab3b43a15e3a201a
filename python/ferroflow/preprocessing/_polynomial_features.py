"""PolynomialFeatures on the Rust core."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix, with_fast_path
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import default_output, is_dispatched, validate_data

_MOST = 1 << 31
"""Terms that the core numbers."""


class PolynomialFeatures(preprocessing.PolynomialFeatures):
    __doc__ = preprocessing.PolynomialFeatures.__doc__

    def partial_fit(self, X, y=None):
        """Check more rows: all that is learned is the number of columns.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            More rows of the same columns.
        y : None
            Ignored.

        Returns
        -------
        self : PolynomialFeatures
        """
        if not hasattr(self, "n_output_features_"):
            return self.fit(X, y)
        validate_data(self, X, accept_sparse=True, reset=False)
        return self

    def merge(self, other):
        """Check that `other` was fitted on as many columns.

        Parameters
        ----------
        other : PolynomialFeatures
            Fitted on rows of the same columns.

        Returns
        -------
        self : PolynomialFeatures
        """
        check_same_columns(self, other, "terms")
        return self

    def transform(self, X):
        check_is_fitted(self)
        if sparse.issparse(X) or is_dispatched(X) or self._n_out_full >= _MOST:
            note_sklearn(
                "PolynomialFeatures.transform", "sparse or another library's arrays, or very many terms"
            )
            return super().transform(X)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        note_rust("PolynomialFeatures.transform")
        return _terms(self, X)


def _terms(self, X):
    degrees = self._min_degree, self._max_degree
    return _core.polynomial_terms(X, degrees, self.interaction_only, self.include_bias, self.order == "F")


def _fast_transform(self, X):
    state = self.__dict__
    if (
        "_n_out_full" not in state
        or state["_n_out_full"] >= _MOST
        or "feature_names_in_" in state
        or not is_plain_float_matrix(X)
        or X.shape[1] != state.get("n_features_in_")
        or not default_output(self)
    ):
        return NotImplemented
    out = _terms(self, X)
    if out is None:
        return NotImplemented
    note_rust("PolynomialFeatures.transform")
    return out


with_fast_path(PolynomialFeatures, "transform", _fast_transform)
