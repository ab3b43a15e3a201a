"""Transformers of transformers, of rows and of functions that learn part by part, against those fitted on all rows."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA

from ferroflow.compose import ColumnTransformer
from ferroflow.impute import IterativeImputer, SimpleImputer
from ferroflow.pipeline import DropMissing
from ferroflow.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

ROWS = 60


def table(seed, kinds, container):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, ROWS),
            "fare": np.where(rng.random(ROWS) < 0.2, np.nan, rng.integers(0, 9, ROWS)),
            "town": [f"town {k}" for k in rng.integers(0, kinds, ROWS)],
            "sort": rng.choice(["a", "b"], ROWS),
            "more": rng.integers(0, 3, ROWS).astype(float),
        }
    )
    return pl.DataFrame(frame).with_columns(pl.col("fare").fill_nan(None)) if container == "polars" else frame


def transformer(median, remainder, sparse_threshold):
    return ColumnTransformer(
        [
            ("scaled", StandardScaler(), ["age"]),
            ("filled", SimpleImputer(strategy="median" if median else "most_frequent"), ["fare"]),
            ("kinds", OneHotEncoder(handle_unknown="ignore"), ["town", "sort"]),
            ("numbered", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["sort"]),
            ("nothing", StandardScaler(), []),
            ("left", "drop", ["sort"]),
        ],
        remainder=remainder,
        sparse_threshold=sparse_threshold,
    )


def rows(X, begin, end):
    return X[begin:end] if isinstance(X, pl.DataFrame) else X.iloc[begin:end]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(1, 30),
    st.integers(1, ROWS - 1),
    st.booleans(),
    st.sampled_from(["drop", "passthrough"]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from(["pandas", "polars"]),
)
def test_column_transformers(seed, kinds, cut, median, remainder, sparse_threshold, container):
    X = table(seed, kinds, container)
    blank = transformer(median, remainder, sparse_threshold)
    whole = clone(blank).fit(X)
    a, b = rows(X, 0, cut), rows(X, cut, ROWS)
    by_parts = clone(blank).partial_fit(a).partial_fit(b)
    merged = clone(blank).partial_fit(a)
    assert merged.transform(a).shape[0] == cut  # what it makes of a part is not kept
    assert merged.merge(clone(blank).partial_fit(b)) is merged
    expected = whole.transform(X)
    for other in (by_parts, merged):
        assert other.sparse_output_ == whole.sparse_output_
        assert other.output_indices_ == whole.output_indices_
        assert_array_equal(other.get_feature_names_out(), whole.get_feature_names_out())
        found = other.transform(X)
        assert type(found) is type(expected)
        if sparse.issparse(expected):
            found, both = found.toarray(), expected.toarray()
        else:
            both = expected
        # Sums of squares that are added up part by part end in other last bits.
        assert_allclose(found, both, rtol=1e-12, atol=1e-12)


def test_column_transformers_say_what_cannot_be():
    X = table(0, 5, "pandas")
    with pytest.raises(TypeError, match="'parts' is a PCA, which has no partial_fit"):
        ColumnTransformer([("parts", PCA(1), ["age", "more"])]).partial_fit(X)
    one = ColumnTransformer([("scaled", StandardScaler(), ["age"])]).fit(X)
    with pytest.raises(ValueError, match="other steps"):
        one.merge(ColumnTransformer([("scaled", OrdinalEncoder(), ["age"])]).fit(X))
    with pytest.raises(ValueError, match="feature names should match"):
        one.partial_fit(X.rename(columns={"age": "years"}))
    with pytest.raises(ValueError, match="Cannot merge column transformers of 5 and 4 features"):
        one.merge(clone(one).fit(X.drop(columns="more")))
    assert one.merge(clone(one).fit(X)).transform(X).shape == (ROWS, 1)


@pytest.mark.parametrize("first", [True, False])
def test_an_error_leaves_column_transformers_as_they_were(first):
    X = table(0, 5, "pandas")
    bad = X.assign(more="no number")
    one = ColumnTransformer([("a", StandardScaler(), ["age"]), ("b", StandardScaler(), ["more"])])
    if not first:
        one.partial_fit(X)
    with pytest.raises(ValueError, match="could not convert string to float"):
        one.partial_fit(bad)
    one.partial_fit(X)
    assert one.named_transformers_["a"].n_samples_seen_ == ROWS * (1 if first else 2)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(1, ROWS - 1),
    st.sampled_from(["ascending", "random"]),
    st.booleans(),
    st.sampled_from([np.float64, np.float32]),
)
def test_iterative_imputers(seed, cut, imputation_order, sample_posterior, dtype):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(ROWS, 4)) @ rng.normal(size=(4, 4))).astype(dtype)
    X[rng.random(X.shape) < 0.2] = np.nan
    blank = IterativeImputer(
        max_iter=2,
        tol=0,
        imputation_order=imputation_order,
        sample_posterior=sample_posterior,
        random_state=0,
        keep_empty_features=True,
    )
    whole = clone(blank).fit(X)
    by_parts = clone(blank).partial_fit(X[:cut]).partial_fit(X[cut:])
    other = clone(blank).partial_fit(X[cut:])
    merged = clone(blank).partial_fit(X[:cut])
    assert merged.merge(other) is merged
    expected = whole.transform(X)
    for one in (by_parts, merged):
        assert_array_equal(one.transform(X), expected)
        assert vars(one).keys() - {"_rows"} == vars(whole).keys()


def test_iterative_imputers_keep_names_and_say_what_is_lost():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=["a", "b", "c"])
    X.iloc[::4, 1] = np.nan
    parts = IterativeImputer().partial_fit(X[:10]).partial_fit(X[10:])
    assert list(parts.feature_names_in_) == ["a", "b", "c"]
    before = parts.transform(X)
    with pytest.raises(ValueError, match="features"):
        parts.partial_fit(X.to_numpy()[:, :2])
    assert_array_equal(parts.transform(X), before)
    with pytest.raises(ValueError, match="learned by fit, which keeps no rows"):
        parts.merge(IterativeImputer().fit(X))
    with pytest.raises(ValueError, match="learned by fit, which keeps no rows"):
        parts.fit(X).merge(IterativeImputer().partial_fit(X))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(1, ROWS - 1),
    st.sampled_from([{"how": "any"}, {"how": "all"}, {"thresh": 50}, {"how": "any", "subset": [0, 2]}]),
    st.sampled_from(["array", "frame", "sparse"]),
)
def test_columns_with_missing_values(seed, cut, options, container):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 4, size=(ROWS, 5)).astype(float)
    X[rng.random(X.shape) < [0, 0.02, 0.1, 0.9, 1]] = np.nan
    X = {"array": np.asarray, "frame": pd.DataFrame, "sparse": sparse.csr_array}[container](X)
    a, b = (X.iloc[:cut], X.iloc[cut:]) if container == "frame" else (X[:cut], X[cut:])
    blank = DropMissing(axis="columns", **options)
    whole = clone(blank).fit(X)
    merged = clone(blank).fit(a)
    assert merged.merge(clone(blank).fit(b)) is merged
    for one in (merged, clone(blank).partial_fit(a).partial_fit(b)):
        assert_array_equal(one.features_, whole.features_)
        assert one.transform(X).shape == whole.transform(X).shape


def test_row_filters_do_not_learn_part_by_part():
    assert not hasattr(DropMissing(), "partial_fit")
    assert not hasattr(DropMissing(), "merge")
    with pytest.raises(ValueError, match="Cannot merge steps of 2 and 1 features"):
        DropMissing(axis="columns").fit(np.ones((2, 2))).merge(
            DropMissing(axis="columns").fit(np.ones((2, 1)))
        )


def test_functions():
    X = np.arange(6.0).reshape(3, 2)
    one = FunctionTransformer(np.sqrt, validate=True).partial_fit(X).partial_fit(X[:1])
    assert_array_equal(one.merge(FunctionTransformer(np.sqrt, validate=True).fit(X)).transform(X), np.sqrt(X))
    with pytest.raises(ValueError, match="features"):
        one.partial_fit(X[:, :1])
    with pytest.raises(ValueError, match="Cannot merge transformers of 2 and 1 features"):
        one.merge(FunctionTransformer(np.sqrt, validate=True).fit(X[:, :1]))
