"""Linear scores by the kernels that frozen models run, so that both give the same bits."""

import math

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.sklearn_compat import is_dispatched, validate_data


def as_rows(X):
    """Return X as the native module takes it: an array, or a CSR matrix's parts."""
    if not sparse.issparse(X):
        return X
    return (
        X.data,
        X.indices.astype(np.int32, copy=False),
        X.indptr.astype(np.int64, copy=False),
        X.shape[1],
    )


def scores(estimator, X, intercept=None):
    """Return ``X @ coef_.T + intercept`` of shape (n_samples, n_outputs); `intercept` is ``intercept_`` if None."""
    state = estimator.__dict__
    if (
        "coef_" in state
        and "feature_names_in_" not in state
        and is_plain_float_matrix(X)
        and X.shape[1] == state.get("n_features_in_")
    ):
        out = _scores(estimator, X, intercept)
        # Of rows that are not finite no score is: scikit-learn's validation then says what is wrong.
        if math.isfinite(out.item()) if out.size == 1 else np.isfinite(out).all():
            return out
    check_is_fitted(estimator)
    X = validate_data(estimator, X, accept_sparse="csr", reset=False, dtype=[np.float64, np.float32])
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return _scores(estimator, X, intercept)


class DecisionMixin:
    """The scores of scikit-learn's linear classifiers, of which ours are subclasses."""

    def decision_function(self, X):
        """Return the scores of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for two classes, positive for ``classes_[1]``.
        """
        if is_dispatched(X, getattr(self, "coef_", None)):
            return super().decision_function(X)  # type: ignore[misc]
        out = scores(self, X)
        return out[:, 0] if out.shape[1] == 1 else out


class PredictMixin:
    """The predictions of scikit-learn's linear regressors, of which ours are subclasses."""

    coef_: np.ndarray

    def predict(self, X):
        """Predict using the linear model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        if is_dispatched(X, getattr(self, "coef_", None)):
            return super().predict(X)  # type: ignore[misc]
        out = scores(self, X)
        return out[:, 0] if np.ndim(self.coef_) == 1 else out


def _scores(estimator, X, intercept):
    coef = estimator.coef_
    if sparse.issparse(coef):  # after sparsify()
        coef = coef.toarray()
    if intercept is None:
        intercept = estimator.intercept_
    if not (type(coef) is type(intercept) is np.ndarray and coef.dtype == intercept.dtype == X.dtype):
        dtype = np.result_type(X.dtype, coef.dtype)
        if X.dtype != dtype:
            X = X.astype(dtype)
        coef, intercept = np.asarray(coef, dtype=dtype), np.asarray(intercept, dtype=dtype)
    if coef.ndim == 1:
        coef = coef[None, :]
    if intercept.ndim != 1:
        intercept = np.broadcast_to(intercept.ravel(), len(coef))
    if not (coef.flags.c_contiguous and intercept.flags.c_contiguous):
        coef, intercept = np.ascontiguousarray(coef), np.ascontiguousarray(intercept)
    return _core.linear_scores(as_rows(X), coef, intercept)
