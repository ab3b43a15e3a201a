"""Least squares from sums of products: what the estimators of that family share."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.sklearn_compat import check_sample_weight, fit_context, is_dispatched, validate_data
from ferroflow.linear_model._scores import PredictMixin

# Beyond so many columns their products take more memory than is seemly.
MOST_COLUMNS = 4096


class LeastSquaresMixin(PredictMixin, BaseEstimator):
    """Fits that need of the rows only their sums of products; ``_solve_moments`` makes coefficients of these."""

    def _reason_for_sklearn(self, X, y):
        """Why rows like these are not ours, or None."""
        return reason_for_sklearn(X, y)

    def _take_plain(self, X, y, weights):
        """Fit arrays that validation would leave as they are; return whether that was possible."""
        moments = moments_of_plain(X, y, weights)
        if moments is None:
            return False
        self.__dict__.pop("feature_names_in_", None)
        self.n_features_in_ = X.shape[1]
        return self._learn(X, y, weights, moments)

    def _take_validated(self, X, y, weights):
        """Fit rows that were validated; return whether that was possible."""
        X = check_array(X, dtype=FLOATS)
        y = check_array(y, dtype=X.dtype, ensure_2d=False)
        if weights is not None:
            weights = np.asarray(weights, dtype=np.float64)
        moments = moments_of(X, y, weights)
        return are_finite(moments) and self._learn(X, y, weights, moments)

    def _learn(self, X, y, weights, moments):
        y = y.astype(X.dtype, copy=False)
        if moments[0] <= 0 or not self._solve_moments(
            moments, X.dtype, y.ndim == 1, (X, as_columns(y), weights)
        ):
            return False
        self._moments = moments
        note_rust(f"{type(self).__name__}.fit")
        return True

    def _set_coefficients(self, coef, x_mean, y_mean, dtype, flat, ravel):
        """Keep `coef` of shape (n_targets, n_features), and the intercepts that go with it."""
        self.coef_ = coef.ravel().astype(dtype) if ravel else np.ascontiguousarray(coef, dtype=dtype)
        if not self.fit_intercept:
            self.intercept_ = 0.0
            return
        intercept = (y_mean - np.atleast_2d(self.coef_) @ x_mean).astype(dtype)
        self.intercept_ = intercept[0] if flat else intercept


class MergeMixin(LeastSquaresMixin):
    """More rows, and other models' rows, by adding up the sums."""

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Take in more rows, as if all had been there at once.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the rows so far do not determine the coefficients, or an option needs the rows themselves.
        """
        reason = self._reason_for_sklearn(None, None)
        if reason:
            raise ValueError(f"partial_fit is not available for {reason}")
        first = not hasattr(self, "_moments")
        X, y = validate_data(self, X, y, reset=first, dtype=FLOATS, multi_output=True, y_numeric=True)
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        moments = moments_of(X, y.astype(X.dtype, copy=False), weights, None if first else self._moments)
        return self._refit(moments, X.dtype if first else self.coef_.dtype, y.ndim == 1)

    def merge(self, other):
        """Take in what `other` has learned, as if its rows had been here.

        Parameters
        ----------
        other : object of the same class, fitted to other rows of the same columns

        Returns
        -------
        self : object
        """
        if type(other) is not type(self):
            raise TypeError(f"a {type(self).__name__} cannot take in a {type(other).__name__}")
        for model in (self, other):
            if not hasattr(model, "_moments"):
                raise NotFittedError(
                    f"This {type(model).__name__} has no sums to merge: it is not fitted, or scikit-learn fitted it"
                )
        if len(self._moments[1]) != len(other._moments[1]):
            raise ValueError("the two were fitted to different numbers of columns")
        return self._refit(
            _core.merge_products(self._moments, other._moments),
            self.coef_.dtype,
            np.ndim(self.intercept_) == 0,
        )

    def _refit(self, moments, dtype, flat):
        self._moments = moments
        if not self._solve_moments(moments, dtype, flat, None):
            raise ValueError(
                "The rows so far do not determine the coefficients: a column is constant or depends on others. "
                "Take in more rows at once, leave the column out, or use Ridge."
            )
        note_rust(f"{type(self).__name__}.partial_fit")
        return self


def reason_for_sklearn(X, y):
    """Why sums of products are not for rows like these, or None."""
    if is_dispatched(X, y):
        return "an array of another library"
    if sparse.issparse(X) or sparse.issparse(y):
        return "sparse input"
    shape = getattr(X, "shape", (0, 0))
    if len(shape) == 2 and shape[1] > min(shape[0], MOST_COLUMNS):
        return "more columns than rows" if shape[1] > shape[0] else f"more than {MOST_COLUMNS} columns"
    return None


def moments_of_plain(X, y, weights):
    """Return :func:`moments_of` arrays that validation would leave as they are; None for others."""
    if not (
        is_plain_float_matrix(X)
        and type(y) is np.ndarray
        and y.ndim in (1, 2)
        and y.dtype.kind in "iuf"
        and y.dtype.isnative
        and y.size > 0
        and len(y) == len(X)
        and _are_plain_weights(weights, X)
    ):
        return None
    moments = moments_of(X, y.astype(X.dtype, copy=False), weights)
    return moments if are_finite(moments) else None


def _are_plain_weights(weights, X):
    return weights is None or (
        type(weights) is np.ndarray
        and weights.dtype == X.dtype == np.float64
        and weights.shape == (len(X),)
        and weights.min() >= 0
        and np.isfinite(weights.sum())
    )


def as_columns(y):
    """Return targets as a matrix."""
    return y[:, None] if y.ndim == 1 else y


def moments_of(X, y, weights, before=None):
    """Return (weight, means, centred products) of the columns of X and y, merged with what was `before`."""
    return _core.column_products(X, as_columns(y), weights, before)


def are_finite(moments):
    """Are the sums finite? If so all values were."""
    _, mean, products = moments
    return bool(np.isfinite(mean).all() and np.isfinite(products.diagonal()).all())


def parts(moments, n_features, fit_intercept):
    """Return ``X'X``, ``X'Y``, ``Y'Y`` (about the means if there is an intercept) and the means of both."""
    weight, mean, products = moments
    if not fit_intercept:
        products = products + weight * np.outer(mean, mean)
        mean = np.zeros_like(mean)
    n = n_features
    return products[:n, :n], products[:n, n:], products[n:, n:], mean[:n], mean[n:]
