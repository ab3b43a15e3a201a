"""Arrays of whole numbers, which scikit-learn makes float64 of first, against scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import impute as their_imputers
from sklearn import preprocessing as theirs

import ferroflow
import ferroflow.preprocessing as ours
from ferroflow import impute as our_imputers
from ferroflow._bridge.sklearn_compat import other_constants

SCALERS = ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"]
STRATEGIES = ["mean", "median", "most_frequent", "constant"]
TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">i4"]
LAYOUTS = {
    "C": lambda X: X,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=1), 2, axis=0)[::2, ::2],
    "reversed": lambda X: X[::-1, ::-1],
    "columns apart": lambda X: np.repeat(X, 2, axis=0).T.copy().T[::2],
    "broadcast": lambda X: np.broadcast_to(X[:1], X.shape),
}


def pair(name, **options):
    if name in SCALERS:
        return getattr(ours, name)(**options), getattr(theirs, name)(**options)
    options = {"strategy": name, **options}
    return our_imputers.SimpleImputer(**options), their_imputers.SimpleImputer(**options)


def table(dtype, rows=3000, columns=5):
    X = np.random.RandomState(0).randint(-100, 100, size=(rows, columns))
    X[:, 1] = 7
    return X.astype(dtype)


def done(call):
    try:
        return call(), None
    except Exception as error:
        return None, error


def assert_same(a, b):
    """Two estimators, or the two errors of making them."""
    (a, mine), (b, their) = a, b
    assert type(mine) is type(their)
    if mine is not None:
        assert str(mine) == str(their)
        return
    for key, value in vars(b).items():
        if not key.endswith("_") or key == "indicator_":
            continue
        found = np.asarray(getattr(a, key))
        assert found.dtype == np.asarray(value).dtype, key
        if found.dtype == object:
            assert found.tolist() == value.tolist()
        else:
            # scikit-learn sums in another order.
            assert_allclose(found, value, rtol=1e-12, atol=1e-12, err_msg=key)


def assert_same_arrays(a, b):
    (a, mine), (b, their) = a, b
    assert type(mine) is type(their) and str(mine) == str(their)
    if mine is None:
        assert a.dtype == b.dtype
        # As the statistics.
        assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", SCALERS + STRATEGIES)
def test_every_type_and_layout(name, dtype, layout):
    X = LAYOUTS[layout](table(dtype))
    before = X.copy()
    a, b = pair(name)
    assert_same(done(lambda: a.fit(X)), done(lambda: b.fit(X)))
    if dtype != "?" or name not in ("most_frequent", "constant"):  # which refuse them
        assert_same_arrays(done(lambda: a.transform(X)), done(lambda: b.transform(X)))
    a, b = pair(name)
    assert_same_arrays(done(lambda: a.fit_transform(X)), done(lambda: b.fit_transform(X)))
    assert_array_equal(X, before)


@pytest.mark.parametrize("rows", [0, 1, 2, 20_000, 140_000])
@pytest.mark.parametrize("dtype", ["i8", "u1"])
@pytest.mark.parametrize("name", SCALERS + STRATEGIES)
def test_any_number_of_rows(name, dtype, rows):
    X = table(dtype, rows, 3)
    a, b = pair(name)
    assert_same(done(lambda: a.fit(X)), done(lambda: b.fit(X)))
    if rows:
        assert_same_arrays(done(lambda: a.transform(X)), done(lambda: b.transform(X)))


@pytest.mark.parametrize("options", [{}, {"add_indicator": True}, {"copy": False}], ids=str)
@pytest.mark.parametrize("marker", [7, -3, 7.0, 0.5, np.nan, 300])
@pytest.mark.parametrize("dtype", ["i8", "u1", "i4"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_numbers_that_mark_missing_ones(strategy, dtype, marker, options):
    X = table(dtype)
    X[0, 1] = 9  # not all of the column are missing
    a, b = pair(strategy, missing_values=marker, **options)
    assert_same(done(lambda: a.fit(X)), done(lambda: b.fit(X)))
    assert_same_arrays(done(lambda: a.transform(X.copy())), done(lambda: b.transform(X.copy())))


def test_the_most_frequent_of_numbers_that_float64_does_not_hold():
    big = 2**53
    X = np.array([[big, big + 1, big + 1], [3, 4, 4]]).T.repeat(10_000, axis=0)
    for Z in (X, np.asfortranarray(X), X[:30]):
        a, b = pair("most_frequent")
        assert_array_equal(a.fit(Z).statistics_, b.fit(Z).statistics_)
        a, b = pair("most_frequent", missing_values=big + 1)
        assert_array_equal(a.fit(Z).statistics_, b.fit(Z).statistics_)


@pytest.mark.parametrize("fill_value", [None, 3, -3, 300, 2.5, "a"])
@pytest.mark.parametrize("dtype", ["i8", "u1"])
def test_constants_that_a_type_may_not_hold(dtype, fill_value):
    X = table(dtype)
    a, b = pair("constant", missing_values=7, fill_value=fill_value)
    assert_same(done(lambda: a.fit(X)), done(lambda: b.fit(X)))
    if hasattr(b, "statistics_"):
        assert_same_arrays(done(lambda: a.transform(X)), done(lambda: b.transform(X)))


@pytest.mark.parametrize("dtype", ["i8", "u1", "?"])
@pytest.mark.parametrize("name", [*SCALERS, "mean", "median"])
def test_part_by_part(name, dtype):
    X = table(dtype)
    parts, whole = pair(name)[0], pair(name)[0]
    for begin in range(0, 3000, 700):
        parts.partial_fit(X[begin : begin + 700])
    whole.fit(X)
    assert_same((parts, None), (whole, None))


def test_weights():
    X, weights = table("i4"), np.random.RandomState(1).rand(3000)
    a, b = pair("StandardScaler")
    assert_same((a.fit(X, sample_weight=weights), None), (b.fit(X, sample_weight=weights), None))


@pytest.mark.parametrize("name", SCALERS)
def test_there_and_back(name):
    X = table("i4")
    scaler = pair(name)[0].fit(X)
    assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=1e-12, atol=1e-12)


# Constants are scikit-learn's before 1.8.
@pytest.mark.parametrize("name", SCALERS + (STRATEGIES[:3] if other_constants() else STRATEGIES))
def test_the_core_reads_them(name):
    X = table("i4")
    with ferroflow.config(strict=True):
        pair(name)[0].fit(X).transform(X)
