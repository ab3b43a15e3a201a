"""Linear support vector machines."""

import warnings
from typing import Any

import numpy as np
import sklearn.svm
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
from ferroflow.linear_model._plain import are_plain_rows, few_whole_numbers, sums_up
from ferroflow.linear_model._scores import DecisionMixin, as_rows, scores
from ferroflow.svm import _primal

MAX_INT = 2**31 - 1


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

    def _rows(self, X, y):
        """Return rows and targets, validated where a glance does not do."""
        if are_plain_rows(X, y) and X.dtype == np.float64 and sums_up(y):
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = X.shape[1]
            return X, y
        return validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, order="C", accept_large_sparse=False
        )

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
            found = [self._primal(X, y, weights, model, bias) for model in models]
        parameters = np.array([parameters for parameters, *_ in found])
        if not all(converged for *_, converged in found):
            warnings.warn(
                "Liblinear failed to converge, increase the number of iterations.",
                ConvergenceWarning,
                stacklevel=4,
            )
        intercept = bias * parameters[:, p] if self.fit_intercept else 0.0
        return np.ascontiguousarray(parameters[:, :p]), intercept, max(steps for _, steps, _ in found)

    def _primal(self: Any, X, y, weights, model, bias):
        label, own, others = model
        tube = float(self.epsilon) if hasattr(self, "epsilon") else None
        is_own = y == label
        strengths = np.where(is_own, own, others)
        return _primal.solve(
            X,
            np.where(is_own, 1.0, -1.0) if tube is None else y,
            strengths if weights is None else strengths * weights,
            tube,
            bias,
            self.tol,
            int(self.max_iter),
        )


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
            rows, targets = self._rows(X, y)
            found = few_whole_numbers(targets) if rows is X and targets.dtype.kind in "iuf" else None
            if found is None:
                check_classification_targets(targets)
                found = np.unique(targets, return_inverse=True)
            classes, codes = found
            weights = self._weights(rows, sample_weight)
            if len(classes) < 2:
                reason = "one class"
            elif weights is NotImplemented:
                reason = "weights that are negative or all zero"
        if reason is not None:
            note_sklearn("LinearSVC.fit", reason)
            return super().fit(X, y, sample_weight)
        by_class = np.full(len(classes), float(self.C))
        if self.class_weight is not None:
            by_class *= class_weights(self.class_weight, classes, targets, weights)
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
            rows, targets = self._rows(X, y)
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
