"""Generalised linear models."""

from functools import partial
from typing import Any

import numpy as np
import sklearn.linear_model
from scipy import sparse

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    GeneralizedLinearRegressor,
    LinearModelLoss,
    fit_context,
    is_dispatched,
)
from ferroflow._bridge.sklearn_search import with_globals
from ferroflow._bridge.threads import one_blas_thread
from ferroflow.linear_model._scores import as_rows, scores


class _OnePass(LinearModelLoss):
    """scikit-learn's objective; the loss and its gradient come from one pass over the rows."""

    def __init__(self, loss, **options):
        super().__init__(**options)
        self.loss_name = loss
        self._of: Any = None
        self._data: Any = None

    def loss_gradient(self, coef, X, y, sample_weight=None, l2_reg_strength=0.0, *_):
        if self._of is not X:
            rows = as_rows(X.tocsr()) if sparse.issparse(X) else np.ascontiguousarray(X)
            # The native module's targets and weights are of double precision.
            double = [None if v is None else v.astype(np.float64) for v in (y, sample_weight)]
            self._of, self._data = X, (rows, *double)
        weights = np.asarray(coef, dtype=np.float64)
        theta = weights if self.fit_intercept else np.append(weights, 0.0)
        rows, targets, row_weights = self._data
        loss, gradient = _core.loss_gradient(rows, targets, row_weights, theta, *self.loss_name)
        total = len(y) if row_weights is None else row_weights.sum()
        gradient /= total
        if self.fit_intercept:
            weights = weights[:-1]
        else:
            gradient = gradient[:-1]
        gradient[: len(weights)] += l2_reg_strength * weights
        return loss / total + 0.5 * l2_reg_strength * (weights @ weights), gradient


class _OnePassMixin:
    """Fits by scikit-learn's steps, and predicts with the bits of frozen models."""

    coef_: np.ndarray
    solver: str
    _base_loss: Any

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit a Generalized Linear Model.

        ``solver="lbfgs"`` takes scikit-learn's steps, and reads the rows once a step.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,)
            Target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : object
            Fitted model.
        """
        name, loss, reason = f"{type(self).__name__}.fit", self._loss_name(), None
        if self.solver != "lbfgs":
            reason = f"solver={self.solver!r}"
        elif is_dispatched(X, y):
            reason = "an array of another library"
        elif loss is None:
            reason = "an identity link with another power than 0"
        if reason is not None:
            note_sklearn(name, reason)
            return super().fit(X, y, sample_weight)  # type: ignore[misc]
        made = partial(_OnePass, loss)
        with one_blas_thread():
            with_globals(GeneralizedLinearRegressor.fit, LinearModelLoss=made)(self, X, y, sample_weight)
        note_rust(name)
        return self

    def predict(self, X):
        """Predict using GLM with feature matrix X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y_pred : array of shape (n_samples,)
            Returns predicted values.
        """
        if is_dispatched(X, getattr(self, "coef_", None)):
            return super().predict(X)  # type: ignore[misc]
        out = scores(self, X)[:, 0]
        if type(self._base_loss.link).__name__ == "LogLink":
            _core.exponentials(out)
        return out

    def _loss_name(self) -> tuple[str, float] | None:
        """The native module's loss and its number."""
        raise NotImplementedError


class PoissonRegressor(_OnePassMixin, sklearn.linear_model.PoissonRegressor):
    __doc__ = sklearn.linear_model.PoissonRegressor.__doc__

    def _loss_name(self):
        return "tweedie", 1.0


class GammaRegressor(_OnePassMixin, sklearn.linear_model.GammaRegressor):
    __doc__ = sklearn.linear_model.GammaRegressor.__doc__

    def _loss_name(self):
        return "tweedie", 2.0


class TweedieRegressor(_OnePassMixin, sklearn.linear_model.TweedieRegressor):
    __doc__ = sklearn.linear_model.TweedieRegressor.__doc__

    def _loss_name(self):
        if self.link == "log" or (self.link == "auto" and self.power > 0):
            return "tweedie", float(self.power)
        return ("squared_error", 0.0) if self.power == 0 else None
