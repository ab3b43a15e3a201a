"""Frames go into scalers and imputers column by column, without a table made of them: the same bits, names and container."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import impute as their_impute
from sklearn import preprocessing as theirs

from ferroflow import impute as our_impute
from ferroflow import preprocessing as ours

pytestmark = pytest.mark.filterwarnings("ignore")

finite = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1.0, 1e-30])
tables = arrays(
    st.sampled_from([np.float64, np.float32]),
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=finite | st.just(np.nan),
)
KINDS = [
    "pandas by row",
    "pandas by column",
    "pandas apart",
    "numbered",
    "two types",
    "polars",
    "polars pieces",
]


def frame_of(X, kind):
    names = [f"c{j}" for j in range(X.shape[1])]
    if kind.startswith("polars"):
        frame = pl.DataFrame(X, schema=names, orient="row")
        half = len(X) // 2
        pieces = kind.endswith("pieces") and half
        return pl.concat([frame[:half], frame[half:]], rechunk=False) if pieces else frame.fill_nan(None)
    if kind == "pandas apart":
        return pd.DataFrame({name: X[:, j].copy() for j, name in enumerate(names)}, copy=False)
    if kind == "pandas by column":
        return pd.DataFrame(np.asfortranarray(X), columns=names)
    if kind == "two types":
        return pd.DataFrame(X, columns=names).astype({names[0]: np.float64})
    return pd.DataFrame(X) if kind == "numbered" else pd.DataFrame(X, columns=names)


@settings(max_examples=200, deadline=None)
@given(
    tables,
    st.sampled_from(KINDS),
    st.sampled_from(
        [
            ("StandardScaler", {}),
            ("StandardScaler", {"with_mean": False}),
            ("MinMaxScaler", {"clip": True}),
            ("MaxAbsScaler", {}),
            ("RobustScaler", {"quantile_range": (5, 80.5)}),
        ]
    ),
    st.sampled_from(["default", "pandas", "polars"]),
)
def test_frames(X, kind, case, container):
    name, options = case
    X = frame_of(X, kind)
    a, b = (getattr(module, name)(**options).set_output(transform=container) for module in (ours, theirs))
    # StandardScaler sums in another order.
    compare(a, b, X, container, exact=name != "StandardScaler")


@settings(max_examples=300, deadline=None)
@given(
    tables,
    st.sampled_from(KINDS),
    st.sampled_from(["mean", "median", "most_frequent", "constant"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["default", "pandas", "polars"]),
)
def test_imputed_frames(X, kind, strategy, add_indicator, keep_empty_features, container):
    X = frame_of(X, kind)
    options = {
        "strategy": strategy,
        "add_indicator": add_indicator,
        "keep_empty_features": keep_empty_features,
    }
    a, b = (
        module.SimpleImputer(**options).set_output(transform=container)
        for module in (our_impute, their_impute)
    )
    compare(a, b, X, container, exact=strategy != "mean")


@pytest.mark.parametrize("rows", [7, 3_000, 70_000])
@pytest.mark.parametrize("width", [2, 5])
def test_large_frames_with_missing_values(rows, width):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, width))
    X[rng.random(X.shape) < 0.2] = np.nan
    names = [f"c{j}" for j in range(width)]
    whole = pl.DataFrame(X, schema=names).fill_nan(None)
    for frame, part in ((whole, X), (whole[3:], X[3:])):  # whose bits begin within a byte
        a = our_impute.SimpleImputer().set_output(transform="polars")
        out = a.fit_transform(frame)
        assert_allclose(a.statistics_, np.nanmean(part, axis=0), rtol=1e-10, atol=1e-12)
        assert_array_equal(out.to_numpy(), np.where(np.isnan(part), a.statistics_, part))
        assert out.columns == names
        assert_array_equal(frame.null_count().row(0), np.isnan(part).sum(axis=0))


def test_infinities_in_frames_are_refused():
    frame = pl.DataFrame({"a": [1.0, None, 2.0], "b": [1.0, float("inf"), 2.0]})
    with pytest.raises(ValueError, match="Input X contains infinity"):
        our_impute.SimpleImputer().fit(frame)
    fitted = our_impute.SimpleImputer().fit(frame.with_columns(b=pl.col("a")))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        fitted.transform(frame)
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame.rename({"a": "c"}))


def compare(a, b, X, container, exact):
    mine, other = a.fit_transform(X), b.fit_transform(X)
    assert type(mine) is type(other)
    assert_array_equal(getattr(a, "feature_names_in_", None), getattr(b, "feature_names_in_", None))
    assert a.n_features_in_ == b.n_features_in_
    if container != "default":
        assert list(mine.columns) == list(other.columns)
        mine, other = np.asarray(mine), np.asarray(other)
    assert mine.dtype == other.dtype
    rtol = 0 if exact else 1e-9 if mine.dtype == np.float64 else 1e-4
    assert_allclose(mine, other, rtol=rtol, atol=rtol)
    assert_array_equal(np.asarray(a.transform(X)), mine)
