"""What MLPClassifier and MLPRegressor have in common: the training."""

import sys
import time
import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.progress import duration
from ferroflow._bridge.sklearn_networks import (
    HAS_WEIGHTS,
    AdamOptimizer,
    BaseMultilayerPerceptron,
    SGDOptimizer,
)
from ferroflow.model_selection._fingerprint import fingerprint
from ferroflow.neural_network._checkpoint import Checkpoint
from ferroflow.neural_network._norm import BatchNorm, fold
from ferroflow.neural_network._schedule import SCHEDULES, share_of_rate
from ferroflow.neural_network._step import Step, memories, parameters_of
from ferroflow.neural_network._values import values

# What counts and remembers, besides arrays.
_COUNTERS = (
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
)
_OF_OPTIMIZERS = ("learning_rate", "t")
_NOT_FINITE = "Solver produced non-finite parameter weights."
# Rows that advice is drawn from.
_FEW = 1000
# Columns whose spreads differ by this factor are called unscaled.
_UNSCALED = 100.0


class Network(BaseMultilayerPerceptron):
    """scikit-learn's base class, trained with fused steps, and what it has beyond that."""

    _no_improvement_count: int
    _norms: list[BatchNorm]
    _best_norms: list[BatchNorm]

    def _fit(self, X, y, sample_weight=None, incremental=False):
        self._check_parameters()
        self._checkpoint = None
        if self.checkpoint is not None and not incremental:
            self._checkpoint = self._new_checkpoint(X, y, sample_weight)
        if (class_weight := getattr(self, "class_weight", None)) is not None:
            by_class = self._weigh_classes(class_weight, y, incremental)
            sample_weight = by_class if sample_weight is None else by_class * np.asarray(sample_weight)
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        try:
            return super()._fit(X, y, **given, incremental=incremental)
        except ValueError as error:
            if _NOT_FINITE not in str(error):
                raise
            raise ValueError(f"{error} {self._advice(X)}") from None
        finally:
            del self._checkpoint

    def _check_parameters(self):
        asked = [
            name
            for name, usual in (
                ("dropout", 0),
                ("batch_norm", False),
                ("optimizer", None),
                ("checkpoint", None),
            )
            if getattr(self, name) != usual
        ]
        if self.solver == "lbfgs" and asked:
            raise ValueError(f"{asked[0]} needs solver='adam' or 'sgd', got 'lbfgs'.")
        if self.optimizer == "adamw" and self.solver != "adam":
            raise ValueError(f"optimizer='adamw' needs solver='adam', got {self.solver!r}.")

    def _new_checkpoint(self, X, y, sample_weight):
        parameters = self.get_params(deep=False)
        for of_no_concern in ("checkpoint", "verbose"):
            del parameters[of_no_concern]
        before = parameters_of(self) if self.warm_start and hasattr(self, "coefs_") else []
        return Checkpoint(
            self.checkpoint, fingerprint(type(self).__name__, parameters, before, X, y, sample_weight)
        )

    def _weigh_classes(self, class_weight, y, incremental):
        if incremental and class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not see all rows. Compute the "
                "weights with sklearn.utils.compute_class_weight('balanced', classes=classes, y=y) and pass them as "
                "a dict in class_weight."
            )
        return compute_sample_weight(class_weight, y)

    def _initialize(self, y, layer_units, dtype):
        super()._initialize(y, layer_units, np.dtype(self.dtype or dtype))
        for name in ("_norms", "_dropout_random"):
            self.__dict__.pop(name, None)

    def _prepare(self):
        """Make what dropout and normalisation need, where it is not there from before."""
        if not self.batch_norm:
            self.__dict__.pop("_norms", None)
        elif not hasattr(self, "_norms"):
            self._norms = [BatchNorm(len(bias), bias.dtype) for bias in self.intercepts_[:-1]]
        if self.dropout and not hasattr(self, "_dropout_random"):
            self._dropout_random = np.random.Generator(np.random.PCG64(self._random_state.randint(2**31 - 1)))

    def _validate_input(self, X, y, *args, **kwargs):
        X, y = super()._validate_input(X, y, *args, **kwargs)
        if self.dtype is not None and self.solver == "lbfgs":
            X = X.astype(self.dtype, copy=False)
        return X, y

    def _advice(self, X):
        advice = "Training diverged."
        if self.solver != "lbfgs":
            advice = (
                f"Training diverged with learning_rate_init={self.learning_rate_init}: try a smaller one."
            )
        some = X.tocsr()[:_FEW].toarray() if sparse.issparse(X) else np.asarray(X[:_FEW], dtype=np.float64)
        with np.errstate(all="ignore"):
            spread = some.std(axis=0)
        usual = np.median(spread[spread > 0]) if (spread > 0).any() else 0.0
        far = np.flatnonzero((spread > max(1.0, usual) * _UNSCALED) | ~np.isfinite(spread))
        if far.size:
            names = getattr(self, "feature_names_in_", np.arange(some.shape[1]))[far[:5]].tolist()
            more = f" and {far.size - 5} more" if far.size > 5 else ""
            advice += f" Unscaled columns: {', '.join(map(str, names))}{more}; put a StandardScaler before."
        return advice

    def _why_not(self, X):
        dtype = np.dtype(self.dtype or X.dtype)
        for array in parameters_of(self) + memories(self._optimizer):
            if not (type(array) is np.ndarray and array.flags.c_contiguous and array.flags.writeable):
                return "weights that cannot be changed in place"
            if array.dtype != dtype:
                return "weights of another type than the rows"
        return None

    def _fit_lbfgs(self, *args, **kwargs):
        note_sklearn(
            f"{type(self).__name__}.fit", "L-BFGS is SciPy's, and its gradients are products of all rows"
        )
        super()._fit_lbfgs(*args, **kwargs)

    def _fit_stochastic(self, X, y, *args):
        # Since scikit-learn 1.7 the first of the others are the rows' weights.
        sample_weight = args[0] if HAS_WEIGHTS else None
        incremental = args[-1]
        name = f"{type(self).__name__}.{'partial_fit' if incremental else 'fit'}"
        self._prepare()
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_optimizer()
        if (why := self._why_not(X)) is not None:
            if self._asks_for_more():
                raise ValueError(f"{name} cannot go on from {why}; set warm_start=False to begin anew.")
            note_sklearn(name, why)
            super()._fit_stochastic(X, y, *args)
            return
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if sparse.issparse(X):
            X = X.tocsr()
        saved = self._checkpoint.load() if self._checkpoint else None
        if saved is not None:
            self._random_state.set_state(saved["begun_with"])
        begun_with = self._random_state.get_state(legacy=False)
        held_out = (None, None, None)
        if self.early_stopping:
            X, y, sample_weight, held_out = self._hold_out(X, y, sample_weight)
        self.n_iter_, order = 0, np.arange(X.shape[0])
        if saved is not None:
            order = self._restore(saved)
        try:
            self._train(X, y, sample_weight, held_out, incremental, order, begun_with)
            if self._checkpoint:
                self._checkpoint.remove()
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if self.early_stopping:
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
            if self.batch_norm:
                self._norms = self._best_norms
        note_rust(name)

    def _asks_for_more(self):
        """Is anything asked for that scikit-learn has not?"""
        return bool(
            self.dropout
            or self.batch_norm
            or self.optimizer
            or self.checkpoint
            or self.learning_rate in SCHEDULES
        )

    def _layers(self):
        """Return the weights and intercepts that predictions are made with."""
        if self.batch_norm:
            return fold(self.coefs_, self.intercepts_, self._norms)
        return self.coefs_, self.intercepts_

    def _forward_pass_fast(self, X, check_input=True):
        if not check_input and not self.batch_norm:
            # Of a training's held out rows: products by BLAS, so that the score is scikit-learn's.
            return super()._forward_pass_fast(X, check_input=False)
        return values(self, X, self.out_activation_, checked=not check_input)

    def _new_optimizer(self):
        parameters = parameters_of(self)
        if self.solver == "sgd":
            return SGDOptimizer(
                parameters,
                self.learning_rate_init,
                self.learning_rate,
                self.momentum,
                self.nesterovs_momentum,
                self.power_t,
            )
        return AdamOptimizer(parameters, self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)

    def _hold_out(self, X, y, sample_weight):
        """Part the rows; returns those to learn from, and what they are judged by."""
        weights = [] if sample_weight is None else [sample_weight]
        parts = train_test_split(
            X,
            y,
            *weights,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=y if is_classifier(self) and self.n_outputs_ == 1 else None,
        )
        learnt, judged = parts[::2], parts[1::2]
        if judged[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        if is_classifier(self):
            judged[1] = self._label_binarizer.inverse_transform(judged[1])
        return learnt[0], learnt[1], learnt[2] if weights else None, (*judged, None)[:3]

    def _train(self, X, y, sample_weight, held_out, incremental, order, begun_with):
        n = X.shape[0]
        batch = self._rows_of_a_step(n)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        step = Step(self, X, y, batch)
        start, begun_at = time.perf_counter(), self.n_iter_
        while self.n_iter_ < self.max_iter:
            if self.shuffle:
                again = np.arange(n)
                self._random_state.shuffle(again)
                order = order[again]
            total = 0.0
            for begin in range(0, n, batch):
                rows = min(batch, n - begin)
                at: Any = slice(begin, begin + rows)
                at = order[at] if self.shuffle else at
                w = None if weights is None else weights[at]
                weight = rows if w is None else w.sum()
                if weight == 0:
                    raise ZeroDivisionError("Weights sum to zero, can't be normalized")
                loss = step.loss_and_gradients(at, w)
                rate = self._rate(begin / n, incremental)
                total += (loss + step.update(self._optimizer, weight, rate)) * rows
            self.n_iter_ += 1
            self.loss_ = total / n
            self.t_ += n
            self.loss_curve_.append(self.loss_)
            if not np.isfinite(total) and not all(np.isfinite(c).all() for c in step.parameters):
                return  # of no use to go on: scikit-learn's check raises the error
            if self.verbose:
                taken = (time.perf_counter() - start) / (self.n_iter_ - begun_at)
                left = (
                    f", about {duration(taken * (self.max_iter - self.n_iter_))} left"
                    if self.verbose >= 2
                    else ""
                )
                sys.stdout.write(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}{left}\n")
            self._update_no_improvement_count(self.early_stopping, *held_out[: 3 if HAS_WEIGHTS else 2])
            self._optimizer.iteration_ends(self.t_)
            if self._no_improvement_count > self.n_iter_no_change:
                judge = "Validation score" if self.early_stopping else "Training loss"
                message = (
                    f"{judge} did not improve more than tol={self.tol:f} for {self.n_iter_no_change:d} "
                    "consecutive epochs."
                )
                if self._optimizer.trigger_stopping(message, self.verbose):
                    return
                self._no_improvement_count = 0
            if incremental:
                return
            if self._checkpoint:
                self._checkpoint.save(self._state(order, begun_with))
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _rate(self, part, incremental):
        """The rate by the schedule, `part` of the epoch being done; None if there is none."""
        if self.learning_rate not in SCHEDULES:
            return None
        epochs = len(self.loss_curve_) if incremental else self.n_iter_
        return self.learning_rate_init * share_of_rate(self.learning_rate, (epochs + part) / self.max_iter)

    def _update_no_improvement_count(self, *args):
        best = getattr(self, "best_validation_score_", None)
        super()._update_no_improvement_count(*args)
        if self.batch_norm and self.best_validation_score_ != best:
            self._best_norms = deepcopy(self._norms)

    def _state(self, order, begun_with):
        """All that a training goes on from, for a checkpoint."""
        state = {name: getattr(self, name) for name in _COUNTERS}
        return state | {
            "parameters": parameters_of(self),
            "memories": memories(self._optimizer),
            "optimizer": [getattr(self._optimizer, name, 0) for name in _OF_OPTIMIZERS],
            "best": [self._best_coefs, self._best_intercepts],
            "norms": [
                [norm.state() for norm in getattr(self, name, [])] for name in ("_norms", "_best_norms")
            ],
            "random": self._random_state.get_state(legacy=False),
            "begun_with": begun_with,
            "dropout": self._dropout_random.bit_generator.state if self.dropout else None,
            "order": order,
        }

    def _restore(self, saved):
        """Go back to a state; returns the order of the rows."""
        for name in _COUNTERS:
            setattr(self, name, saved[name])
        now, then = parameters_of(self) + memories(self._optimizer), saved["parameters"] + saved["memories"]
        for array, numbers in zip(now, then, strict=True):
            array[:] = numbers
        for name, value in zip(_OF_OPTIMIZERS, saved["optimizer"], strict=True):
            setattr(self._optimizer, name, value)
        self._best_coefs, self._best_intercepts = saved["best"]
        if self.batch_norm:
            self._best_norms = deepcopy(self._norms)
            for name, states in zip(("_norms", "_best_norms"), saved["norms"], strict=True):
                for norm, state in zip(getattr(self, name), states, strict=False):
                    norm.restore(state)
        self._random_state.set_state(saved["random"])
        if self.dropout:
            self._dropout_random.bit_generator.state = saved["dropout"]
        return saved["order"]

    def _rows_of_a_step(self, n):
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=2,
            )
        return int(np.clip(self.batch_size, 1, n))
