import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics as theirs
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow import metrics

RNG = np.random.RandomState(0)
ROWS = 41
T = RNG.gamma(2.0, 3.0, (ROWS, 3))
P = T * RNG.gamma(20.0, 0.05, (ROWS, 3))
WEIGHTS = np.where(RNG.rand(ROWS) < 0.2, 0.0, RNG.rand(ROWS))

MEANS = (
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_pinball_loss",
    "mean_squared_error",
    "mean_squared_log_error",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "median_absolute_error",
)
SHARES = ("r2_score", "explained_variance_score")
SHARES_OF_LOSS = ("d2_pinball_score", "d2_absolute_error_score")
OF_ONE = ("mean_tweedie_deviance", "mean_poisson_deviance", "mean_gamma_deviance", "d2_tweedie_score")
WEIGHTED = (*MEANS, *SHARES, *SHARES_OF_LOSS, *OF_ONE)
ALL = (*WEIGHTED, "max_error")


def outcome(function, *args, **kwargs):
    """What a call gives: its value, its warnings, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return type(error), str(error)
    return value, [(w.category, str(w.message)) for w in caught]


def assert_same(name, *args, rtol=1e-12, **kwargs):
    ours, expected = (outcome(getattr(module, name), *args, **kwargs) for module in (metrics, theirs))
    assert isinstance(ours[0], float) == isinstance(expected[0], float)
    assert getattr(ours[0], "dtype", None) == getattr(expected[0], "dtype", None)
    assert ours[1] == expected[1]
    if isinstance(expected[0], type):
        assert ours[0] is expected[0]
    else:
        np.testing.assert_allclose(ours[0], expected[0], rtol=rtol, atol=0)


CONTAINERS = {
    "array": lambda y: y,
    "integers": lambda y: np.ceil(y).astype(int),
    "int8": lambda y: np.ceil(y).astype(np.int8),
    "uint64": lambda y: np.ceil(y).astype(np.uint64),
    "booleans": lambda y: y > 3,
    "float16": lambda y: y.astype(np.float16),
    "strided": lambda y: np.repeat(y, 2, axis=0)[::2],
    "reversed": lambda y: y[::-1],
    "columns": np.asfortranarray,
    "swapped": lambda y: y.astype(y.dtype.newbyteorder()),
    "read-only": lambda y: np.broadcast_to(y, y.shape),
    "masked": np.ma.masked_array,
    "list": lambda y: y.tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "list of integers": lambda y: np.ceil(y).astype(int).tolist(),
    "frame": lambda y: pd.DataFrame(y),
    "series": lambda y: pd.Series(y) if y.ndim == 1 else pd.DataFrame(y),
    "Float64": lambda y: pd.Series(y, dtype="Float64") if y.ndim == 1 else pd.DataFrame(y),
    "polars": lambda y: pl.Series(y) if y.ndim == 1 else pl.DataFrame(y),
    "objects": lambda y: y.astype(object),
    "column": lambda y: y.reshape(ROWS, -1),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", ALL)
def test_every_container(name, container):
    wrap = CONTAINERS[container]
    assert_same(name, wrap(T[:, 0]), wrap(P[:, 0]))
    assert_same(name, wrap(T[:, 0]), P[:, 0])
    assert_same(name, wrap(T), wrap(P))


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize(
    "multioutput", ["raw_values", "uniform_average", "variance_weighted", [0.2, 0.3, 0.5], None, "x"]
)
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS.tolist(), (WEIGHTS * 9).astype(int)])
def test_outputs_and_weights(name, multioutput, weights):
    options = {} if name in OF_ONE else {"multioutput": multioutput}
    assert_same(name, T, P, sample_weight=weights, **options)
    assert_same(name, T[:, 1], P[:, 1], sample_weight=weights, **options)
    assert_same(name, T[:, :1], P[:, 1], sample_weight=weights, **options)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("t", "p"),
    [
        (T[:, 0] - 5, P[:, 0]),
        (T[:, 0], P[:, 0] - 5),
        (np.floor(T[:, 0] / 4), P[:, 0]),
        (T[:, 0], T[:, 0]),
        (T[:, 0], np.where(P[:, 0] > 9, np.nan, P[:, 0])),
        (np.where(T[:, 0] > 9, np.inf, T[:, 0]), P[:, 0]),
        (np.where(T[:, 0] > 9, np.inf, T[:, 0]), np.where(T[:, 0] > 9, np.inf, T[:, 0])),
        (T[:, 0] * 1e300, P[:, 0]),
        (np.ones(ROWS), P[:, 0]),
        (np.full(ROWS, 0.1), P[:, 0]),
        (np.ones(ROWS), np.ones(ROWS)),
        (np.zeros(ROWS), np.zeros(ROWS)),
        (T[:1, 0], P[:1, 0]),
        (T[:2, 0], P[:2, 0]),
        (T[:0, 0], P[:0, 0]),
        (T[:, 0], P[:-1, 0]),
        (T, P[:, :2]),
        (T[:, 0], "a"),
        (["a"] * ROWS, P[:, 0]),
        (3.0, 4.0),
        (np.array([255, 0], np.uint8), np.array([0, 255], np.uint8)),
        (np.array([2**62, -(2**62), 5]), np.array([2**62 + 1, 2**62, 5])),
        (T[:, 0].reshape(ROWS, 1, 1), P[:, 0]),
    ],
)
def test_odd_values(name, t, p):
    assert_same(name, t, p)


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize(
    "weights",
    [
        WEIGHTS * 0,
        WEIGHTS * np.nan,
        WEIGHTS[:-1],
        WEIGHTS[:, None],
        -WEIGHTS,
        WEIGHTS - WEIGHTS.mean() / 2,
        2.0,
        "a",
    ],
)
def test_odd_weights(name, weights):
    assert_same(name, T[:, 0], P[:, 0], sample_weight=weights)


@pytest.mark.parametrize("alpha", [0, 0.1, 0.5, 1 / 3, 0.9, 1, 1.5, True, "a"])
def test_pinball_at_every_quantile(alpha):
    for name in ("mean_pinball_loss", "d2_pinball_score"):
        assert_same(name, T, P, alpha=alpha)
        assert_same(name, T[:40, 0], P[:40, 0], alpha=alpha, sample_weight=WEIGHTS[:40])


@pytest.mark.parametrize("power", [-1, 0, 0.5, 1, 1.3, 1.5, 2, 2.5, 3, 1.0, np.float64(2), "a"])
def test_deviances_of_every_power(power):
    for name in ("mean_tweedie_deviance", "d2_tweedie_score"):
        for weights in (None, WEIGHTS):
            assert_same(name, T[:, 0], P[:, 0], power=power, sample_weight=weights)
            assert_same(name, np.floor(T[:, 0]), P[:, 0], power=power, sample_weight=weights)


@pytest.mark.parametrize("force_finite", [True, False, 1])
def test_constant_targets(force_finite):
    for name in SHARES:
        for t in (np.ones((ROWS, 2)), np.column_stack((np.ones(ROWS), T[:, 0])), np.full(ROWS, 0.1)):
            for p in (t, t + 1.0, np.roll(t, 1, axis=0)):
                for multioutput in ("raw_values", "uniform_average", "variance_weighted"):
                    assert_same(name, t, p, force_finite=force_finite, multioutput=multioutput)


@pytest.mark.parametrize("name", ALL)
def test_float32_within_its_precision(name):
    t, p = T[:, 0].astype(np.float32), P[:, 0].astype(np.float32)
    assert_same(name, t, p, rtol=1e-4)
    if name not in (*OF_ONE, "max_error"):
        assert_same(name, t, p, multioutput="raw_values", rtol=1e-4)
        assert_same(name, t, P[:, 0], multioutput="raw_values")


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_many_rows_on_any_number_of_threads(shift):
    rng = np.random.RandomState(1)
    t = rng.normal(size=300_001) ** 2 + 0.1 + shift
    p = t * rng.uniform(0.5, 2, len(t))
    weights = rng.rand(len(t))
    for name in ALL:
        for chosen in [{}] if name == "max_error" else [{}, {"sample_weight": weights}]:
            found = set()
            for threads in (1, 3):
                with threadpool_limits(threads), ferroflow.config(strict=True):
                    found.add(getattr(metrics, name)(t, p, **chosen))
            assert len(found) == 1
            expected = getattr(theirs, name)(t, p, **chosen)
            np.testing.assert_allclose(found.pop(), expected, rtol=1e-11 if shift else 1e-12)


def test_common_targets_stay_in_rust():
    with ferroflow.config(strict=True):
        for name in ALL:
            getattr(metrics, name)(T[:, 0], P[:, 0])
            getattr(metrics, name)(T[:, 0].tolist(), pd.Series(P[:, 0]))
        for name in (*MEANS, *SHARES):
            getattr(metrics, name)(T, pd.DataFrame(P), multioutput="raw_values")
        metrics.mean_squared_error(np.arange(5), np.arange(5) + 0.5, sample_weight=np.arange(5))
        for name in ("median_absolute_error", *SHARES_OF_LOSS):
            getattr(metrics, name)(T, P, sample_weight=WEIGHTS, multioutput="raw_values")
        for power in (-1, 1.3, 2.5, 3):
            metrics.mean_tweedie_deviance(T[:, 0], P[:, 0], power=power, sample_weight=WEIGHTS)


@pytest.mark.parametrize(
    "weights",
    [np.ones(ROWS - 1), np.arange(ROWS - 1.0), np.tile([0.0, 2.0, 2.0, 4.0], 10), np.full(ROWS - 1, 0.1)],
)
def test_weights_that_part_evenly(weights):
    t, p = np.round(T[:40, 0]), np.round(P[:40, 0])
    assert_same("median_absolute_error", t, p, sample_weight=weights)
    for alpha in (0.0, 0.25, 0.5, 0.3, 1.0):
        assert_same("d2_pinball_score", t, p, sample_weight=weights, alpha=alpha)


def test_shares_of_shifted_blocks():
    # Blocks that lie far from each other, far from zero, or where errors do.
    rng = np.random.RandomState(2)
    steps = np.repeat([0.0, 1e6, -1e6, 1e6 + 1], 3000)
    for t in (steps + rng.rand(12000), 1e8 + rng.rand(12000), np.sort(rng.rand(12000)), steps):
        for p in (t + rng.rand(12000), t + 1e6, np.full(12000, t.mean()) + 1e-3 * rng.rand(12000)):
            for weights in (None, np.where(np.arange(12000) < 2000, 0.0, rng.rand(12000))):
                for name in SHARES:
                    ours, expected = (
                        1 - getattr(module, name)(t, p, sample_weight=weights) for module in (metrics, theirs)
                    )
                    np.testing.assert_allclose(ours, expected, rtol=1e-9)
