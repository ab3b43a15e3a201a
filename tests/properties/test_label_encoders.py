import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import feature_extraction as their_features
from sklearn import preprocessing as theirs
from sklearn.base import clone

from ferroflow import feature_extraction as our_features
from ferroflow import preprocessing as ours

texts = st.text(st.sampled_from("ab\x00é\U00010000"), max_size=6) | st.text(max_size=3) | st.just("same")
numbers = st.sampled_from([np.int8, np.int64, np.uint16, np.float32, np.float64, bool]).flatmap(
    lambda dtype: arrays(dtype, st.integers(1, 40), elements=_whole(np.dtype(dtype)))
)


def _whole(dtype):
    if dtype.kind == "f":
        return st.integers(-9, 9).map(float)
    return st.booleans() if dtype.kind == "b" else st.integers(0, 12)


@st.composite
def labels(draw):
    """Labels of one kind, in any container that is one-dimensional."""
    if draw(st.booleans()):
        y = draw(numbers)
        y = y + 0 if y.dtype.kind == "f" else y  # zeros of one sign
        return y[:: draw(st.sampled_from([1, -1, 2]))]
    values = draw(st.lists(texts, min_size=1, max_size=40))
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return draw(st.sampled_from([lambda y: y, lambda y: y.astype(str), pd.Series]))(made)


def outcome(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except Exception as error:
            return type(error), str(error)


def same(a, b):
    assert type(a) is type(b)
    if isinstance(b, tuple):
        assert a == b
        return
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert_array_equal(a.toarray() if sparse.issparse(a) else a, b.toarray() if sparse.issparse(b) else b)


OPTIONS = [
    ("LabelEncoder", {}),
    ("LabelBinarizer", {}),
    ("LabelBinarizer", {"sparse_output": True}),
    ("LabelBinarizer", {"neg_label": -3, "pos_label": 0}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
@settings(max_examples=200, deadline=None)
@given(labels(), st.data())
def test_labels_are_encoded_as_scikit_learn_does(name, options, y, data):
    cut = data.draw(st.integers(1, len(y)))
    a, b = getattr(ours, name)(**options), getattr(theirs, name)(**options)
    same(outcome(lambda: a.fit_transform(y[:cut])), outcome(lambda: b.fit_transform(y[:cut])))
    if hasattr(b, "classes_"):
        same(a.classes_, b.classes_)
        same(outcome(lambda: a.transform(y)), outcome(lambda: b.transform(y)))


@pytest.mark.parametrize("name", ["LabelEncoder", "LabelBinarizer"])
@settings(max_examples=200, deadline=None)
@given(labels(), st.data())
def test_fits_of_parts_merge(name, y, data):
    cut = data.draw(st.integers(0, len(y)))
    # LabelBinarizer's classes are NumPy's texts of fixed width, as scikit-learn's are: they lose a NUL at their end.
    assume(0 < cut < len(y) and not any(isinstance(v, str) and v.endswith("\0") for v in y))
    make = getattr(ours, name)
    whole = outcome(lambda: make().fit(y))
    if isinstance(whole, tuple):
        return
    merged = outcome(lambda: make().fit(y[:cut]).merge(make().fit(y[cut:])))
    assert_array_equal(merged.classes_, whole.classes_)
    same(outcome(lambda: merged.transform(y)), outcome(lambda: whole.transform(y)))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(texts, max_size=5), min_size=1, max_size=20)
    | st.lists(st.sets(st.integers(-3, 9), max_size=5), min_size=1, max_size=20),
    st.booleans(),
    st.integers(1, 20),
)
def test_label_sets(y, sparse_output, cut):
    a, b = (m.MultiLabelBinarizer(sparse_output=sparse_output) for m in (ours, theirs))
    same(outcome(lambda: a.fit_transform(y)), outcome(lambda: b.fit_transform(y)))
    same(a.classes_, b.classes_)
    same(
        outcome(lambda: clone(a).fit(y[:cut]).transform(y)),
        outcome(lambda: clone(b).fit(y[:cut]).transform(y)),
    )
    if y[cut:]:
        merged = clone(a).fit(y[:cut]).merge(clone(a).fit(y[cut:]))
        assert list(merged.classes_) == list(b.classes_)


values = st.floats(-1e6, 1e6, width=32) | st.integers(-5, 5) | st.booleans() | texts
names = texts | st.binary(max_size=5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.tuples(names, values), max_size=8), min_size=1, max_size=8),
    st.integers(1, 40),
    st.booleans(),
)
def test_features_are_hashed_as_scikit_learn_does(dtype, pairs, n_features, alternate_sign):
    inputs = {
        "pair": pairs,
        "dict": [dict(row) for row in pairs],
        "string": [[name for name, _ in row] for row in pairs],
    }
    for input_type, X in inputs.items():
        options = {
            "n_features": n_features,
            "input_type": input_type,
            "dtype": dtype,
            "alternate_sign": alternate_sign,
        }
        a = outcome(lambda X=X, o=options: our_features.FeatureHasher(**o).transform(X))
        b = outcome(lambda X=X, o=options: their_features.FeatureHasher(**o).transform(X))
        assert type(a) is type(b)
        if isinstance(b, tuple):
            assert a == b
            continue
        assert (a.shape, a.dtype, a.indices.dtype, a.indptr.dtype) == (
            b.shape,
            b.dtype,
            b.indices.dtype,
            b.indptr.dtype,
        )
        assert_array_equal(a.indptr, b.indptr)
        assert_array_equal(a.indices, b.indices)
        # Entries of one column are added up in an order that SciPy leaves to its sort.
        assert_allclose(
            a.data,
            b.data,
            rtol=1e-6 if dtype == np.float32 else 1e-14,
            atol=1e-9 if dtype == np.float64 else 1,
        )
