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


def tables():
    rng = np.random.RandomState(0)
    X = rng.randn(ROWS, 20)
    X[rng.rand(ROWS, 20) < 0.1] = np.nan
    in_pieces = pd.DataFrame(X[:, :10])
    for j in range(10, 20):
        in_pieces[j] = X[:, j]
    return {
        "C": X,
        "F": np.asfortranarray(X),
        "float32": X.astype(np.float32),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "frame": pd.DataFrame(X),
        "frame in pieces": in_pieces,
    }


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


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("kind", tables())
def test_under_a_twentieth_of_the_input(kind, name):
    X, estimator = tables()[kind], ESTIMATORS[name]
    few = size(X) / 20
    estimator.fit(X[:10])  # imports what is imported then
    assert beside(estimator.fit, X)[0] < few
    used, out = beside(estimator.transform, X)
    assert used - out.nbytes < few
    if kind != "frame in pieces":  # which scikit-learn's validation puts together
        estimator = type(estimator)(**estimator.get_params())
        estimator.partial_fit(X[:10])
        assert beside(estimator.partial_fit, X)[0] < few


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("kind", ["C", "F", "float32", "strided"])
def test_without_a_copy_nothing_of_the_inputs_size(kind, name):
    X = tables()[kind]
    estimator = type(ESTIMATORS[name])(**{**ESTIMATORS[name].get_params(), "copy": False}).fit(X)
    expected = ESTIMATORS[name].fit(X).transform(X)
    used, out = beside(estimator.transform, X)
    assert used < size(X) / 20
    assert np.shares_memory(out, X)
    np.testing.assert_array_equal(out, expected)
