"""Frames are learned from and transformed column by column where they lie: what comes of it is what their arrays give."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn import preprocessing as theirs

import ferroflow.preprocessing as ours
from ferroflow.impute import SimpleImputer

ESTIMATORS = {
    "StandardScaler": ours.StandardScaler,
    "MinMaxScaler": ours.MinMaxScaler,
    "MaxAbsScaler": ours.MaxAbsScaler,
    "RobustScaler": ours.RobustScaler,
    "mean": SimpleImputer,
    "median": lambda: SimpleImputer(strategy="median"),
    "median of a marker": lambda: SimpleImputer(strategy="median", missing_values=0.0),
    "most_frequent": lambda: SimpleImputer(strategy="most_frequent"),
    "constant": lambda: SimpleImputer(strategy="constant", fill_value=2),
}


def values(dtype=np.float64, nan=True):
    rng = np.random.RandomState(0)
    # Few different values, none of which is rounded by a sum: the order of adding does not matter.
    X = rng.randint(-40, 40, size=(9000, 5)).astype(dtype) / 8
    if nan:
        X[rng.rand(*X.shape) < 0.1] = np.nan
    return X


def in_pieces(X):
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    for name, column in zip("cde", X.T[2:], strict=True):
        frame[name] = column
    return frame


def polars(X):
    return pl.DataFrame(X, schema=list("abcde")).fill_nan(None)


def learned(estimator):
    skip = ("feature_names_in_", "_seen", "_sketch", "_fit_dtype")
    return {key: value for key, value in vars(estimator).items() if key.endswith("_") and key not in skip}


def assert_same(a, b):
    a, b = learned(a), learned(b)
    assert a.keys() == b.keys()
    for key, value in a.items():
        if isinstance(value, (np.ndarray, float, int)):
            if np.asarray(value).dtype == object:  # constants
                assert value.tolist() == b[key].tolist()
                continue
            # Moments are merged in other orders.
            assert_allclose(value, b[key], rtol=1e-12, err_msg=key)
            assert np.asarray(value).dtype == np.asarray(b[key]).dtype, key


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("frame", [in_pieces, polars], ids=["pandas", "polars"])
@pytest.mark.parametrize("rows", [1, 77, 9000])
def test_whole_ones(name, frame, rows):
    X = values(nan="marker" not in name)[:rows]
    X[:, 1] = np.arange(rows)  # a column without missing values
    for Z in (X, X[rows // 3 :]):  # bits that begin within a byte
        Z_frame = frame(X)[rows // 3 :] if Z is not X else frame(X)
        of_frame, of_array = ESTIMATORS[name](), ESTIMATORS[name]()
        found, expected = of_frame.fit_transform(Z_frame), of_array.fit_transform(Z)
        assert_same(of_frame, of_array)
        np.testing.assert_array_equal(of_frame.transform(Z_frame), found)
        assert_allclose(found, expected, rtol=1e-12)  # as the statistics


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("frame", [in_pieces, polars], ids=["pandas", "polars"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_parts_as_of_arrays(name, frame, dtype):
    if frame is polars and dtype == np.float32:
        dtype = np.float64  # which scikit-learn makes of it
    X = values(dtype, nan="marker" not in name)
    of_frames, of_arrays = ESTIMATORS[name](), ESTIMATORS[name]()
    for begin, end in ((0, 1), (1, 6000), (6000, 9000)):
        of_frames.partial_fit(frame(X[begin:end]))
        of_arrays.partial_fit(X[begin:end])
    assert of_frames.feature_names_in_.tolist() == list("abcde")
    assert_same(of_frames, of_arrays)


@pytest.mark.parametrize("name", ["StandardScaler", "MinMaxScaler", "MaxAbsScaler"])
def test_as_scikit_learns(name):
    X = values()
    mine, other = getattr(ours, name)(), getattr(theirs, name)()
    weights = {"sample_weight": np.random.RandomState(1).rand(3000)} if name == "StandardScaler" else {}
    for part in np.split(X, 3):
        mine.partial_fit(in_pieces(part), **weights)
        other.partial_fit(in_pieces(part), **weights)
    assert_same(mine, other)


@pytest.mark.parametrize("name", ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "median"])
def test_what_is_refused_leaves_all_as_it_was(name):
    estimator = ESTIMATORS[name]().partial_fit(in_pieces(values()))
    before = learned(estimator)
    infinite = in_pieces(values())
    infinite.iloc[3, 4] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        estimator.partial_fit(infinite)
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.partial_fit(in_pieces(values()).rename(columns={"a": "z"}))
    with pytest.raises(
        ValueError, match=r"X has 4 features, but .* is expecting 5|feature names should match"
    ):
        estimator.partial_fit(in_pieces(values()).drop(columns="e"))
    for key, value in learned(estimator).items():
        assert value is before[key]
