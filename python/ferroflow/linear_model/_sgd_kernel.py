"""From scikit-learn's estimators by stochastic gradient descent to the Rust core and back."""

import sys
import time

import numpy as np
from sklearn.utils import check_random_state

from ferroflow import _core
from ferroflow._bridge.sklearn_compat import sgd_before_1_9
from ferroflow.linear_model._scores import as_rows

MAX_INT = 2**31 - 1
# scikit-learn's steps for the intercept are smaller by this factor where rows are sparse.
SPARSE_INTERCEPT_DECAY = 0.01


def why_not(estimator, X, *arrays):
    """Say why scikit-learn must run this fit itself, or return None."""
    if sgd_before_1_9():
        return "this scikit-learn stops by another rule"
    if any(array is not None and array.dtype != X.dtype for array in arrays):
        return "the weights so far are of another dtype than X"
    if any(array is not None and not array.flags.writeable for array in arrays):
        return "the weights to go on from cannot be written"
    if getattr(estimator, "n_jobs", None) == 0:
        return "n_jobs=0"
    return None


def classifier_seed(random_state, split=None):
    """Draw the seed of the orders as a binary fit does, and call `split` where it draws its own numbers."""
    if type(random_state) is int and 0 <= random_state < 2**32:
        return _core.sgd_seed(random_state), split() if split else None
    rng = check_random_state(random_state)
    rng.randint(1, MAX_INT)  # of the data set, which does not use it
    held_out = split() if split else None
    return rng.randint(MAX_INT), held_out


class Model:
    """Where weights, their averages and the intercepts of some models lie, one row a model.

    Parameters
    ----------
    coef, averaged : ndarray of shape (n_features,) or (n_models, n_features)
        `averaged` is None without averaging. Both are written in place.
    intercept, averaged_intercept : sequence of float
    """

    def __init__(self, coef, intercept, averaged, averaged_intercept):
        self.coef = coef
        self.averaged = averaged
        self.intercept = [float(b) for b in intercept]
        self.averaged_intercept = [float(b) for b in averaged_intercept]

    def row(self, i):
        """Return the i-th model alone, its arrays views."""
        averaged = None if self.averaged is None else self.averaged[i]
        return Model(self.coef[i], self.intercept[i : i + 1], averaged, self.averaged_intercept[i : i + 1])


def descend(
    estimator,
    X,
    y,
    model,
    *,
    alpha,
    loss,
    learning_rate,
    max_iter,
    seeds,
    sample_weight,
    class_weights=None,
    held_out=None,
    score=None,
    other=None,
    one_class=False,
):
    """Learn `model` from rows; returns the number of epochs of each.

    Parameters
    ----------
    estimator : estimator
        Gives the parameters that are not passed.
    X : C-ordered array or CSR matrix
    y : ndarray
        Targets of X's dtype, or the number of each row's class as int32 where `other` is given.
    model : Model
    alpha, loss, learning_rate, max_iter
        As scikit-learn passes them on.
    seeds : list of int
        One a model.
    sample_weight : ndarray of X's dtype
    class_weights : list of (float, float)
        For each model the weights of positive rows and of the others; 1 if None.
    held_out : ndarray of bool, default=None
        The rows to validate on.
    score : callable, default=None
        ``score(coef, intercept)`` on those rows, to stop by.
    other : float, default=None
        The target of rows of other classes.
    one_class : bool, default=False
    """
    verbose = bool(estimator.verbose)
    watch = _Watch(verbose, score) if verbose or score else None
    coef, averaged = model.coef, model.averaged
    result = _core.sgd(
        as_rows(X),
        {"y": y, "weights": sample_weight, "held_out": held_out},
        {
            "coef": np.ascontiguousarray(coef).ravel(),
            "intercept": model.intercept,
            "averaged": None if averaged is None else np.ascontiguousarray(averaged).ravel(),
            "averaged_intercept": model.averaged_intercept,
            "t": float(estimator.t_),
            "seeds": seeds,
            "class_weights": [(1.0, 1.0)] * len(seeds) if class_weights is None else class_weights,
            "other": other,
        },
        {
            "loss": loss,
            "epsilon": float(estimator.epsilon),
            "penalty": str(estimator.penalty).lower(),
            "alpha": float(alpha),
            "l1_ratio": 0.0 if estimator.l1_ratio is None else float(estimator.l1_ratio),
            "learning_rate": learning_rate,
            "eta0": float(estimator.eta0),
            "power_t": float(estimator.power_t),
            "fit_intercept": bool(estimator.fit_intercept),
            "intercept_decay": SPARSE_INTERCEPT_DECAY if type(X) is not np.ndarray else 1.0,
            "one_class": one_class,
            "average": float(estimator.average),
            "max_iter": int(max_iter),
            "tol": -np.inf if estimator.tol is None else float(estimator.tol),
            "patience": int(estimator.n_iter_no_change),
            "shuffle": bool(estimator.shuffle),
            "scored": score is not None,
            "verbose": verbose,
            "n_jobs": getattr(estimator, "n_jobs", None),
        },
        watch,
    )
    weights, model.intercept, averages, model.averaged_intercept, epochs = result
    np.copyto(coef, weights.reshape(coef.shape))
    if averaged is not None:
        np.copyto(averaged, averages.reshape(averaged.shape))
    if watch is not None and verbose and epochs[0][1]:
        watch.converged(epochs[0][0])
    return [number for number, _ in epochs]


class _Watch:
    """Prints what scikit-learn prints, and asks for the score on the validation rows."""

    def __init__(self, verbose, score):
        self.verbose, self.score = verbose, score
        self.began = time.time()

    def __call__(self, epoch, found):
        if found is None:
            if self.verbose:
                sys.stdout.write(f"-- Epoch {epoch}\n")
            return 0.0
        weights, norm, intercept, updates, loss, objective = found
        score = self.score(weights, intercept) if self.score else 0.0
        if self.verbose:
            own = f", Validation score: {score:f}" if self.score else ""
            sys.stdout.write(
                f"Norm: {norm:.2f}, NNZs: {np.count_nonzero(weights)}, Bias: {intercept:.6f}, T: {updates}, "
                f"Avg. loss: {loss:f}, Objective: {objective:f}{own}\n"
                f"Total training time: {time.time() - self.began:.2f} seconds.\n"
            )
        return float(score)

    def converged(self, epochs):
        sys.stdout.write(f"Convergence after {epochs} epochs took {time.time() - self.began:.2f} seconds\n")
