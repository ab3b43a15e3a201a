"""Input of which scikit-learn's validation would change nothing, told apart at a glance."""

import math

import numpy as np

from ferroflow._bridge.fast_path import is_plain_float_matrix
from ferroflow._bridge.sklearn_compat import has_callbacks

# More classes than this, or a wider range of them, are sorted by `np.unique`.
FEW = 16
_INF = math.inf
_TINY = 5e-324
_BELOW_ONE = math.nextafter(1.0, 0.0)
# What the constraints allow, without their rare cases.
_RANGES = {
    "alpha": (0.0, _INF),
    "l1_ratio": (0.0, 1.0),
    "power_t": (0.0, _INF),
    "momentum": (0.0, _BELOW_ONE),
    "beta_1": (0.0, _BELOW_ONE),
    "beta_2": (0.0, _BELOW_ONE),
    "epsilon": (_TINY, _INF),
    "delta": (_TINY, _INF),
    "tube": (0.0, _INF),
    "gamma": (_TINY, 1.0),
}
_SIZES = ("max_iter", "n_iter_no_change", "step_size")
_WORDS = ("loss", "penalty", "optimizer", "learning_rate")


def has_plain_parameters(estimator):
    """Are all parameters valid and of Python's own types, and is nothing asked for but a fit from zero weights?"""
    state = estimator.__dict__
    for name, (low, high) in _RANGES.items():
        value = state[name]
        if type(value) not in (float, int) or not low <= value <= high:
            return False
    for name in _SIZES:
        if type(state[name]) is not int or state[name] < 1:
            return False
    constraints = estimator._parameter_constraints
    for name in _WORDS:
        value = state[name]
        if not (type(value) is str and value in constraints[name][0].options):
            return False
    tol, eta0, batch = state["tol"], state["eta0"], state["batch_size"]
    return (
        (tol is None or (type(tol) is float and tol >= 0))
        and (eta0 == "auto" if type(eta0) is str else type(eta0) is float and eta0 > 0)
        and (batch is None or (batch == "auto" if type(batch) is str else type(batch) is int and batch >= 1))
        and type(state["fit_intercept"]) is bool
        and type(state["shuffle"]) is bool
        and state["verbose"] == 0
        and type(state["verbose"]) is int
        and state["early_stopping"] is False
        and type(state["average"]) is bool
        and state["clip_norm"] is None
        and state["callback"] is None
        # Of the classifier or of the regressor only.
        and state.get("multi_class", "auto") == "auto"
        and state.get("quantile", 0.5) == 0.5
        and state["warm_start"] is False
        and type(state["validation_fraction"]) is float
        and 0 < state["validation_fraction"] < 1
        and _is_plain_seed(state["random_state"])
        and not has_callbacks(estimator)
    )


def _is_plain_seed(seed):
    return seed is None or (type(seed) is int and 0 <= seed < 2**32) or type(seed) is np.random.RandomState


def are_plain_rows(X, y):
    """Is X a C-ordered float matrix of finite numbers, and y as many numbers or booleans?"""
    return (
        is_plain_float_matrix(X)
        and X.flags.c_contiguous
        and type(y) is np.ndarray
        and y.ndim == 1
        and y.shape[0] == X.shape[0]
        and y.dtype.kind in "biuf"
        and y.dtype.isnative
        and sums_up(X)
    )


def sums_up(values):
    """Is the sum finite? If so all values are; if not, it may have overflowed: validation takes a closer look."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(values.sum())


def few_whole_numbers(y):
    """Return the classes and each row's place among them where y has few whole numbers, close together, or None."""
    low, high = y.min().item(), y.max().item()  # Python's numbers do not overflow
    if not (low >= -(2**31) and high < 2**31 and high - low < FEW):
        return None
    codes = y.astype(np.intp)
    if y.dtype.kind == "f" and (codes != y).any():
        return None
    codes -= int(low)
    present = np.bincount(codes) > 0
    classes = (present.nonzero()[0] + int(low)).astype(y.dtype)
    return classes, codes if present.all() else (np.cumsum(present) - 1)[codes]
