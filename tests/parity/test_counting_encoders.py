"""FrequencyEncoder and RareCategoryGrouper, and how encoders are merged: cases by name."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow import preprocessing as ours

TEXTS = ["oak", "ash", "oak", "elm", "oak", "ash"]
CONTAINERS = {
    "objects": np.array(TEXTS, dtype=object)[:, None],
    "unicode": np.array(TEXTS)[:, None],
    "StringDType": np.array(TEXTS, dtype=np.dtypes.StringDType())[:, None],
    "str": pd.DataFrame({"tree": pd.Series(TEXTS, dtype="str")}),
    "category": pd.DataFrame({"tree": pd.Categorical(TEXTS, categories=["elm", "fir", "ash", "oak"])}),
    "polars": pl.DataFrame({"tree": TEXTS}),
    "polars categorical": pl.DataFrame({"tree": pl.Series(TEXTS, dtype=pl.Categorical)}),
    "polars enum": pl.DataFrame({"tree": pl.Series(TEXTS, dtype=pl.Enum(["fir", "oak", "elm", "ash"]))}),
    "pyarrow": pa.table({"tree": pa.array(TEXTS).dictionary_encode()}),
}
NUMBERS = {
    "int": np.array([3, 1, 3, 2, 3, 1]),
    "float": np.array([0.3, 0.1, 0.3, 0.2, 0.3, 0.1]),
    "bool": np.array([True, False, True, True, True, False]),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_texts_in_every_container(kind):
    X = CONTAINERS[kind]
    with ferroflow.config(strict=True):
        assert_array_equal(ours.FrequencyEncoder(normalize=False).fit_transform(X)[:, 0], [3, 2, 3, 1, 3, 2])
        assert_array_equal(
            ours.FrequencyEncoder().fit(X).transform(X)[:, 0], np.array([3, 2, 3, 1, 3, 2]) / 6
        )
        grouped = ours.RareCategoryGrouper(min_frequency=2).fit(X).transform(X)[:, 0]
    assert grouped.tolist() == ["oak", "ash", "oak", "other", "oak", "ash"]


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers(kind):
    X = NUMBERS[kind][:, None]
    with ferroflow.config(strict=True):
        encoder = ours.FrequencyEncoder(normalize=False).fit(X)
        grouper = ours.RareCategoryGrouper(min_frequency=3, other_number=-1).fit(X)
        counts = {value: int(n) for value, n in zip(encoder.categories_[0], encoder.counts_[0], strict=True)}
        assert encoder.transform(X)[:, 0].tolist() == [counts[v] for v in X[:, 0]]
        assert grouper.transform(X)[:, 0].tolist() == [v if counts[v] >= 3 else -1 for v in X[:, 0]]


def test_unknown_categories():
    X, Z = np.array([["a"], ["b"], ["a"]], dtype=object), np.array([["q"], [None], ["b"]], dtype=object)
    assert_array_equal(ours.FrequencyEncoder(unknown_value=-1).fit(X).transform(Z)[:, 0], [-1, -1, 1 / 3])
    with pytest.raises(ValueError, match="unknown categories"):
        ours.FrequencyEncoder(handle_unknown="error").fit(X).transform(Z)
    assert ours.RareCategoryGrouper().fit(X).transform(Z)[:, 0].tolist() == ["other", None, "b"]


def test_missing_values_stay():
    X = np.array([["a"], ["b"], ["a"], [None], [np.nan], ["c"]], dtype=object)
    out = ours.RareCategoryGrouper(min_frequency=2).fit(X).transform(X)[:, 0]
    assert out[3] is None
    assert np.isnan(out[4])
    assert [out[0], out[1], out[5]] == ["a", "other", "other"]
    assert_array_equal(ours.FrequencyEncoder(normalize=False).fit_transform(X)[:, 0], [2, 1, 2, 1, 1, 1])


def test_missing_values_that_were_not_there_stay_too():
    X = np.array([[1.5, 1], [2.5, 1], [1.5, 2]])
    Z = np.array([[np.nan, 1], [9.0, np.nan]])
    out = ours.RareCategoryGrouper(min_frequency=2, other_number=-1).fit(X).transform(Z)
    assert_array_equal(out, [[np.nan, 1], [-1, np.nan]])
    whole = pd.DataFrame({"a": [1, 2, 1]})
    out = ours.RareCategoryGrouper(other_number=-1).fit(whole).transform(pd.DataFrame({"a": [1, np.nan, 7]}))
    assert_array_equal(out[:, 0], [1, np.nan, -1])
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])})
    other = pd.DataFrame({"a": pd.Categorical(["x", None, "z"])})
    out = ours.RareCategoryGrouper().fit(frame).transform(other)[:, 0]
    assert out[0] == "x"
    assert pd.isna(out[1])
    assert out[2] == "other"
    mixed, more = np.array([[1], [2], [1]], dtype=object), np.array([[None], [3], [1]], dtype=object)
    assert ours.RareCategoryGrouper(min_frequency=2).fit(mixed).transform(more)[:, 0].tolist() == [
        None,
        "other",
        1,
    ]


def test_what_the_core_does_not_read_is_encoded_too():
    X = np.array([["2020-01-01"], ["2019-01-01"], ["2020-01-01"]], dtype="datetime64[D]")
    assert_array_equal(ours.FrequencyEncoder(normalize=False).fit_transform(X)[:, 0], [2, 1, 2])
    mixed = np.array([[1], [2], [1]], dtype=object)
    assert_array_equal(ours.FrequencyEncoder(normalize=False).fit_transform(mixed)[:, 0], [2, 1, 2])
    assert ours.RareCategoryGrouper(min_frequency=2).fit_transform(mixed)[:, 0].tolist() == [1, "other", 1]


def test_most_categories():
    X = np.array([["a"]] * 4 + [["b"]] * 3 + [["c"]] * 2 + [["d"]], dtype=object)
    grouper = ours.RareCategoryGrouper(min_frequency=None, max_categories=3).fit(X)
    assert_array_equal(grouper.rare_categories_[0], ["c", "d"])


def test_given_categories():
    X = np.array([["a"], ["b"], ["a"], ["c"]], dtype=object)
    encoder = ours.FrequencyEncoder(categories=[["c", "a", "never"]], normalize=False).fit(X)
    assert_array_equal(encoder.counts_[0], [1, 2, 0])
    assert_array_equal(encoder.transform(X)[:, 0], [2, 0, 2, 1])


def test_names_and_containers_of_results():
    frame = pd.DataFrame({"tree": TEXTS, "age": [3, 1, 3, 2, 3, 1]}, index=range(10, 16))
    out = ours.FrequencyEncoder().set_output(transform="pandas").fit_transform(frame)
    assert list(out.columns) == ["tree", "age"]
    assert list(out.index) == list(frame.index)
    out = ours.RareCategoryGrouper(min_frequency=2).set_output(transform="pandas").fit_transform(frame)
    assert list(out["tree"]) == ["oak", "ash", "oak", "other", "oak", "ash"]
    with pytest.raises(ValueError, match="feature names"):
        ours.FrequencyEncoder().fit(frame).transform(frame.rename(columns={"tree": "wood"}))


def test_pickles_and_pipelines():
    frame = pd.DataFrame({"tree": TEXTS * 5, "age": list(range(30))})
    y = [0, 1, 0, 1, 0, 1] * 5
    columns = make_column_transformer(
        (make_pipeline(ours.RareCategoryGrouper(min_frequency=6), ours.OneHotEncoder()), ["tree"]),
        (ours.FrequencyEncoder(), ["tree"]),
        remainder="passthrough",
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


def test_many_rows_on_threads():
    rng = np.random.RandomState(0)
    X = np.array([f"k{i}" for i in range(5000)], dtype=object)[rng.randint(0, 5000, (1_000_000, 1))]
    made = []
    for threads in (1, 2, 7):
        with threadpool_limits(threads):
            made.append(ours.FrequencyEncoder().fit(X).transform(X))
    assert_array_equal(made[0], made[1])
    assert_array_equal(made[0], made[2])


def test_what_does_not_fit_together_is_not_merged():
    a = ours.OneHotEncoder().fit([["a"], ["b"]])
    with pytest.raises(ValueError, match="1 and 2 features"):
        a.merge(ours.OneHotEncoder().fit([["a", "b"]]))
    with pytest.raises(TypeError, match="OneHotEncoder and a OrdinalEncoder"):
        a.merge(ours.OrdinalEncoder().fit([["a"]]))
    with pytest.raises(ValueError, match="types"):
        a.merge(ours.OneHotEncoder().fit([[1], [2]]))
    with pytest.raises(ValueError, match="other names"):
        ours.OneHotEncoder().fit(pd.DataFrame({"a": ["x"]})).merge(
            ours.OneHotEncoder().fit(pd.DataFrame({"b": ["x"]}))
        )
    with pytest.raises(ValueError, match="not counted"):
        ours.OneHotEncoder(min_frequency=2).fit([["a"]]).merge(a)
    # A failed merge leaves the encoder as it was.
    assert_array_equal(a.transform([["b"]]).toarray(), [[0, 1]])


def test_a_code_that_merging_makes_a_category_of_is_refused():
    options = {"handle_unknown": "use_encoded_value", "unknown_value": 2}
    a = ours.OrdinalEncoder(**options).fit([["a"], ["b"]])
    with pytest.raises(ValueError, match="already used"):
        a.merge(ours.OrdinalEncoder(**options).fit([["a"], ["c"]]))


def test_dropped_categories_need_not_be_in_each_block():
    encoder = ours.OneHotEncoder(drop=["b"]).fit([["a"], ["b"]])
    encoder.partial_fit([["c"]])
    assert_array_equal(encoder.transform([["c"], ["b"]]).toarray(), [[0, 1], [0, 0]])
