"""Least squares with an L2 penalty."""

import numpy as np
import sklearn.linear_model
from scipy import linalg

from ferroflow._bridge.ledger import note_sklearn
from ferroflow._bridge.sklearn_compat import BaseRidge, check_sample_weight, fit_context
from ferroflow.linear_model._normal_equations import LeastSquaresMixin, MergeMixin, parts
from ferroflow.linear_model._scores import DecisionMixin


class _BaseRidge(LeastSquaresMixin, BaseRidge):
    """Stands between scikit-learn's classes and their base: rows come validated."""

    def fit(self, X, y, sample_weight=None):
        reason = self._reason_for_sklearn(X, y)
        if reason is None:
            weights = sample_weight
            if weights is not None:
                weights = check_sample_weight(weights, X, dtype=X.dtype)
            if self._take_validated(X, y, weights):
                return self
            reason = "columns that depend on each other, or penalties that do not fit the targets"
        note_sklearn(f"{type(self).__name__}.fit", reason)
        return super().fit(X, y, sample_weight)

    def _reason_for_sklearn(self, X, y):
        if self.solver not in ("auto", "cholesky"):
            return f"solver={self.solver!r}"
        if self.positive:
            return "positive=True"
        return super()._reason_for_sklearn(X, y)

    def _solve_moments(self, moments, dtype, flat, rows):
        n = self.n_features_in_
        A, B, _, x_mean, y_mean = parts(moments, n, self.fit_intercept)
        alphas = np.asarray(self.alpha, dtype=np.float64).ravel()
        if len(alphas) not in (1, B.shape[1]):
            return False
        try:
            if len(alphas) == 1 or (alphas == alphas[0]).all():
                coef = _solve(A, B, alphas[0])
            else:
                coef = np.column_stack([_solve(A, b, a) for b, a in zip(B.T, alphas, strict=True)])
        except linalg.LinAlgError:
            return False
        self._set_coefficients(coef.T, x_mean, y_mean, dtype, flat, coef.shape[1] == 1)
        self.n_iter_, self.solver_ = None, "cholesky"
        return True


def _solve(A, B, alpha):
    penalised = A.copy()
    penalised.flat[:: len(A) + 1] += alpha
    # As scikit-learn does it, so that its warnings of a bad condition are the same.
    return linalg.solve(penalised, B, assume_a="pos", overwrite_a=True)


class Ridge(sklearn.linear_model.Ridge, MergeMixin, _BaseRidge):
    __doc__ = sklearn.linear_model.Ridge.__doc__

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit Ridge regression model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target values.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Individual weights for each sample.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        self.__dict__.pop("_moments", None)
        if self._reason_for_sklearn(X, y) is None and self._take_plain(X, y, sample_weight):
            return self
        return super().fit(X, y, sample_weight)

    predict = MergeMixin.predict


class RidgeClassifier(DecisionMixin, sklearn.linear_model.RidgeClassifier, _BaseRidge):
    __doc__ = sklearn.linear_model.RidgeClassifier.__doc__
