"""A frozen imputer fills with the bits of Python's, also where rows are equally far or miss everything."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import ferroflow
from ferroflow.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from ferroflow.pipeline import make_pipeline

pytestmark = pytest.mark.filterwarnings("ignore")

# Few whole numbers, so that many rows are equally far.
values = st.integers(-2, 2).map(float) | st.floats(-9, 9, width=16) | st.just(np.nan)
tables = arrays(
    st.sampled_from([np.float64, np.float32]),
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
    elements=values,
)


def assert_same_bits(step, X, new):
    pipeline = make_pipeline(step).fit(X)
    model = ferroflow.freeze(pipeline, X)
    for rows in (X, new, new[:1]):
        expected = step.transform(rows)
        np.testing.assert_array_equal(model.transform(rows), expected.astype(model.transform(rows).dtype))


@settings(max_examples=200, deadline=None)
@given(tables, st.data(), st.integers(1, 5), st.sampled_from(["uniform", "distance"]), st.booleans())
def test_neighbours(X, data, n_neighbors, weights, keep_empty_features):
    assume(keep_empty_features or not np.isnan(X).all(axis=0).any())
    new = data.draw(arrays(X.dtype, (4, X.shape[1]), elements=values))
    step = KNNImputer(n_neighbors=n_neighbors, weights=weights, keep_empty_features=keep_empty_features)
    assert_same_bits(step, X, new)


@settings(max_examples=200, deadline=None)
@given(tables, st.data(), st.sampled_from(["mean", "most_frequent"]))
def test_regressions(X, data, initial_strategy):
    assume(not np.isnan(X).all(axis=0).any())
    new = data.draw(arrays(X.dtype, (4, X.shape[1]), elements=values))
    new[0] = np.nan
    assert_same_bits(IterativeImputer(max_iter=2, initial_strategy=initial_strategy), X, new)


@settings(max_examples=200, deadline=None)
@given(tables, st.data(), st.sampled_from([np.nan, -1.0]), st.booleans())
def test_indicators_refuse_what_python_refuses(X, data, missing_values, error_on_new):
    if missing_values == missing_values:
        X = np.nan_to_num(X)
    rows = data.draw(arrays(X.dtype, (4, X.shape[1]), elements=values))
    new = np.nan_to_num(rows) if missing_values == missing_values else rows
    step = MissingIndicator(missing_values=missing_values, error_on_new=error_on_new).fit(X)
    assume(len(step.features_))
    model = ferroflow.freeze(make_pipeline(step), X)
    try:
        expected = step.transform(new)
    except ValueError:
        with pytest.raises(ValueError):
            model.transform(new)
    else:
        np.testing.assert_array_equal(model.transform(new), expected)


def test_indicator_beside_an_imputer():
    X = np.array([[1.0, np.nan, 3.0], [2.0, 5.0, 6.0]])
    model = ferroflow.freeze(make_pipeline(SimpleImputer(add_indicator=True)).fit(X), X)
    assert model.transform(np.array([[np.nan, 1.0, 2.0]])).shape == (1, 4)
