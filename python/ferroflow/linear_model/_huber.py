"""Linear regression that outliers do not draw to them."""

from typing import Any

import numpy as np
from sklearn.linear_model import HuberRegressor as Theirs

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import fit_context, is_dispatched
from ferroflow._bridge.sklearn_search import with_globals
from ferroflow._bridge.threads import one_blas_thread
from ferroflow.linear_model._scores import PredictMixin, as_rows


class _Objective:
    """scikit-learn's loss and its gradient, without copies of the rows.

    With residuals r cut at ``+-epsilon sigma`` to s, the loss ``n sigma + sum(2 s r - s^2) / sigma`` has the derivatives
    ``-2 X's / sigma`` and, by the scale, ``n - sum(s^2) / sigma^2``.
    """

    def __init__(self):
        self._of: Any = None
        self._rows: Any = None

    def __call__(self, theta, X, y, epsilon, alpha, sample_weight=None):
        if self._of is not X:
            self._of = X
            # In single precision the gradient would not become as small as it must.
            self._rows = X.astype(np.float64, copy=False)
        rows, p = self._rows, X.shape[1]
        w, sigma = theta[:p], theta[-1]
        intercept = theta[-2:-1] if len(theta) == p + 2 else np.zeros(1)
        residual = y - _core.linear_scores(as_rows(rows), w[None, :], intercept)[:, 0]
        cut = np.clip(residual, -epsilon * sigma, epsilon * sigma)
        pull = cut * sample_weight
        squares, total = pull @ cut, sample_weight.sum()
        loss = total * sigma + (2.0 * (pull @ residual) - squares) / sigma + alpha * (w @ w)
        gradient = np.empty_like(theta)
        gradient[:p] = -2.0 / sigma * (rows.T @ pull) + 2.0 * alpha * w
        if len(theta) == p + 2:
            gradient[-2] = -2.0 / sigma * pull.sum()
        gradient[-1] = total - squares / sigma**2
        return loss, gradient


class HuberRegressor(PredictMixin, Theirs):
    __doc__ = Theirs.__doc__

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model according to the given training data.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
            Training vector, where `n_samples` is the number of samples and `n_features` is the number of features.
        y : array-like, shape (n_samples,)
            Target vector relative to X.
        sample_weight : array-like, shape (n_samples,)
            Weight given to each sample.

        Returns
        -------
        self : object
            Fitted `HuberRegressor` estimator.
        """
        if is_dispatched(X, y):
            note_sklearn("HuberRegressor.fit", "an array of another library")
            return super().fit(X, y, sample_weight)
        fit = with_globals(Theirs.fit, _huber_loss_and_gradient=_Objective())
        with one_blas_thread():
            fit(self, X, y, sample_weight)
        note_rust("HuberRegressor.fit")
        return self
