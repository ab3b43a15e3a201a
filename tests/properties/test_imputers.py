import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import impute as theirs
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

from ferroflow.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer

values = st.integers(-300, 300).map(lambda v: v / 100) | st.integers(-3, 3).map(float) | st.just(np.nan)
shapes = array_shapes(min_dims=2, max_dims=2, max_side=14)
matrices = arrays(st.sampled_from([np.float64, np.float32]), shapes, elements=values)


def filled(X, n_neighbors, weights):
    """By a plain search; the first of equally far rows counts."""
    out = X.astype(float)
    for i, j in np.argwhere(np.isnan(X)):
        near = []
        for row in X[~np.isnan(X[:, j])].astype(float):
            offs = [a - b for a, b in zip(X[i].astype(float), row, strict=True) if a - b == a - b]
            if offs:
                near.append((sum(off * off for off in offs) / len(offs) * len(row), row[j]))
        near = sorted(near, key=lambda one: one[0])[:n_neighbors]
        squares, donors = np.array(near).reshape(-1, 2).T
        w = np.ones(len(donors)) if weights == "uniform" else squares == 0
        w = w if w.any() else 1 / np.sqrt(squares)
        there = X[~np.isnan(X[:, j]), j]
        out[i, j] = np.average(donors, weights=w) if len(donors) else there.mean() if len(there) else 0
    return out


@settings(max_examples=200, deadline=None)
@given(
    matrices,
    st.integers(1, 5),
    st.sampled_from(["uniform", "distance"]),
    st.booleans(),
    st.sampled_from("CF"),
)
def test_knn_takes_the_nearest_rows(X, n_neighbors, weights, keep_empty_features, order):
    options = {"n_neighbors": n_neighbors, "weights": weights, "keep_empty_features": keep_empty_features}
    X = np.asarray(X, order=order)
    expected = filled(X, n_neighbors, weights)
    if not keep_empty_features:
        expected = expected[:, ~np.isnan(X).all(axis=0)]
    rtol = 1e-12 if X.dtype == np.float64 else 1e-6
    assert_allclose(KNNImputer(**options).fit_transform(X), expected, rtol=rtol, atol=rtol)


@settings(max_examples=200, deadline=None)
@given(matrices, st.integers(1, 13))
def test_knn_merges(X, cut):
    whole = KNNImputer().fit(X)
    parts = KNNImputer().fit(X[:cut])
    if cut < len(X):
        parts.merge(KNNImputer().fit(X[cut:]))
    assert_array_equal(parts.transform(X), whole.transform(X))


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float64, shapes, elements=values),
    st.sampled_from(["ascending", "descending", "roman", "arabic"]),
    st.booleans(),
    st.booleans(),
)
def test_iterative_fills_as_scikit_learn_does(X, imputation_order, skip_complete, keep_empty_features):
    # Of a constant column or of fewer rows than columns the regressions are decided by rounding.
    X = X + np.random.RandomState(0).randn(*X.shape)
    options = {
        "imputation_order": imputation_order,
        "skip_complete": skip_complete,
        "keep_empty_features": keep_empty_features,
        "max_iter": 2,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = IterativeImputer(**options).fit_transform(X)
        expected = theirs.IterativeImputer(**options).fit_transform(X)
    assert_allclose(ours, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max(initial=0))


@settings(max_examples=200, deadline=None)
@given(
    matrices,
    st.sampled_from(["missing-only", "all"]),
    st.sampled_from([True, False, "auto"]),
    st.sampled_from([np.asarray, np.asfortranarray, sparse.csr_matrix, sparse.csc_matrix]),
    st.sampled_from([np.nan, 1.0, -2]),
)
def test_indicators(X, features, sparse_, make, marker):
    X = make(X if marker != marker else np.nan_to_num(X))
    options = {"features": features, "sparse": sparse_, "missing_values": marker}
    out = MissingIndicator(**options).fit_transform(X)
    expected = theirs.MissingIndicator(**options).fit_transform(X)
    assert type(out) is type(expected)
    if sparse.issparse(out):
        out, expected = out.toarray(), expected.toarray()
    assert_array_equal(out, expected)


def in_pieces(X):
    """A frame whose columns were put in one after the other."""
    frame = pd.DataFrame(index=range(len(X)))
    for j, column in enumerate(X.T):
        frame[str(j)] = column
    return frame


def quiet(call, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on columns without values
        return call(*args)


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float64, shapes, elements=st.integers(-4, 4).map(float) | st.just(np.nan)),
    st.sampled_from(["mean", "median", "most_frequent", "constant"]),
    st.booleans(),
    st.integers(1, 13),
)
def test_simple_merges(X, strategy, keep_empty_features, cut):
    options = {"strategy": strategy, "keep_empty_features": keep_empty_features, "add_indicator": True}
    whole = quiet(SimpleImputer(**options).fit, X)
    one, two = (SimpleImputer(**options) for _ in range(2))
    parts = quiet(one.partial_fit, X[:cut])
    if cut < len(X):
        parts.merge(quiet(two.partial_fit, X[cut:]))
    # Sums of whole numbers are exact, and so few values are all in the sketch of the median.
    assert_array_equal(parts.statistics_.astype(float), whole.statistics_.astype(float))
    assert_array_equal(parts.indicator_.features_, whole.indicator_.features_)
    assert_array_equal(quiet(parts.transform, X), quiet(whole.transform, X))


