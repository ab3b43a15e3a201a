"""Lasso and elastic net whose penalty is chosen by cross-validation."""

from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import sklearn.linear_model
from sklearn.utils import check_random_state

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import LinearModelCV, fit_context
from ferroflow._bridge.sklearn_search import Parallel, delayed, with_globals
from ferroflow.linear_model._elastic_net import MAX_INT32, ElasticNet, Lasso, warn_of_gap
from ferroflow.linear_model._normal_equations import are_finite, moments_of, parts, reason_for_sklearn
from ferroflow.linear_model._scores import PredictMixin

# Below this share of the target's variance an error is computed from the rows: of sums it would lose digits.
LEAST_SHARE = 1e-6
# Values of a block of such rows' errors.
BLOCK = 1 << 20


class _Data(NamedTuple):
    """What all paths share: the rows, and how to descend."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    fit_intercept: bool
    options: dict[str, Any]


class _Paths:
    """Stands where scikit-learn runs a job for each fold and ratio of penalties: sees all of them at once."""

    def __init__(self, name, **options):
        self.name, self.options = name, options

    def __call__(self, jobs):
        jobs = list(jobs)
        X, y, weights, _, _, fit_intercept, _, options = jobs[0][1]
        data, sums = _Data(X, y, weights, fit_intercept, options), {}
        reason = reason_for_sklearn(data.X, data.y)
        if reason is None and not isinstance(data.options["precompute"], str | bool | np.bool_):
            reason = "a precomputed Gram matrix"
        if reason is None:
            # Folds come as indices, slices or masks, and once for each ratio of penalties.
            every = np.arange(len(X))
            folds = {id(args[3]): (every[args[3]], every[args[4]]) for _, args, _ in jobs}
            sums = dict(zip(folds, _sums(data, list(folds.values())), strict=True))
            if not all(are_finite(part) and part[0] > 0 for pair in sums.values() for part in pair):
                reason = "sums that overflow, or weights that add up to nothing"
        if reason is not None:
            note_sklearn(self.name, reason)
            return Parallel(**self.options)(jobs)
        note_rust(self.name)
        return Parallel(**self.options)(
            delayed(_errors)(
                data, folds[id(args[3])][1], *sums[id(args[3])], more["alphas"], more["l1_ratio"]
            )
            for _, args, more in jobs
        )


def _sums(data, folds):
    """Return the sums of products of each fold's training rows and of its test rows.

    Where each row is tested once, it is read once: the parts are merged to what the others train on.
    """
    n, p = data.X.shape
    own = [_part(data, test) for _, test in folds]
    tested = np.concatenate([test for _, test in folds])
    # Beyond, the parts' sums would take more memory than the rows.
    few = len(folds) * p <= n
    partition = few and len(tested) == n and np.bincount(tested, minlength=n).max() == 1
    if not (partition and all(len(train) + len(test) == n for train, test in folds)):
        return [(_part(data, train), part) for (train, _), part in zip(folds, own, strict=True)]
    before = list(accumulate(own, _core.merge_products))
    after = list(accumulate(own[::-1], _core.merge_products))[::-1]
    inner = [_core.merge_products(a, b) for a, b in zip(before[:-2], after[2:], strict=True)]
    return list(zip([after[1], *inner, before[-2]], own, strict=True))


def _part(data, rows):
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and (np.diff(rows) == 1).all():
        rows = slice(rows[0], rows[-1] + 1)  # without a copy
    weights = None if data.weights is None else data.weights[rows].astype(np.float64, copy=False)
    return moments_of(data.X[rows], data.y[rows].astype(data.X.dtype, copy=False), weights)


def _errors(data, test, train_sums, test_sums, alphas, l1_ratio):
    """Return the mean squared error on a fold's test rows for each penalty, each descent beginning where the last ended."""
    p = data.X.shape[1]
    A, B, Y, x_mean, y_mean = parts(train_sums, p, data.fit_intercept)
    weight = train_sums[0]
    rows = len(data.X) - len(test) if data.weights is None else weight
    square = np.ascontiguousarray(A / weight), B[:, 0] / weight, float(Y[0, 0] / weight)
    draw = check_random_state(data.options["random_state"])
    random = data.options["selection"] == "random"
    coef = np.zeros((len(alphas), p))
    w = np.zeros(p)
    for k, alpha in enumerate(alphas):
        # Drawn also where it is not used, as scikit-learn does.
        seed = int(draw.randint(0, MAX_INT32))
        w, gap, tolerance, _, converged = _core.coordinate_descent(
            square,
            float(alpha * l1_ratio),
            float(alpha * (1.0 - l1_ratio)),
            bool(data.options["positive"]),
            float(data.options["tol"]),
            int(data.options["max_iter"]),
            seed if random else None,
            w,
        )
        coef[k] = w
        if not converged:
            warn_of_gap(gap * rows, tolerance * rows, alpha)
    intercept = y_mean[0] - coef @ x_mean
    A, B, Y, x_mean, y_mean = parts(test_sums, p, True)
    squares = Y[0, 0] - 2.0 * coef @ B[:, 0] + np.einsum("ap,ap->a", coef @ A, coef)
    errors = squares / test_sums[0] + (coef @ x_mean + intercept - y_mean[0]) ** 2
    if errors.min() < LEAST_SHARE * Y[0, 0] / test_sums[0]:
        return _errors_of_rows(data, test, coef, intercept)
    return errors


def _errors_of_rows(data, test, coef, intercept):
    sums, total = np.zeros(len(coef)), 0.0
    for rows in np.array_split(test, len(test) * len(coef) // BLOCK + 1):
        errors = (data.X[rows] @ coef.T + intercept - data.y[rows, None]) ** 2
        weights = np.ones(len(rows)) if data.weights is None else data.weights[rows]
        sums += weights @ errors
        total += weights.sum()
    return sums / total


class _BaseCV(LinearModelCV):
    """Stands between scikit-learn's classes and their base, whose checks it leaves as they are."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        def paths(**options):
            return _Paths(f"{type(self).__name__}.fit", **options)

        return with_globals(LinearModelCV.fit, Parallel=paths)(self, X, y, sample_weight, **params)


def _in_place_of(theirs, ours):
    """Return an instance of `ours`, unless somebody has put another class in the place of scikit-learn's."""
    return ours() if type(theirs) in ours.__mro__ else theirs


class LassoCV(PredictMixin, sklearn.linear_model.LassoCV, _BaseCV):
    __doc__ = sklearn.linear_model.LassoCV.__doc__

    def _get_estimator(self):
        return _in_place_of(super()._get_estimator(), Lasso)


class ElasticNetCV(PredictMixin, sklearn.linear_model.ElasticNetCV, _BaseCV):
    __doc__ = sklearn.linear_model.ElasticNetCV.__doc__

    def _get_estimator(self):
        return _in_place_of(super()._get_estimator(), ElasticNet)
