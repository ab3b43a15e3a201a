"""MLPClassifier and MLPRegressor, trained with fused steps."""

import sys
import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import neural_network
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_networks import (
    HAS_WEIGHTS,
    AdamOptimizer,
    BaseMultilayerPerceptron,
    SGDOptimizer,
)
from ferroflow.neural_network._step import Step, memories

_NOT_FINITE = "Solver produced non-finite parameter weights."
# Columns whose spreads differ by this factor are called unscaled.
_UNSCALED = 100.0


class _Network(BaseMultilayerPerceptron):
    """What both classes override."""

    _no_improvement_count: int

    def _fit(self, X, y, *args, **kwargs):
        try:
            return super()._fit(X, y, *args, **kwargs)
        except ValueError as error:
            if _NOT_FINITE not in str(error):
                raise
            raise ValueError(f"{error} {self._advice(X)}") from None

    def _advice(self, X):
        advice = f"Training diverged with learning_rate_init={self.learning_rate_init}: try a smaller one."
        X = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
        with np.errstate(all="ignore"):
            spread = X.std(axis=0)
        usual = np.median(spread[spread > 0]) if (spread > 0).any() else 0.0
        far = np.flatnonzero((spread > max(1.0, usual) * _UNSCALED) | ~np.isfinite(spread))
        if far.size:
            names = getattr(self, "feature_names_in_", np.arange(X.shape[1]))[far[:5]].tolist()
            more = f" and {far.size - 5} more" if far.size > 5 else ""
            advice += f" Unscaled columns: {', '.join(map(str, names))}{more}; put a StandardScaler before."
        return advice

    def _why_not(self, X):
        arrays = self.coefs_ + self.intercepts_
        if hasattr(self, "_optimizer"):
            arrays = arrays + memories(self._optimizer)
        for array in arrays:
            if not (type(array) is np.ndarray and array.flags.c_contiguous and array.flags.writeable):
                return "weights that cannot be changed in place"
            if array.dtype != X.dtype:
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
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_optimizer()
        if (why := self._why_not(X)) is not None:
            note_sklearn(name, why)
            super()._fit_stochastic(X, y, *args)
            return
        if sparse.issparse(X):
            X = X.tocsr()
        if not is_classifier(self):
            y = y.astype(X.dtype, copy=False)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        held_out = (None, None, None)
        if self.early_stopping:
            X, y, sample_weight, held_out = self._hold_out(X, y, sample_weight)
        try:
            self._train(X, y, sample_weight, held_out, incremental)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if self.early_stopping:
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts
        note_rust(name)

    def _new_optimizer(self):
        parameters = self.coefs_ + self.intercepts_
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

    def _train(self, X, y, sample_weight, held_out, incremental):
        n = X.shape[0]
        batch = self._rows_of_a_step(n)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        step = Step(self, X, np.ascontiguousarray(y), batch)
        order = np.arange(n)
        self.n_iter_ = 0
        for _ in range(self.max_iter):
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
                total += (loss + step.update(self._optimizer, weight)) * rows
            self.n_iter_ += 1
            self.loss_ = total / n
            self.t_ += n
            self.loss_curve_.append(self.loss_)
            if not np.isfinite(total) and not all(np.isfinite(c).all() for c in step.parameters):
                return  # of no use to go on: scikit-learn's check raises the error
            if self.verbose:
                sys.stdout.write(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}\n")
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
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

    def _rows_of_a_step(self, n):
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=2,
            )
        return int(np.clip(self.batch_size, 1, n))


class MLPClassifier(_Network, neural_network.MLPClassifier):
    __doc__ = neural_network.MLPClassifier.__doc__


class MLPRegressor(_Network, neural_network.MLPRegressor):
    __doc__ = neural_network.MLPRegressor.__doc__
