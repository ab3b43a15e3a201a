"""What the two estimators by gradient descent share: from validated rows to weights."""

import math
import sys
import time
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.sklearn_compat import Interval, StrOptions
from ferroflow.linear_model._scores import as_rows

AUTO_BATCH = 256
# Where columns differ by more in scale, no single rate suits them.
SCALE_RATIO = 100.0
MAX_INT = 2**31 - 1
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
SCHEDULES = ("constant", "optimal", "invscaling", "adaptive")
_INSIDE = ("ferroflow.linear_model.", "ferroflow._bridge.", "sklearn.base")


class DescentMixin(BaseEstimator):
    """Parameters and the fit of a linear model by gradient descent."""

    loss_curve_: list[float]
    _parameter_constraints: dict = {
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "eta0": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _penalties(self):
        """Return the strengths of w^2 / 2 and of |w|."""
        if self.penalty is None:
            return 0.0, 0.0
        share = {"l2": 0.0, "l1": 1.0, "elasticnet": self.l1_ratio}[self.penalty]
        return self.alpha * (1.0 - share), self.alpha * share

    def _n_features(self, n):
        """Note the columns as validation does, of rows without names."""
        self.__dict__.pop("feature_names_in_", None)
        self.n_features_in_ = n

    def _check_schedule(self, incremental):
        if self.learning_rate == "optimal" and self.alpha == 0:
            raise ValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. "
                "alpha is used to compute the optimal learning rate."
            )
        if incremental and self.early_stopping:
            raise ValueError("early_stopping should be False with partial_fit")

    def _split(self, y, weights, outputs):
        """Return the row numbers to train on and to validate on."""
        rows = np.arange(len(y), dtype=np.uint32)
        train, validation = rows, rows[:0]
        if self.early_stopping:
            kind = StratifiedShuffleSplit if is_classifier(self) else ShuffleSplit
            cv = kind(test_size=self.validation_fraction, random_state=self.random_state)
            train, validation = (np.sort(part).astype(np.uint32) for part in next(cv.split(rows[:, None], y)))
            if weights is not None and not weights[validation].any():
                raise ValueError(
                    "The sample weights for validation set are all zero, "
                    "consider using a different random state."
                )
        if weights is not None:
            # A row of weight zero is as good as none.
            train = train[weights[train] > 0]
            if not train.size:
                raise ValueError("Sample weights must contain at least one non-zero number.")
        return train, validation

    def _descend(self, X, y, weights, outputs, *, max_iter, incremental, scale=1.0):
        """Fit weights and intercepts to targets that were divided by `scale`.

        Parameters
        ----------
        X : C-ordered array or CSR matrix
        y : ndarray of float64
            Numbers, or -1 and 1, or the class's number where there are several outputs.
        weights : ndarray of float64 or None
        outputs : int
        max_iter : int
        incremental : bool
            Go on from where the last call ended, with weights as they are; otherwise they are brought to mean one.
        scale : float

        Returns
        -------
        coef : ndarray of shape (outputs, n_features), intercept : ndarray of shape (outputs,)
            Still in units of `scale`.
        """
        self._check_schedule(incremental)
        train, validation = self._split(y, weights, outputs)
        if weights is not None and not incremental:
            weights = weights / weights[train].mean()
        l2, l1 = self._penalties()
        size = 0 if self.batch_size is None else AUTO_BATCH if self.batch_size == "auto" else self.batch_size
        seed = _seed(self.random_state)
        typical = math.sqrt(1.0 / math.sqrt(self.alpha)) if self.alpha > 0 else 1.0
        options = {
            "loss": self.loss,
            "delta": float(self.delta / scale),
            "outputs": outputs,
            "l2": float(l2),
            "l1": float(l1 / scale),
            "intercept": bool(self.fit_intercept),
            "batch": int(size),
            "max_iter": int(max_iter),
            "tol": None if self.tol is None else float(self.tol),
            "patience": int(self.n_iter_no_change),
            "shuffle": bool(self.shuffle),
            "seed": int(seed),
            "optimizer": self.optimizer,
            "momentum": float(self.momentum),
            "beta_1": float(self.beta_1),
            "beta_2": float(self.beta_2),
            "epsilon": float(self.epsilon),
            "schedule": self.learning_rate,
            "power_t": float(self.power_t),
            # Bottou's heuristic as SGDClassifier has it: the first steps are of the size that weights are expected to have.
            "t0": max(1.0, self._slope(typical, scale)) / (typical * self.alpha) if self.alpha > 0 else 1.0,
            "alpha": float(self.alpha),
            "eta0": None if self.eta0 == "auto" else float(self.eta0),
        }
        theta, memory = self._start(X, outputs, incremental, scale)
        report, began = (_Report(outputs, scale), time.perf_counter()) if self.verbose else (None, 0.0)
        state, losses, converged, ratio = _core.gradient_descent(
            as_rows(X),
            {"y": y, "weights": weights, "train": train, "validation": validation},
            options,
            (theta, *memory),
            report,
        )
        if self.verbose:
            sys.stdout.write(f"Total training time: {time.perf_counter() - began:.2f} seconds.\n")
        theta, *self._memory = state
        self.t_ = float(self._memory[2] + 1)
        self.n_iter_ = len(losses)
        curve = [float(loss) * scale * scale for loss in losses]
        self.loss_curve_ = (
            [*self.loss_curve_, *curve] if incremental and hasattr(self, "loss_curve_") else curve
        )
        note_rust(f"{type(self).__name__}.{'partial_fit' if incremental else 'fit'}")
        if not incremental:
            _warn(ratio, self.tol is not None and not converged)
        return theta[:-outputs].reshape(outputs, -1), theta[-outputs:]

    def _start(self, X, outputs, incremental, scale):
        """Return parameters to start from, and the step rule's memory."""
        nothing = np.empty(0, dtype=X.dtype)
        fresh = (nothing, nothing, 0, 0.0)
        if not (incremental or self.warm_start) or not hasattr(self, "coef_"):
            return np.zeros(outputs * (X.shape[1] + 1), dtype=X.dtype), fresh
        coef, intercept = self._scaled_parameters()
        if coef.shape != (outputs, X.shape[1]):
            raise ValueError(
                f"The weights to go on from are of shape {coef.shape}, but X and y need "
                f"{(outputs, X.shape[1])}; set warm_start=False to begin anew."
            )
        theta = np.concatenate([coef.ravel(), intercept.ravel()]).astype(X.dtype)
        if not incremental or not hasattr(self, "_memory"):
            return theta, fresh
        first, second, updates, eta = self._memory
        return theta, (first.astype(X.dtype), second.astype(X.dtype), updates, eta)

    def _slope(self, score, scale):
        """Return the size of the loss's derivative at minus `score`, for the target 1."""
        if self.loss == "log_loss":
            return 1.0 / (1.0 + math.exp(-score))
        if self.loss == "hinge":
            return 1.0
        return score + 1.0 if self.loss == "squared_error" else min(self.delta / scale, score + 1.0)