@settings(max_examples=200, deadline=None)
@given(
    arrays(
        st.sampled_from([np.float64, np.float32, np.int64]), shapes, elements=st.integers(-4, 4).map(float)
    ),
    st.sampled_from(["mean", "median", "most_frequent", "constant"]),
    st.sampled_from([np.nan, -1, 2.0]),
    st.sampled_from([np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2], pd.DataFrame, in_pieces]),
    st.integers(1, 13),
)
def test_parts_of_any_table(X, strategy, missing_values, make, cut):
    options = {"strategy": strategy, "missing_values": missing_values}
    whole = quiet(theirs.SimpleImputer(**options).fit, X)
    parts = SimpleImputer(**options)
    for part in (X[:cut], X[cut:]):
        if len(part):
            quiet(parts.partial_fit, make(part))
    # Small whole numbers: sums are exact, means are rounded once.
    assert_array_equal(parts.statistics_.astype(X.dtype), whole.statistics_.astype(X.dtype))
    before = parts.statistics_.copy()
    refused = np.full((1, X.shape[1]), np.inf if X.dtype.kind == "f" else np.nan)
    if X.dtype.kind == "f" or missing_values == missing_values:
        with pytest.raises(ValueError, match=r"Input X contains (infinity|NaN)"):
            parts.partial_fit(make(refused))
        assert_array_equal(parts.statistics_, before)


@settings(max_examples=200, deadline=None)
@given(
    arrays(object, shapes, elements=st.text(max_size=2) | st.just(np.nan)),
    st.sampled_from(["most_frequent", "constant"]),
    st.integers(1, 13),
)
def test_simple_merges_texts(X, strategy, cut):
    whole = quiet(SimpleImputer(strategy=strategy).fit, X)
    parts = quiet(SimpleImputer(strategy=strategy).partial_fit, X[:cut])
    if cut < len(X):
        quiet(parts.partial_fit, X[cut:])
    assert [repr(v) for v in parts.statistics_] == [repr(v) for v in whole.statistics_]


@settings(max_examples=200, deadline=None)
@given(
    arrays(
        st.sampled_from([np.float64, np.float32]),
        shapes,
        elements=st.integers(-3, 3).map(float) | st.just(np.nan),
    ),
    st.sampled_from(["mean", "median", "most_frequent"]),
    st.booleans(),
    st.sampled_from([sparse.csr_matrix, sparse.csc_matrix]),
)
def test_simple_on_sparse_rows(X, strategy, keep_empty_features, make):
    options = {"strategy": strategy, "keep_empty_features": keep_empty_features}
    ours, sklearn = SimpleImputer(**options).fit(make(X)), theirs.SimpleImputer(**options).fit(make(X))
    assert_allclose(ours.statistics_, sklearn.statistics_, rtol=1e-6 if X.dtype == np.float32 else 1e-14)
    ours.statistics_ = sklearn.statistics_
    out, expected = quiet(ours.transform, make(X)), quiet(sklearn.transform, make(X))
    assert out.format == expected.format
    assert_array_equal(out.toarray(), expected.toarray())


def test_the_median_of_many_parts_is_as_near_as_stated():
    rng = np.random.RandomState(0)
    X = rng.randn(200_000, 2) ** 3
    imputer = SimpleImputer(strategy="median")
    for part in np.array_split(X, 9):
        imputer.partial_fit(part)
    ranks = np.less(X, imputer.statistics_).mean(axis=0)
    assert (np.abs(ranks - 0.5) <= (1 + np.log2(len(X) / 4096)) / 4096).all()


def test_fit_keeps_too_little_of_some_strategies():
    X = np.array([[1.0], [2.0]])
    fitted = SimpleImputer(strategy="median").fit(X)
    with pytest.raises(ValueError, match="partial_fit"):
        fitted.merge(SimpleImputer(strategy="median").fit(X))
    with pytest.warns(UserWarning, match="starts anew"):
        fitted.partial_fit(X + 5)
    assert fitted.statistics_ == [6.5]
    mean = SimpleImputer().fit(X).merge(SimpleImputer().fit(X + 2))
    assert mean.partial_fit([[5.5]]).statistics_ == [3.1]
