import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow import preprocessing as ours

texts = st.text(st.sampled_from("ab\x00é\U00010000"), max_size=10) | st.text(max_size=3)
objects = st.lists(texts | st.sampled_from([None, np.nan]) | st.just("same"), min_size=1, max_size=60)
numbers = st.sampled_from([np.int8, np.int64, np.uint16, np.uint64, np.float32, np.float64, bool]).flatmap(
    lambda dtype: arrays(
        dtype,
        st.integers(1, 60),
        elements=st.floats(-3, 3, width=32) | st.just(np.nan) if np.dtype(dtype).kind == "f" else None,
    )
)


@st.composite
def tables(draw):
    """Rows to fit and rows to transform, of one kind: objects, numbers, or a frame's column."""
    if draw(st.booleans()):
        X = draw(numbers)
        X = X + 0 if X.dtype.kind == "f" else X  # zeros of one sign
        cut = draw(st.integers(1, len(X)))
        return X[:cut, None], X[:, None]
    values = np.empty((len(draw(st.shared(objects, key="x"))), 1), dtype=object)
    values[:, 0] = draw(st.shared(objects, key="x"))
    cut = draw(st.integers(1, len(values)))
    kind = draw(st.sampled_from(["object", "str", "category"]))
    if kind == "object":
        return values[:cut], values
    frame = pd.DataFrame({"a": pd.Series(values[:, 0], dtype=kind)})
    return frame[:cut], frame


def same(a, b):
    if sparse.issparse(b):
        assert (a.shape, a.dtype, a.indices.dtype) == (b.shape, b.dtype, b.indices.dtype)
        assert_array_equal(a.indices, b.indices)
        assert_array_equal(a.indptr, b.indptr)
        assert_array_equal(a.data, b.data)
    else:
        assert a.dtype == b.dtype
        if a.dtype == object:
            assert [type(v) for v in a] == [type(v) for v in b]
            a, b = a[~pd.isna(a)], b[~pd.isna(b)]
        assert_array_equal(a, b)


OPTIONS = [
    ("OneHotEncoder", {"handle_unknown": "ignore"}),
    ("OneHotEncoder", {"handle_unknown": "infrequent_if_exist", "min_frequency": 2, "sparse_output": False}),
    ("OneHotEncoder", {"handle_unknown": "warn", "drop": "first", "dtype": np.int8}),
    ("OrdinalEncoder", {"handle_unknown": "use_encoded_value", "unknown_value": -1}),
    (
        "OrdinalEncoder",
        {
            "handle_unknown": "use_encoded_value",
            "unknown_value": -1,
            "encoded_missing_value": -2,
            "max_categories": 3,
            "dtype": np.int32,
        },
    ),
]


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=[str(i) for i in range(len(OPTIONS))])
@settings(max_examples=200, deadline=None)
@given(tables())
def test_it_encodes_as_scikit_learn_does(name, options, table):
    X, Z = table
    a, b = getattr(ours, name)(**options), getattr(theirs, name)(**options)
    same(a.fit_transform(X), b.fit_transform(X))
    for mine, yours in zip(a.categories_, b.categories_, strict=True):
        same(mine, yours)
    same(a.transform(Z), b.transform(Z))


@settings(max_examples=200, deadline=None)
@given(objects, st.integers(1, 8))
def test_one_hot_rows_have_their_one_where_the_ordinal_says(values, columns):
    X = np.empty((len(values), columns), dtype=object)
    for j in range(columns):
        X[:, j] = np.roll(np.array([*values, None], dtype=object)[:-1], j)
    places = ours.OrdinalEncoder(encoded_missing_value=-1).fit_transform(X)
    hot = ours.OneHotEncoder().fit(X)
    widths = [len(categories) for categories in hot.categories_]
    found = hot.transform(X).indices.reshape(X.shape) - np.cumsum([0, *widths[:-1]])
    nan = np.array([[v != v for v in row] for row in X])
    assert_array_equal(found[~nan], places[~nan])
    assert (places[nan] == -1).all()