def _seed(random_state):
    """Draw the number that ``check_random_state(random_state).randint(MAX_INT)`` draws."""
    if type(random_state) is int and 0 <= random_state < 2**32:
        return _core.first_randint(random_state, MAX_INT)
    return check_random_state(random_state).randint(MAX_INT)


class _Report:
    """Prints what SGDClassifier prints."""

    def __init__(self, outputs, scale):
        self.outputs, self.scale = outputs, scale

    def __call__(self, epoch, loss, updates, theta):
        coef = theta[: -self.outputs] * self.scale
        bias = theta[-self.outputs :] * self.scale
        sys.stdout.write(
            f"-- Epoch {epoch}\nNorm: {np.linalg.norm(coef):.2f}, NNZs: {np.count_nonzero(coef)}, "
            f"Bias: {bias.mean():.6f}, T: {updates}, Avg. loss: {loss * self.scale**2:f}\n"
        )


def _warn(ratio, not_converged):
    if ratio > SCALE_RATIO:
        warnings.warn(
            f"The features differ in scale by a factor of {ratio:.3g}, on which gradient descent converges slowly or "
            "not at all. Scale them first, for example with ferroflow.preprocessing.StandardScaler.",
            ConvergenceWarning,
            stacklevel=_callers_level(),
        )
    if not_converged:
        warnings.warn(
            "Maximum number of iteration reached before convergence. Consider increasing max_iter to improve the fit.",
            ConvergenceWarning,
            stacklevel=_callers_level(),
        )


def _callers_level():
    """Return the stack level, as `_warn` counts, of the call of ``fit``: the ways to here differ in length."""
    frame, level = sys._getframe(2), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    return level
