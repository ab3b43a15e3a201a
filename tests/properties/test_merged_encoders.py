"""Encoders fitted on parts, merged, against those fitted on all rows; and what scikit-learn does not have."""

import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import TargetEncoder

from ferroflow import preprocessing as ours

texts = st.text(st.sampled_from("abé"), max_size=2)
objects = st.lists(texts | st.sampled_from([None, np.nan]), min_size=2, max_size=40)
numbers = st.lists(st.integers(-3, 9), min_size=2, max_size=40)
floats = st.lists(st.sampled_from([0.5, 1.5, -2.0, np.nan]), min_size=2, max_size=40)


@st.composite
def tables(draw):
    """Rows of two columns of one kind, in an array or a frame."""
    kind = draw(st.sampled_from(["object", "int", "float", "frame", "category"]))
    values = draw({"int": numbers, "float": floats}.get(kind, objects))
    X = np.empty(
        (len(values), 2), dtype=object if kind in ("object", "frame", "category") else np.array(values).dtype
    )
    X[:, 0], X[:, 1] = values, values[::-1]
    if kind in ("frame", "category"):
        X = pd.DataFrame(X, columns=["a", "b"]).astype("str" if kind == "frame" else "category")
    return X


def same(a, b):
    a, b = (x.toarray() if sparse.issparse(x) else np.asarray(x) for x in (a, b))
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    if a.dtype == object:
        there = ~pd.isna(a)
        assert_array_equal(there, ~pd.isna(b))
        a, b = a[there], b[there]
    assert_array_equal(a, b)


ENCODERS = [
    ours.OneHotEncoder(),
    ours.OneHotEncoder(min_frequency=2, sparse_output=False),
    ours.OneHotEncoder(max_categories=3, drop="first", handle_unknown="ignore"),
    ours.OrdinalEncoder(encoded_missing_value=-2),
    ours.OrdinalEncoder(
        min_frequency=0.2, handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    ),
    ours.FrequencyEncoder(),
    ours.FrequencyEncoder(normalize=False, dtype=np.int32, unknown_value=-1),
    ours.RareCategoryGrouper(min_frequency=2),
    ours.RareCategoryGrouper(min_frequency=0.2, max_categories=3, other="?", other_number=-9),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_fits_of_parts_merge(encoder, X, data):
    a, b = sorted(data.draw(st.tuples(st.integers(1, len(X) - 1), st.integers(1, len(X) - 1))))
    whole = clone(encoder).fit(X)
    merged = clone(encoder).fit(X[:a]).merge(clone(encoder).fit(X[a:]))
    blocks = clone(encoder)
    for part in (X[:a], X[a:b], X[b:]):
        if len(part):
            blocks.partial_fit(part)
    for other in (merged, blocks):
        for mine, theirs in zip(other.categories_, whole.categories_, strict=True):
            same(mine, theirs)
        same(other.transform(X), whole.transform(X))
        assert list(other.get_feature_names_out()) == list(whole.get_feature_names_out())
        if hasattr(whole, "counts_"):
            for mine, theirs in zip(other.counts_, whole.counts_, strict=True):
                assert_array_equal(mine, theirs)


targets = {
    "binary": st.integers(0, 1),
    "classes": st.integers(0, 2),
    "texts": st.sampled_from(["no", "yes", "é"]),
    "numbers": st.floats(-100, 100).map(lambda v: v + 0.25),
}


@pytest.mark.parametrize("kind", targets)
@pytest.mark.parametrize("smooth", ["auto", 2.0])
@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_target_encoders_agree_and_merge(kind, smooth, X, data):
    values = data.draw(st.lists(targets[kind], min_size=len(X), max_size=len(X)))
    y = np.array(values, dtype=object if kind == "texts" else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, theirs = ours.TargetEncoder(smooth=smooth).fit(X, y), TargetEncoder(smooth=smooth).fit(X, y)
        cut = data.draw(st.integers(1, len(X) - 1))
        merged = ours.TargetEncoder(smooth=smooth).fit(X[:cut], y[:cut]).partial_fit(X[cut:], y[cut:])
    for mine, yours in zip(whole.encodings_, theirs.encodings_, strict=True):
        assert_allclose(mine, yours, rtol=1e-9, atol=1e-9)
    assert merged.target_type_ == whole.target_type_
    assert_allclose(merged.transform(X), whole.transform(X), rtol=1e-9, atol=1e-9)
    assert_allclose(whole.transform(X), theirs.transform(X), rtol=1e-9, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_frequencies_are_counts(X, data):
    cut = data.draw(st.integers(1, len(X)))
    out = ours.FrequencyEncoder(normalize=False).fit(X[:cut]).transform(X)
    for j in range(2):
        counts = Counter(keys(X, j)[:cut])
        assert out[:, j].tolist() == [counts[key] for key in keys(X, j)]


@settings(max_examples=200, deadline=None)
@given(tables(), st.integers(1, 4))
def test_what_is_rare_is_replaced_and_what_is_missing_is_not(X, least):
    out = ours.RareCategoryGrouper(min_frequency=least).fit_transform(X)
    for j in range(2):
        counts = Counter(keys(X, j))
        for key, got in zip(keys(X, j), out[:, j], strict=True):
            if key in ("None", "NaN"):
                assert pd.isna(got)
            elif counts[key] >= least:
                assert got == key[0]
            else:
                assert pd.isna(got) if isinstance(key[0], int | float) else got == "other"


def keys(X, j):
    """The values of a column as what can be counted."""
    values = X.iloc[:, j].tolist() if isinstance(X, pd.DataFrame) else X[:, j].tolist()
    return ["None" if v is None else "NaN" if v != v else (v,) for v in values]
