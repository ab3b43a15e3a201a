"""What the two estimators by gradient descent share: from validated rows to weights."""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust
from ferroflow._bridge.sklearn_compat import Interval, StrOptions
from ferroflow.linear_model._descent_told import Told, diverged, warn
from ferroflow.linear_model._scores import as_rows

FLOATS = [np.float64, np.float32]
AUTO_BATCH = 256
MAX_INT = 2**31 - 1
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
SCHEDULES = ("constant", "optimal", "invscaling", "adaptive", "step", "cosine", "one_cycle")


class DescentMixin(BaseEstimator):
    """Parameters and the fit of a linear model by gradient descent."""

    loss_curve_: list[float]
    validation_curve_: list[float] | None
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
        "tube": [Interval(Real, 0, None, closed="left")],
        "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "step_size": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, 1, closed="right")],
        "callback": [callable, None],
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

    def _descend(self, X, y, weights, outputs, *, loss, max_iter, incremental, scale=1.0):
        """Fit weights and intercepts to targets that were divided by `scale`.

        Parameters
        ----------
        X : C-ordered array or CSR matrix
        y : ndarray of float64
            Numbers, or -1 and 1, or the class's number where there are several outputs.
        weights : ndarray of float64 or None
        outputs : int
        loss : str
            As the native module calls it.
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
        of_l2, of_l1, of_loss = _units(self.loss, scale)
        size = 0 if self.batch_size is None else AUTO_BATCH if self.batch_size == "auto" else self.batch_size
        batches = -(-len(train) // size) if size else 1
        seed = _seed(self.random_state)
        alpha = self.alpha * of_l2
        typical = math.sqrt(1.0 / math.sqrt(alpha)) if alpha > 0 else 1.0
        options = {
            "loss": loss,
            "shape": float(self._shape(scale)),
            "outputs": outputs,
            "l2": float(l2 * of_l2),
            "l1": float(l1 * of_l1),
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
            "t0": max(1.0, self._slope(typical, scale)) / (typical * alpha) if alpha > 0 else 1.0,
            "alpha": float(alpha),
            "span": float(self.max_iter) * batches,
            "every": float(self.step_size) * batches,
            "gamma": float(self.gamma),
            "average": -(-int(self.average) * batches // len(train)) if self.average else None,
            "clip": None if self.clip_norm is None else float(self.clip_norm),
            "eta0": None if self.eta0 == "auto" else float(self.eta0),
        }
        before = self._start(X, outputs, incremental)
        earlier = self.loss_curve_ if incremental and hasattr(self, "loss_curve_") else []
        told = None
        if self.verbose or self.callback is not None:
            of_weights = 1.0 if self.loss == "poisson" else scale
            told = Told(self.callback, self.verbose, len(earlier), max_iter, outputs, of_loss, of_weights)
        found = _core.gradient_descent(
            as_rows(X),
            {"y": y, "weights": weights, "train": train, "validation": validation},
            options,
            before,
            told,
        )
        if told is not None and self.verbose:
            told.finish()
        if found["diverged"] is not None:
            raise ValueError(diverged(self, found))
        theta, self._memory = found["theta"], found["state"]
        if not self.average:
            self._memory["theta"] = None
        self.t_ = float(self._memory["updates"] + 1)
        self.n_iter_ = len(found["losses"])
        self.loss_curve_ = [*earlier, *(loss * of_loss for loss in found["losses"])]
        self.validation_curve_ = (
            [loss * of_loss for loss in found["validation"]] if self.early_stopping else None
        )
        note_rust(f"{type(self).__name__}.{'partial_fit' if incremental else 'fit'}")
        if not incremental:
            warn(self, found["column_sizes"], self.tol is not None and not found["converged"])
        return theta[:-outputs].reshape(outputs, -1), theta[-outputs:]

    def _start(self, X, outputs, incremental):
        """Return parameters to start from, the step rule's memory and the average so far."""
        nothing = np.empty(0, dtype=X.dtype)
        fresh = {
            "first": nothing,
            "second": nothing,
            "updates": 0,
            "eta": 0.0,
            "mean": np.empty(0),
            "averaged": 0,
        }
        if not (incremental or self.warm_start) or not hasattr(self, "coef_"):
            return fresh | {"theta": np.zeros(outputs * (X.shape[1] + 1), dtype=X.dtype)}
        coef, intercept = self._scaled_parameters()
        if coef.shape != (outputs, X.shape[1]):
            raise ValueError(
                f"The weights to go on from are of shape {coef.shape}, but X and y need "
                f"{(outputs, X.shape[1])}; set warm_start=False to begin anew."
            )
        theta = np.concatenate([coef.ravel(), intercept.ravel()]).astype(X.dtype)
        if not incremental or not hasattr(self, "_memory"):
            return fresh | {"theta": theta}
        memory = self._memory
        if self.average and memory["theta"] is not None:
            theta = memory["theta"].astype(
                X.dtype
            )  # the steps go on from the last weights, not from their mean
        kept = {"theta": theta, **{name: memory[name].astype(X.dtype) for name in ("first", "second")}}
        if not self.average:
            kept |= {"mean": fresh["mean"], "averaged": 0}
        return memory | kept

    def _shape(self, scale):
        """Return the number that gives the loss its shape, for targets that were divided by `scale`."""
        if self.loss == "quantile":
            return self.quantile
        return (self.delta if self.loss == "huber" else self.tube) / scale

    def _slope(self, score, scale):
        """Return the size of the loss's derivative at minus `score`, for the target 1; 1 if it is no larger."""
        far = score + 1.0
        return {
            "squared_hinge": 2.0 * far,
            "modified_huber": min(2.0 * far, 4.0),
            "squared_error": far,
            "huber": min(self.delta / scale, far),
            "squared_epsilon_insensitive": 2.0 * (far - self.tube / scale),
        }.get(self.loss, 1.0)


def _units(loss, scale):
    """Return what L2's and L1's strengths and the loss are multiplied by for targets that are divided by `scale`.

    A loss of degree d in the residual is ``scale ** d`` times that of the divided targets, and weights are `scale` times
    theirs; Poisson's is `scale` times theirs at the same weights.
    """
    if loss == "poisson":
        return 1.0 / scale, 1.0 / scale, scale
    if loss in ("epsilon_insensitive", "quantile"):
        return scale, 1.0, scale
    return 1.0, 1.0 / scale, scale * scale


def _seed(random_state):
    """Draw the number that ``check_random_state(random_state).randint(MAX_INT)`` draws."""
    if type(random_state) is int and 0 <= random_state < 2**32:
        return _core.first_randint(random_state, MAX_INT)
    return check_random_state(random_state).randint(MAX_INT)
