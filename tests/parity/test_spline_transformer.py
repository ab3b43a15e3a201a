import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

import ferroflow
from ferroflow import _core
from ferroflow.preprocessing import SplineTransformer


def data(rows=200, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    return np.c_[rng.randn(rows), rng.rand(rows) * 100, rng.randint(0, 9, rows)].astype(dtype)


def assert_same(X, new, options, weight=None):
    made = []
    for kind in (SplineTransformer, theirs.SplineTransformer):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fitted = kind(**options).fit(X, sample_weight=weight)
                made.append((fitted, fitted.transform(new)))
            except ValueError as error:
                made.append(str(error))
    ours, sklearn = made
    if isinstance(sklearn, str):
        assert ours == sklearn
        return
    for a, b in zip(ours[0].bsplines_, sklearn[0].bsplines_, strict=True):
        assert_array_equal(a.t, b.t)
    a, b = ours[1], sklearn[1]
    assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
    if sparse.issparse(a):
        a, b = a.toarray(), b.toarray()
    # A spline whose period ends twice is summed in the type of the data.
    assert_allclose(a, b, rtol=0 if a.dtype == np.float64 else 1e-6, atol=0)
    assert_array_equal(ours[0].get_feature_names_out(), sklearn[0].get_feature_names_out())


@pytest.mark.parametrize("knots", ["uniform", "quantile", "given"])
@pytest.mark.parametrize("extrapolation", ["error", "constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_every_way_beyond_the_knots(knots, extrapolation, degree, dtype):
    X = data(dtype=dtype)
    given = np.linspace([-1, 0, 1], [1, 90, 7], 8)
    for include_bias, order in [(True, "C"), (False, "C"), (True, "F")]:
        for new in (X, X[::-1], np.asfortranarray(X), X[:1], X * 2, -X, X * 50):
            options = {
                "knots": given if knots == "given" else knots,
                "n_knots": 8,
                "degree": degree,
                "extrapolation": extrapolation,
                "include_bias": include_bias,
                "order": order,
            }
            assert_same(X, new, options)


@pytest.mark.parametrize("extrapolation", ["error", "constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("sparse_output", [False, True])
@pytest.mark.parametrize("n_knots, degree", [(2, 1), (3, 2), (4, 3), (5, 3)])
def test_few_knots_sparse_output_and_weights(extrapolation, sparse_output, n_knots, degree):
    X = data()
    options = {
        "n_knots": n_knots,
        "degree": degree,
        "extrapolation": extrapolation,
        "sparse_output": sparse_output,
    }
    assert_same(X, X, options)
    assert_same(X, X[:50] * 1.5, options)
    weight = np.random.RandomState(1).randint(0, 3, 200).astype(float)
    assert_same(X, X, {**options, "knots": "quantile"}, weight)


@pytest.mark.parametrize("extrapolation", ["constant", "linear", "continue", "periodic"])
def test_missing_values(extrapolation):
    X = data()
    X[::5, 1] = np.nan
    for knots in ("uniform", "quantile"):
        assert_same(X, X, {"handle_missing": "zeros", "knots": knots, "extrapolation": extrapolation})
    X[:, 2] = np.nan
    assert_same(X, X, {"handle_missing": "zeros", "extrapolation": extrapolation})


def test_errors_are_scikit_learns():
    X = data()
    for bad in (np.nan, np.inf):
        assert_same(np.full((3, 2), bad), X, {})
        assert_same(X, np.full((3, 3), bad), {})
    assert_same(X, X[:, :2], {})
    assert_same(X, X * 3, {"extrapolation": "error"})
    assert_same(X, X, {"knots": [[1.0, 2.0, 3.0]]})
    assert_same(X, X, {"extrapolation": "periodic", "n_knots": 3})


def test_rows_part_by_part():
    X = data(900)
    for knots in ("uniform", "quantile", np.linspace([-1, 0, 1], [1, 90, 7], 5)):
        whole = SplineTransformer(knots=knots).fit(X)
        parts = SplineTransformer(knots=knots).partial_fit(X[:1]).partial_fit(X[1:])
        merged = SplineTransformer(knots=knots).partial_fit(X[:300])
        merged.merge(SplineTransformer(knots=knots).partial_fit(X[300:]))
        for other in (parts, merged):
            for a, b in zip(other.bsplines_, whole.bsplines_, strict=True):
                assert_allclose(a.t, b.t, rtol=1e-13)
            assert_allclose(other.transform(X), whole.transform(X), atol=1e-12)
    with pytest.raises(ValueError, match="use partial_fit for both"):
        parts.merge(whole)


def test_frames_pickles_threads_and_the_ledger(capsys):
    frame = pd.DataFrame(data(20_000), columns=list("abc"))
    ours = SplineTransformer().set_output(transform="pandas").fit(frame)
    expected = theirs.SplineTransformer().set_output(transform="pandas").fit_transform(frame)
    again = pickle.loads(pickle.dumps(ours))
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            pd.testing.assert_frame_equal(again.transform(frame), expected, check_exact=True)
    finally:
        _core.set_num_threads(0)
    ferroflow.explain(clear=True)
    SplineTransformer(sparse_output=True).fit_transform(data())
    ferroflow.explain()
    assert "design_matrix" in capsys.readouterr().out
