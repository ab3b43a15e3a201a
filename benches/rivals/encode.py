"""Encoders against the libraries that encode too."""

import warnings

import category_encoders as ce
import numpy as np
import pandas as pd
import polars as pl
import rsklearn.preprocessing as rsklearn
import thermite.preprocessing as thermite
from feature_engine import encoding as feature_engine

from ferroflow.preprocessing import (
    FrequencyEncoder,
    LabelEncoder,
    OneHotEncoder,
    OrdinalEncoder,
    RareCategoryGrouper,
    TargetEncoder,
)
from harness import Case

M = 1_000_000

# feature-engine tries texts as dates first, and pandas says that it guesses.
warnings.filterwarnings("ignore", "Could not infer format")


def column(rows, kinds):
    words = np.array([f"category {k:06}" for k in range(kinds)], dtype=object)
    return words[np.random.RandomState(0).randint(kinds, size=rows)]


def values(codes):
    if hasattr(codes, "toarray"):
        codes = codes.toarray()
    return np.asarray(codes).astype(float)


def equal(mine, theirs):
    np.testing.assert_array_equal(values(mine).ravel(), values(theirs).ravel())


def equal_tables(mine, theirs):
    """The same ones, in whatever order the columns stand."""
    mine, theirs = values(mine), values(theirs)
    assert mine.shape == theirs.shape
    order = [np.argsort(table.argmax(axis=0)) for table in (mine, theirs)]
    np.testing.assert_array_equal(mine[:, order[0]], theirs[:, order[1]])


def one_to_one(mine, theirs):
    """The same codes by another order of the categories."""
    pairs = np.unique(np.column_stack([values(mine).ravel(), values(theirs).ravel()]), axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1]))


def close(mine, theirs):
    """Shares of rows, one division each."""
    np.testing.assert_allclose(values(mine).ravel(), values(theirs).ravel(), rtol=1e-15)


def objects(mine, theirs, rows, kinds):
    X = column(rows, kinds).reshape(-1, 1)
    return lambda: mine().fit_transform(X), lambda: theirs().fit_transform(X)


def labels(mine, theirs, rows, kinds):
    y = column(rows, kinds)
    return lambda: mine().fit_transform(y), lambda: theirs().fit_transform(y)


def frames(mine, theirs, rows, kinds):
    X = pd.DataFrame({"a": column(rows, kinds)}, dtype=object)
    return lambda: mine().fit_transform(X), lambda: theirs().fit_transform(X)


def expressions(mine, theirs, rows, kinds):
    X = pl.DataFrame({"a": column(rows, kinds)}, schema={"a": pl.String})
    return lambda: mine().fit_transform(X), lambda: theirs(X)


def targets(mine, theirs, rows, kinds):
    X = pd.DataFrame({"a": column(rows, kinds)}, dtype=object)
    y = np.random.RandomState(1).randn(rows)
    return lambda: mine().fit(X, y).transform(X), lambda: theirs().fit(X, y).transform(X)


def means():
    return TargetEncoder(smooth=0, target_type="continuous")


def near(mine, theirs):
    """Means of values of size 1, summed in another order."""
    np.testing.assert_allclose(values(mine).ravel(), values(theirs).ravel(), rtol=1e-9, atol=1e-9)


def dense_one_hot():
    return OneHotEncoder(sparse_output=False, dtype=np.uint8)


def their_frequencies():
    return feature_engine.CountFrequencyEncoder(encoding_method="frequency")


def their_counts():
    return ce.CountEncoder(normalize=True)


def rare():
    return RareCategoryGrouper(min_frequency=0.09, other="Rare")


def their_rare():
    return feature_engine.RareLabelEncoder(tol=0.09, n_categories=1)


def equal_texts(mine, theirs):
    np.testing.assert_array_equal(np.asarray(mine).ravel(), np.asarray(theirs).ravel())


def their_ordinals():
    return feature_engine.OrdinalEncoder(encoding_method="arbitrary")


def sorted_codes(X):
    return X.select(pl.col("a").rank("dense") - 1)


def shares(X):
    return X.select(pl.len().over("a") / pl.len())


def physical(X):
    return X.select(pl.col("a").cast(pl.Categorical).to_physical())


PAIRS = [
    ("rsklearn: OrdinalEncoder objects", objects, OrdinalEncoder, rsklearn.OrdinalEncoder, equal),
    ("rsklearn: OneHotEncoder objects", objects, OneHotEncoder, rsklearn.OneHotEncoder, equal_tables),
    ("rsklearn: LabelEncoder objects", labels, LabelEncoder, rsklearn.LabelEncoder, equal),
    ("thermite: OneHotEncoder objects", objects, OneHotEncoder, thermite.OneHotEncoder, equal_tables),
    ("thermite: LabelEncoder objects", labels, LabelEncoder, thermite.LabelEncoder, equal),
    ("category-encoders: OrdinalEncoder objects", frames, OrdinalEncoder, ce.OrdinalEncoder, one_to_one),
    ("category-encoders: OneHotEncoder objects", frames, dense_one_hot, ce.OneHotEncoder, equal_tables),
    ("feature-engine: OrdinalEncoder objects", frames, OrdinalEncoder, their_ordinals, one_to_one),
    ("feature-engine: FrequencyEncoder objects", frames, FrequencyEncoder, their_frequencies, close),
    ("category-encoders: FrequencyEncoder objects", frames, FrequencyEncoder, their_counts, close),
    ("feature-engine: RareCategoryGrouper objects", frames, rare, their_rare, equal_texts),
    ("feature-engine: TargetEncoder objects", targets, means, feature_engine.MeanEncoder, near),
    (
        "feature-engine: OneHotEncoder objects",
        frames,
        dense_one_hot,
        feature_engine.OneHotEncoder,
        equal_tables,
    ),
    ("polars: OrdinalEncoder sorted codes", expressions, OrdinalEncoder, sorted_codes, equal),
    ("polars: OrdinalEncoder any codes", expressions, OrdinalEncoder, physical, one_to_one),
    ("polars: OneHotEncoder dense", expressions, dense_one_hot, pl.DataFrame.to_dummies, equal_tables),
    ("polars: FrequencyEncoder", expressions, FrequencyEncoder, shares, close),
]

CASES = [
    Case(
        f"{row} {size}, {kinds} kinds",
        lambda act=act, a=mine, b=theirs, r=rows, k=kinds: act(a, b, r, k),
        same,
    )
    for row, act, mine, theirs, same in PAIRS
    for size, rows, kinds in (("1000", 1_000, 10), ("1M", M, 10), ("1M", M, 1_000))
    # A table of a billion cells is nobody's choice.
    if not (kinds == 1_000 and same is equal_tables)
]
