"""Least squares with an L1 penalty, alone or beside an L2 penalty."""

import warnings
from typing import Any

import numpy as np
import sklearn.linear_model
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state

from ferroflow import _core
from ferroflow._bridge.ledger import note_sklearn
from ferroflow._bridge.sklearn_compat import check_sample_weight, fit_context, validate_data
from ferroflow.linear_model._normal_equations import MergeMixin, parts

MAX_INT32 = 2**31 - 1


class _GramDescent(MergeMixin):
    """Coordinate descent on sums of products, which costs nothing beside making them."""

    dual_gap_: Any
    n_iter_: Any

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Fit model with coordinate descent.

        The sums of products of the columns are made in one pass; the descent then needs no rows, and takes
        scikit-learn's steps.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target, cast to X's dtype if necessary.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Individual weights for each sample.
        check_input : bool, default=True
            Allow to bypass several input checking.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        had = self.__dict__.pop("_moments", None)
        reason = self._reason_for_sklearn(X, y)
        if reason is None and not check_input:
            reason = "check_input=False"
        if reason is None and self.warm_start and hasattr(self, "coef_") and had is None:
            reason = "warm_start after a fit by scikit-learn"
        if reason is None:
            weights = None if np.isscalar(sample_weight) else sample_weight
            if self.alpha == 0:
                warnings.warn(
                    "With alpha=0, this algorithm does not converge well. You are advised to use the LinearRegression "
                    "estimator",
                    stacklevel=2,
                )
            if self._take_plain(X, y, weights):
                return self
            rows, targets = validate_data(
                self,
                X,
                y,
                dtype=[np.float64, np.float32],
                force_writeable=True,
                accept_large_sparse=False,
                multi_output=True,
                y_numeric=True,
            )
            targets = check_array(targets, dtype=rows.dtype.type, ensure_2d=False)
            if weights is not None:
                weights = check_sample_weight(weights, rows, dtype=rows.dtype)
            if rows.shape[1] <= rows.shape[0] and self._take_validated(rows, targets, weights):
                return self
            reason = "sums that overflow, weights that add up to nothing or more columns than rows"
        note_sklearn(f"{type(self).__name__}.fit", reason)
        return super().fit(X, y, sample_weight, check_input)

    def _reason_for_sklearn(self, X, y):
        if not isinstance(self.precompute, bool | np.bool_):
            return "a precomputed Gram matrix"
        return super()._reason_for_sklearn(X, y)

    def _solve_moments(self, moments, dtype, flat, rows):
        n = self.n_features_in_
        A, B, Y, x_mean, y_mean = parts(moments, n, self.fit_intercept)
        weight = moments[0]
        l1, l2 = self.alpha * self.l1_ratio, self.alpha * (1.0 - self.l1_ratio)
        A, B, Y = np.ascontiguousarray(A / weight), B / weight, Y.diagonal() / weight
        coef = np.zeros((B.shape[1], n))
        if self.warm_start and hasattr(self, "coef_"):
            coef[...] = self.coef_
        n_rows = weight if rows is None else len(rows[0])
        ends = []
        for k, start in enumerate(coef):
            # Drawn also where it is not used, as scikit-learn does: an instance is left in the same state.
            seed = check_random_state(self.random_state).randint(0, MAX_INT32)
            coef[k], *end = _core.coordinate_descent(
                (A, np.ascontiguousarray(B[:, k]), float(Y[k])),
                float(l1),
                float(l2),
                bool(self.positive),
                float(self.tol),
                int(self.max_iter),
                int(seed) if self.selection == "random" else None,
                start,
            )
            ends.append(end)
            if not end[-1]:
                warn_of_gap(end[0] * n_rows, end[1] * n_rows, self.alpha)
        if len(ends) == 1:
            self.dual_gap_, self.n_iter_ = dtype.type(ends[0][0]), ends[0][2]
        else:
            self.dual_gap_, self.n_iter_ = np.array([e[0] for e in ends], dtype=dtype), [e[2] for e in ends]
        self._set_coefficients(coef, x_mean, y_mean, dtype, flat, len(ends) == 1)
        return True


def warn_of_gap(gap, tolerance, alpha):
    message = (
        "Objective did not converge. You might want to increase the number of iterations, check the scale of the "
        "features or consider increasing regularisation."
        f" Duality gap: {gap:.6e}, tolerance: {tolerance:.3e}"
    )
    if alpha < np.finfo(np.float64).eps:
        message += (
            "\nLinear regression models with a zero l1 penalization strength are more efficiently fitted using one of "
            "the solvers implemented in sklearn.linear_model.Ridge/RidgeCV instead."
        )
    warnings.warn(message, ConvergenceWarning, stacklevel=2)


class ElasticNet(_GramDescent, sklearn.linear_model.ElasticNet):
    __doc__ = sklearn.linear_model.ElasticNet.__doc__


class Lasso(_GramDescent, sklearn.linear_model.Lasso):
    __doc__ = sklearn.linear_model.Lasso.__doc__
