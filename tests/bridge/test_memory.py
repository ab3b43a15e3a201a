"""What scalers and simple imputers allocate beside their input and output: NumPy's arrays, which tracemalloc knows."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from ferroflow.impute import SimpleImputer
from ferroflow.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

ROWS = 50_000
ESTIMATORS = {
    "StandardScaler": StandardScaler(),
    "MinMaxScaler": MinMaxScaler(),
    "MaxAbsScaler": MaxAbsScaler(),
    "RobustScaler": RobustScaler(),
    "mean": SimpleImputer(),
    "median": SimpleImputer(strategy="median"),
    "constant": SimpleImputer(strategy="constant"),
}


def in_pieces(X):
    frame = pd.DataFrame(X[:, :10])
    for j in range(10, 20):
        frame[j] = X[:, j]
    return frame


KINDS = {
    "C": lambda X: X,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "int64": lambda X: np.nan_to_num(100 * X).astype(np.int64),
    "bool": lambda X: X > 0,
    "int32 by column": lambda X: np.asfortranarray(np.nan_to_num(100 * X).astype(np.int32)),
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "frame": pd.DataFrame,
    "frame in pieces": in_pieces,
    "float32 frame in pieces": lambda X: in_pieces(X.astype(np.float32)),
}


def table(kind):
    rng = np.random.RandomState(0)
    X = rng.randn(ROWS, 20)
    X[rng.rand(ROWS, 20) < 0.1] = np.nan
    return KINDS[kind](X)


def size(table):
    return table.nbytes if isinstance(table, np.ndarray) else int(table.memory_usage(index=False).sum())


def beside(call, *args):
    """The most memory that the call had, and what it returned."""
    tracemalloc.start()
    try:
        out = call(*args)
        return tracemalloc.get_traced_memory()[1], out
    finally:
        tracemalloc.stop()


# Constants take no bools.
CASES = [(kind, name) for kind in KINDS for name in ESTIMATORS if (kind, name) != ("bool", "constant")]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_under_a_twentieth_of_the_input(kind, name):
    X, estimator = table(kind), ESTIMATORS[name]
    few = size(X) / 20
    estimator.fit(X[:10])  # imports what is imported then
    assert beside(estimator.fit, X)[0] < few
    used, out = beside(estimator.transform, X)
    assert used - out.nbytes < few
    estimator = type(estimator)(**estimator.get_params())
    estimator.partial_fit(X[:10])
    assert beside(estimator.partial_fit, X)[0] < few


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("kind", ["C", "F", "float32", "strided"])
def test_without_a_copy_nothing_of_the_inputs_size(kind, name):
    X = table(kind)
    estimator = type(ESTIMATORS[name])(**{**ESTIMATORS[name].get_params(), "copy": False}).fit(X)
    expected = ESTIMATORS[name].fit(X).transform(X)
    used, out = beside(estimator.transform, X)
    assert used < size(X) / 20
    assert np.shares_memory(out, X)
    np.testing.assert_array_equal(out, expected)
