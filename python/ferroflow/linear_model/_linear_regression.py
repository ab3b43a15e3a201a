"""Ordinary least squares."""

import numpy as np
import sklearn.linear_model
from scipy import linalg

from ferroflow import _core
from ferroflow._bridge.ledger import note_sklearn
from ferroflow._bridge.sklearn_compat import check_sample_weight, fit_context, validate_data
from ferroflow.linear_model._normal_equations import MergeMixin, parts

# The normal equations, with refinement, serve up to this condition of the columns at unit length: beyond, what
# refinement gains in a step is less sure, and scikit-learn's orthogonal method is taken.
WORST_CONDITION = 1e5
# Below it the first solution is as exact as an orthogonal method's.
GOOD_CONDITION = 10.0
MOST_STEPS = 4


class LinearRegression(MergeMixin, sklearn.linear_model.LinearRegression):
    __doc__ = sklearn.linear_model.LinearRegression.__doc__

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit linear model.

        The sums of products of the columns are made in one pass, factorised by Cholesky's method and the solution
        refined by the residuals of the normal equations (Björck, Numerical Methods for Least Squares Problems, 1996,
        section 6.6). Columns so dependent that this could cost accuracy go to scikit-learn's orthogonal method.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target values, cast to X's dtype if necessary.
        sample_weight : array-like of shape (n_samples,), default=None
            Individual weights for each sample.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        self.__dict__.pop("_moments", None)
        reason = self._reason_for_sklearn(X, y)
        if reason is None:
            if self._take_plain(X, y, sample_weight):
                return self
            reason = "columns that depend on each other"
            rows, targets = validate_data(self, X, y, y_numeric=True, multi_output=True, force_writeable=True)
            weights = sample_weight
            if weights is not None:
                weights = check_sample_weight(weights, rows, dtype=rows.dtype, ensure_non_negative=True)
            if rows.shape[1] <= rows.shape[0] and self._take_validated(rows, targets, weights):
                return self
        note_sklearn("LinearRegression.fit", reason)
        return super().fit(X, y, sample_weight)

    def _reason_for_sklearn(self, X, y):
        return "positive=True" if self.positive else super()._reason_for_sklearn(X, y)

    def _solve_moments(self, moments, dtype, flat, rows):
        n = self.n_features_in_
        A, B, _, x_mean, y_mean = parts(moments, n, self.fit_intercept)
        length = np.sqrt(A.diagonal())
        # A constant column says nothing beside an intercept: its weight is zero, as the shortest solution has it.
        kept = length > 0
        if kept.all():
            scaled, right = A / np.outer(length, length), B / length[:, None]
        else:
            length = length[kept]
            scaled = A[np.ix_(kept, kept)] / np.outer(length, length)
            right = B[kept] / length[:, None]
        if not length.size:
            return False
        try:
            factor = linalg.cholesky(scaled, check_finite=False)
        except linalg.LinAlgError:
            return False
        singular = linalg.svd(factor * length, compute_uv=False, check_finite=False)
        condition = np.linalg.cond(factor)
        # scikit-learn takes singular values below tol times the largest for zero.
        if (
            not condition < WORST_CONDITION
            or singular[-1] <= 2 * max(self.tol, np.finfo(dtype).eps) * singular[0]
        ):
            return False
        solution = linalg.cho_solve((factor, False), right, check_finite=False)
        coef = np.zeros_like(B)
        coef[kept] = solution / length[:, None]
        refined = rows is None or condition <= GOOD_CONDITION
        if not (refined or _refine(coef, kept, factor, length, rows, np.concatenate([x_mean, y_mean]))):
            return False
        self._set_coefficients(coef.T, x_mean, y_mean, dtype, flat, flat)
        self.rank_ = int(kept.sum())
        self.singular_ = np.zeros(n, dtype=dtype)
        self.singular_[: self.rank_] = singular
        return True


def _refine(coef, kept, factor, length, rows, mean):
    """Correct `coef` in place by what the rows leave over; return whether that settled."""
    X, y, weights = rows
    before: float = np.inf
    for _ in range(MOST_STEPS):
        residual = _core.normal_residual(X, y, weights, mean, coef)[kept] / length[:, None]
        step = linalg.cho_solve((factor, False), residual, check_finite=False)
        size = float(np.linalg.norm(step)) / max(
            float(np.linalg.norm(coef[kept] * length[:, None])), np.finfo(float).tiny
        )
        if not size < before / 2:
            # What is left is rounding.
            return bool(size < 1e-8)
        coef[kept] += step / length[:, None]
        if size < 1e-13:
            return True
        before = size
    return True
