import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow import _core
from ferroflow.preprocessing import PolynomialFeatures


def data(rows=60, columns=4, dtype=np.float64):
    return np.random.RandomState(0).randn(rows, columns).astype(dtype)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5, (0, 2), (1, 1), (2, 2), (2, 3), (3, 4), (4, 4)])
@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize("include_bias", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_terms(degree, interaction_only, include_bias, order):
    options = {
        "degree": degree,
        "interaction_only": interaction_only,
        "include_bias": include_bias,
        "order": order,
    }
    if not include_bias and degree == 0:
        with pytest.raises(ValueError, match="empty output array"):
            PolynomialFeatures(**options).fit(data())
        return
    for dtype in (np.float64, np.float32, np.int32):
        for columns in (1, 4):
            X = data(60, columns, dtype)
            for layout in (X, np.asfortranarray(X), X[::-1], X[:1]):
                a = PolynomialFeatures(**options).fit_transform(layout)
                b = theirs.PolynomialFeatures(**options).fit_transform(layout)
                assert a.dtype == b.dtype and a.shape == b.shape
                assert a.flags.c_contiguous == b.flags.c_contiguous
                assert_array_equal(a, b)


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("degree", [2, 3, 4])
def test_sparse(form, degree):
    X = form(sparse.random(30, 5, density=0.3, format="csr", random_state=0))
    a, b = PolynomialFeatures(degree).fit_transform(X), theirs.PolynomialFeatures(degree).fit_transform(X)
    assert type(a) is type(b)
    assert_array_equal(a.toarray(), b.toarray())


def test_large_and_threads():
    X = data(30_000, 6)
    expected = theirs.PolynomialFeatures(2).fit_transform(X)
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            for order in "CF":
                assert_array_equal(PolynomialFeatures(2, order=order).fit_transform(X), expected)
    finally:
        _core.set_num_threads(0)


def test_errors_are_scikit_learns():
    fitted = PolynomialFeatures().fit(data())
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="Input X contains"):
            fitted.transform(np.full((2, 4), bad))
    with pytest.raises(ValueError, match="X has 2 features, but PolynomialFeatures is expecting 4"):
        fitted.transform(np.ones((2, 2)))
    with pytest.raises(Exception, match="not fitted"):
        PolynomialFeatures().transform(data())


def test_frames_merge_and_pickles():
    frame = pd.DataFrame(data(), columns=list("abcd"))
    ours = PolynomialFeatures().set_output(transform="pandas").partial_fit(frame[:20]).partial_fit(frame[20:])
    expected = theirs.PolynomialFeatures().set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(ours.transform(frame), expected)
    merged = pickle.loads(pickle.dumps(ours)).merge(PolynomialFeatures().fit(data()))
    assert_array_equal(merged.transform(frame), expected)
    with pytest.raises(ValueError, match="4 and 2 features"):
        merged.merge(PolynomialFeatures().fit(data(columns=2)))
