"""Linear support vector machines."""

import warnings
from typing import Any

import numpy as np
import sklearn.svm
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    check_sample_weight,
    class_weights,
    fit_context,
    validate_data,
)
from ferroflow._bridge.threads import one_blas_thread
from ferroflow.linear_model._logistic import moments_of_columns
from ferroflow.linear_model._scores import DecisionMixin, as_rows, scores

MAX_INT = 2**31 - 1
# Of the first gradient's size, beside `tol`, where the primal problem's steps end: of its own optimum liblinear leaves some
# 1e-6 at the usual `tol`.
PRIMAL_SHARE = 1e-2


class _LinearMachine:
    """From rows and parameters to weights."""

    def _reason_for_sklearn(self: Any):
        squared = self.loss.startswith("squared")
        if getattr(self, "penalty", "l2") != "l2":
            return "penalty='l1'"
        if getattr(self, "multi_class", "ovr") != "ovr":
            return f"multi_class={self.multi_class!r}"
        if not self.dual and not squared:
            return "a loss without a primal solver"
        if self.verbose:
            return "verbose"
        if getattr(self, "epsilon", 0.0) < 0:
            return "epsilon below 0"
        return None

    def _weights(self, X, sample_weight):
        """Return the rows' weights, None for ones, or NotImplemented where scikit-learn's rules for odd ones apply."""
        if sample_weight is None:
            return None
        weights = check_sample_weight(sample_weight, X, dtype=np.float64)
        return weights if weights.min() >= 0 and weights.any() else NotImplemented

    def _minimise(self: Any, X, y, weights, models):
        """Return weights, intercepts and the most steps.

        Parameters
        ----------
        X : C-ordered array or CSR matrix of float64
        y : ndarray of float64
            Targets, or each row's class.
        weights : ndarray of float64 or None
        models : list of (float, float, float)
            For each model the class, and the strengths of its rows and of the others.
        """
        squared = self.loss.startswith("squared")
        n, p = X.shape
        dual = (n < p or not squared) if self.dual == "auto" else self.dual
        bias = float(self.intercept_scaling) if self.fit_intercept else 0.0
        seed = check_random_state(self.random_state).randint(MAX_INT)
        if dual:
            options = {
                "squared": squared,
                "tube": float(self.epsilon) if hasattr(self, "epsilon") else None,
                "bias": bias,
                "tol": float(self.tol),
                "max_iter": int(self.max_iter),
                "seed": int(seed),
                "models": models,
            }
            found = _core.svm_dual(as_rows(X), y, weights, options)
        else:
            moments = moments_of_columns(X)
            with one_blas_thread():
                found = [self._primal(X, y, weights, model, bias, moments) for model in models]
        parameters = np.array([parameters for parameters, _ in found])
        most = max(steps for _, steps in found)
        if most >= self.max_iter:
            warnings.warn(
                "Liblinear failed to converge, increase the number of iterations.",
                ConvergenceWarning,
                stacklevel=4,
            )
        intercept = bias * parameters[:, p] if self.fit_intercept else 0.0
        return np.ascontiguousarray(parameters[:, :p]), intercept, most

    def _primal(self: Any, X, y, weights, model, bias, moments):
        """Minimise by L-BFGS in columns that are centred and of equal curvature, so that none stalls it."""
        p = X.shape[1]
        rows = as_rows(X)
        own, targets = np.full(len(y), model[2]), y
        if not hasattr(self, "epsilon"):
            own = np.where(y == model[0], model[1], model[2])
            targets = np.where(y == model[0], 1.0, -1.0)
        strengths = own if weights is None else own * weights
        total = strengths.sum()
        if not total > 0:
            return np.zeros(p + 1), 0
        strengths = strengths / total
        tube = float(getattr(self, "epsilon", 0.0))
        mean, var = moments
        l2 = 1.0 / total
        centre = mean if bias else np.zeros(p)
        unit = np.sqrt(var + (mean - centre) ** 2 + l2)
        unit[~(unit > 0)] = 1.0

        def parameters(u):
            w = u[:p] / unit
            return np.append(w, u[p] - w @ centre if bias else 0.0)

        def objective(u):
            theta = parameters(u)
            loss, slopes = _core.loss_gradient(rows, targets, strengths, theta, self.loss, tube)
            of_bias = l2 / bias**2 if bias else 0.0  # liblinear's last weight is the intercept over `bias`
            slopes[:p] += l2 * theta[:p]
            slopes[p] += of_bias * theta[p]
            value = loss + 0.5 * (l2 * theta[:p] @ theta[:p] + of_bias * theta[p] ** 2)
            if not bias:
                return value, slopes[:p] / unit
            return value, np.append((slopes[:p] - slopes[p] * centre) / unit, slopes[p])

        start = np.zeros(p + bool(bias))
        size = np.abs(objective(start)[1]).max()
        result = optimize.minimize(
            objective,
            start,
            method="L-BFGS-B",
            jac=True,
            options={
                "maxiter": int(self.max_iter),
                "maxfun": 100 * int(self.max_iter),
                "maxls": 50,
                "gtol": self.tol * PRIMAL_SHARE * size,
                "ftol": 4 * np.finfo(float).eps,
            },
        )
        theta = parameters(result.x)
        if bias:
            theta[p] /= bias
        return theta, int(result.nit)


