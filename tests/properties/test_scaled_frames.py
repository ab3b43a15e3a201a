"""Frames go into the scalers column by column, without a table made of them: the same bits and the same container."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import preprocessing as theirs

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
    mine, other = a.fit_transform(X), b.fit_transform(X)
    assert type(mine) is type(other)
    assert_array_equal(getattr(a, "feature_names_in_", None), getattr(b, "feature_names_in_", None))
    assert a.n_features_in_ == b.n_features_in_
    if container != "default":
        assert list(mine.columns) == list(other.columns)
        mine, other = np.asarray(mine), np.asarray(other)
    assert mine.dtype == other.dtype
    # StandardScaler sums in another order.
    rtol = 0 if name != "StandardScaler" else 1e-9 if mine.dtype == np.float64 else 1e-4
    assert_allclose(mine, other, rtol=rtol, atol=rtol)
    assert_array_equal(np.asarray(a.transform(X)), mine)
