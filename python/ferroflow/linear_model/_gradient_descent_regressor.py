"""Linear regression by gradient descent on the Rust core."""

import math
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from ferroflow import _core
from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.sklearn_compat import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    validate_data,
)
from ferroflow.linear_model._descent import FLOATS, DescentMixin
from ferroflow.linear_model._descent_docs import ATTRIBUTES, NOTES, PARAMETERS
from ferroflow.linear_model._plain import are_plain_rows, has_plain_parameters, sums_up
from ferroflow.linear_model._scores import scores


class GradientDescentRegressor(RegressorMixin, DescentMixin):
    __doc__ = f"""Linear regression by gradient descent.

    Minimises the weighted mean of the rows' losses plus the penalty. The target is centred and brought to unit variance
    (of 'poisson', divided by its mean) while it is learned, and the weights are put back on its own scale, so that one rate
    suits every unit; the objective is not changed by this.

    Parameters
    ----------
    loss : {{'squared_error', 'huber', 'epsilon_insensitive', 'squared_epsilon_insensitive', 'quantile', 'poisson'}}, \
            default='squared_error'
        Half the squared residual; that up to ``delta`` and linear beyond; the part of the residual beyond ``tube``; its
        square; the pinball loss, ``quantile`` times positive residuals y - prediction and ``quantile - 1`` times negative
        ones; or half the Poisson deviance, of targets that are not negative, with a logarithmic link: the prediction is
        ``exp(X @ coef_ + intercept_)``.
    quantile : float, default=0.5
        The quantile that ``loss='quantile'`` predicts, between 0 and 1.
    {PARAMETERS.replace("{unit}", "; in the unit of y").replace("{clip}", ", in the target's deviations")}

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights. float32 if X was.
    intercept_ : ndarray of shape (1,)
        The intercept.
    {ATTRIBUTES}

    See Also
    --------
    sklearn.linear_model.SGDRegressor : Stochastic descent by single rows.
    sklearn.linear_model.Ridge : The squared error with L2, solved directly.

    Notes
    -----
    {NOTES}

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from ferroflow.linear_model import GradientDescentRegressor
    >>> from ferroflow.preprocessing import StandardScaler
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), GradientDescentRegressor(random_state=0))
    >>> bool(model.fit(X, y).score(X, y) > 0.5)
    True
    """

    _parameter_constraints: dict = {
        **DescentMixin._parameter_constraints,
        "loss": [
            StrOptions(
                {
                    "squared_error",
                    "huber",
                    "epsilon_insensitive",
                    "squared_epsilon_insensitive",
                    "quantile",
                    "poisson",
                }
            )
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        quantile=0.5,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        shuffle=True,
        verbose=0,
        random_state=None,
        optimizer="adam",
        batch_size="auto",
        learning_rate="adaptive",
        eta0="auto",
        power_t=0.5,
        step_size=10,
        gamma=0.1,
        momentum=0.9,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        delta=1.35,
        tube=0.1,
        average=False,
        clip_norm=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        callback=None,
        warm_start=False,
    ):
        self.loss = loss
        self.quantile = quantile
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.random_state = random_state
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.step_size = step_size
        self.gamma = gamma
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.delta = delta
        self.tube = tube
        self.average = average
        self.clip_norm = clip_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callback = callback
        self.warm_start = warm_start

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows. A C-ordered array or CSR matrix of float64 or float32 is used as it is.
        y : array-like of shape (n_samples,)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights. Only ratios matter: the objective has the weighted mean of the losses.

        Returns
        -------
        self : GradientDescentRegressor
        """
        return self._learn(X, y, sample_weight, incremental=False)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Make one pass over some rows, going on from the weights so far.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their targets. Mean and deviation of the first call's scale the steps of all.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, taken as they are: the pass cannot know those of other rows.

        Returns
        -------
        self : GradientDescentRegressor
        """
        return self._learn(X, y, sample_weight, incremental=True)

    def _learn(self, X, y, sample_weight, incremental):
        go_on = incremental and hasattr(self, "coef_")
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS, order="C", y_numeric=True, reset=not go_on
        )
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return self._learn_rows(X, np.asarray(y, dtype=np.float64), weights, incremental)

    def _learn_rows(self, X, y, weights, incremental):
        go_on = incremental and hasattr(self, "coef_")
        before: Any = getattr(self, "_target", None)
        if go_on:
            centre, scale = before
        elif self.loss == "poisson":
            centre, scale = 0.0, _mean(y, weights, self.fit_intercept)
        else:
            centre, scale = _centre_and_scale(y, weights, self.fit_intercept)
        self._target = (centre, scale)
        try:
            coef, intercept = self._descend(
                X,
                (y - centre) / scale,
                weights,
                1,
                loss=self.loss,
                max_iter=1 if incremental else self.max_iter,
                incremental=incremental,
                scale=scale,
            )
        except BaseException:
            self._target = before
            raise
        if self.loss == "poisson":
            self.coef_ = coef[0]
            self.intercept_ = (intercept.astype(np.float64) + math.log(scale)).astype(X.dtype)
            return self
        self.coef_ = coef[0] * X.dtype.type(scale)
        self.intercept_ = (intercept.astype(np.float64) * scale + centre).astype(X.dtype)
        return self

    def _scaled_parameters(self):
        centre, scale = self._target
        coef, intercept = (np.asarray(part, dtype=np.float64) for part in (self.coef_, self.intercept_))
        if self.loss == "poisson":
            return coef[None, :], intercept - math.log(scale)
        return coef[None, :] / scale, (intercept - centre) / scale

    def predict(self, X):
        """Return the predicted target of each row, ``X @ coef_ + intercept_``; of 'poisson', ``exp`` of that.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        targets : ndarray of shape (n_samples,)
            Dense and sparse rows, and a frozen model, give the same bits.
        """
        out = scores(self, X)[:, 0]
        if self.loss == "poisson":
            _core.exponentials(out)
        note_rust("GradientDescentRegressor.predict")
        return out


def _centre_and_scale(y, weights, centred):
    """Return what to subtract from the target and to divide it by."""
    if weights is not None and not weights.any():
        return 0.0, 1.0
    centre = float(np.average(y, weights=weights)) if centred else 0.0
    scale = float(np.sqrt(np.average((y - centre) ** 2, weights=weights)))
    # Of a constant target only rounding is left.
    return (centre, scale) if scale > 1e-12 * abs(centre) and np.isfinite(scale) else (centre, 1.0)


def _mean(y, weights, shifted):
    """Return what to divide a target of counts by; 1 where no intercept can make up for it."""
    if y.min() < 0:
        raise ValueError(
            "Some value(s) of y are out of the valid range of the loss 'poisson': they are negative."
        )
    if not shifted or (weights is not None and not weights.any()):
        return 1.0
    mean = float(np.average(y, weights=weights))
    return mean if 0 < mean < math.inf else 1.0


def _fast_fit_regressor(self, X, y, sample_weight=None):
    if sample_weight is not None or not has_plain_parameters(self) or not are_plain_rows(X, y):
        return NotImplemented
    y = y.astype(np.float64)
    if not sums_up(y):
        return NotImplemented  # scikit-learn's validation words the error, if it is one
    self._n_features(X.shape[1])
    return self._learn_rows(X, y, None, incremental=False)


with_fast_path(GradientDescentRegressor, "fit", _fast_fit_regressor)