class LinearSVC(_LinearMachine, DecisionMixin, sklearn.svm.LinearSVC):
    __doc__ = sklearn.svm.LinearSVC.__doc__
    coef_: np.ndarray
    intercept_: np.ndarray | float

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model according to the given training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training vector.
        y : array-like of shape (n_samples,)
            Target vector relative to X.
        sample_weight : array-like of shape (n_samples,), default=None
            Array of weights that are assigned to individual samples.

        Returns
        -------
        self : object
            An instance of the estimator.
        """
        reason = self._reason_for_sklearn()
        if reason is None:
            rows, targets = validate_data(
                self, X, y, accept_sparse="csr", dtype=np.float64, order="C", accept_large_sparse=False
            )
            check_classification_targets(targets)
            classes, codes = np.unique(targets, return_inverse=True)
            weights = self._weights(rows, sample_weight)
            if len(classes) < 2:
                reason = "one class"
            elif weights is NotImplemented:
                reason = "weights that are negative or all zero"
        if reason is not None:
            note_sklearn("LinearSVC.fit", reason)
            return super().fit(X, y, sample_weight)
        by_class = self.C * class_weights(self.class_weight, classes, targets, weights)
        # Of two classes the second one's weights are positive; of more, the rest have no weights of their own.
        models = [(1.0, by_class[1], by_class[0])]
        if len(classes) > 2:
            models = [(float(k), strength, float(self.C)) for k, strength in enumerate(by_class)]
        self.classes_ = classes
        self.coef_, self.intercept_, self.n_iter_ = self._minimise(
            rows, codes.astype(np.float64), weights, models
        )
        note_rust("LinearSVC.fit")
        return self


class LinearSVR(_LinearMachine, sklearn.svm.LinearSVR):
    __doc__ = sklearn.svm.LinearSVR.__doc__
    coef_: np.ndarray
    intercept_: np.ndarray | float

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model according to the given training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training vector.
        y : array-like of shape (n_samples,)
            Target vector relative to X.
        sample_weight : array-like of shape (n_samples,), default=None
            Array of weights that are assigned to individual samples.

        Returns
        -------
        self : object
            An instance of the estimator.
        """
        reason = self._reason_for_sklearn()
        if reason is None:
            rows, targets = validate_data(
                self, X, y, accept_sparse="csr", dtype=np.float64, order="C", accept_large_sparse=False
            )
            weights = self._weights(rows, sample_weight)
            if weights is NotImplemented:
                reason = "weights that are negative or all zero"
        if reason is not None:
            note_sklearn("LinearSVR.fit", reason)
            return super().fit(X, y, sample_weight)
        strength = float(self.C)
        coef, self.intercept_, self.n_iter_ = self._minimise(
            rows,
            np.ascontiguousarray(targets, dtype=np.float64),
            weights,
            [(0.0, strength, strength)],
        )
        self.coef_ = coef.ravel()
        note_rust("LinearSVR.fit")
        return self

    def predict(self, X):
        """Predict using the linear model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return scores(self, X)[:, 0]
