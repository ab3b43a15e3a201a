"""Imputers that look at other columns or rows, and steps that leave rows out, in a frozen model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge

import ferroflow
from ferroflow.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from ferroflow.linear_model import GradientDescentRegressor
from ferroflow.pipeline import DropDuplicates, DropMissing, OutlierRemover, make_pipeline
from ferroflow.preprocessing import StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore:.*Early stopping", "ignore:Skipping features")


def data(rows=150, columns=5, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    X = (rng.randn(rows, columns) @ rng.randn(columns, columns)).astype(dtype)
    X[rng.rand(rows, columns) < 0.15] = np.nan
    X[:, 1] = np.nan
    X[0] = 1
    return X


def assert_same(step, X, new):
    step.fit(X)
    model = ferroflow.freeze(make_pipeline(step).fit(X), X)
    for rows in (X, new):
        expected = step.transform(rows)
        np.testing.assert_array_equal(model.transform(rows), expected.astype(model.transform(rows).dtype))
        one = model.transform(rows[3:4])
        np.testing.assert_array_equal(one, model.transform(rows)[3:4])
    return model


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"add_indicator": True},
        {"keep_empty_features": True},
        {"n_nearest_features": 2, "random_state": 0},
        {"min_value": -1, "max_value": 2, "initial_strategy": "median", "imputation_order": "arabic"},
        {"max_iter": 0},
        {"skip_complete": True},
    ],
    ids=str,
)
def test_iterative(options, dtype):
    X = data(dtype=dtype)
    if "keep_empty_features" not in options:
        X[0, 1] = np.nan
    assert_same(IterativeImputer(**options), X, data(seed=1, dtype=dtype))


def test_iterative_with_a_marker():
    X, new = (np.nan_to_num(data(seed=seed), nan=-9.0) for seed in (0, 1))
    assert_same(IterativeImputer(missing_values=-9), X, new)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "options",
    [{}, {"weights": "distance"}, {"add_indicator": True, "n_neighbors": 200}, {"keep_empty_features": True}],
    ids=str,
)
def test_neighbours(options, dtype):
    X = data(dtype=dtype)
    X[0, 1] = np.nan
    assert_same(KNNImputer(**options), X, data(seed=1, dtype=dtype))


def test_neighbours_with_a_marker_and_equally_near_ones():
    X, new = (np.nan_to_num(data(seed=seed), nan=-9.0) for seed in (0, 1))
    assert_same(KNNImputer(missing_values=-9), X, new)
    rows = np.array([[1.0, 5.0], [1.0, 7.0], [2.0, 9.0], [1.0, np.nan]])
    model = ferroflow.freeze(make_pipeline(KNNImputer(n_neighbors=3)).fit(rows), rows)
    tied = ferroflow.freeze(make_pipeline(KNNImputer(n_neighbors=1)).fit(rows), rows[:3])
    assert model.transform(rows)[3, 1] == 7
    assert tied.transform(rows)[3, 1] == 5  # the first of them


@pytest.mark.parametrize("features", ["all", "missing-only"])
def test_indicators(features):
    frame = pd.DataFrame(data(), columns=list("abcde")).assign(f=np.where(data()[:, 0] > 0, "x", None))
    steps = make_column_transformer(
        (MissingIndicator(features=features), ["a", "b", "f"]), (SimpleImputer(), ["c", "d"])
    ).fit(frame)
    model = ferroflow.freeze(steps, frame)
    np.testing.assert_array_equal(model.transform(frame), steps.transform(frame))


def test_steps_that_leave_rows_out_are_not_there():
    X = data()[:, [0, 2, 3, 4]]
    y = np.nansum(X, axis=1)
    steps = [DropMissing(thresh=2), DropDuplicates(), SimpleImputer(), StandardScaler(), OutlierRemover()]
    pipeline = make_pipeline(*steps, GradientDescentRegressor(random_state=0)).fit(X, y)
    model = ferroflow.freeze(pipeline, X)
    np.testing.assert_array_equal(model.predict(X), pipeline.predict(X))
    frame = pd.DataFrame(X, columns=list("abcd"))
    columns = make_pipeline(DropMissing(axis="columns", thresh=130), SimpleImputer()).fit(frame)
    np.testing.assert_array_equal(ferroflow.freeze(columns, frame).transform(frame), columns.transform(frame))


def test_what_cannot_be_frozen_is_named():
    X = data()[:, [0, 2, 3]]
    for step, words in (
        (IterativeImputer(sample_posterior=True), "draws at random"),
        (IterativeImputer(Ridge()), "the Ridge of this IterativeImputer"),
        (KNNImputer(weights=np.exp), "a KNNImputer with a function"),
    ):
        with pytest.raises(TypeError, match=words):
            ferroflow.freeze(make_pipeline(step).fit(X), X)
