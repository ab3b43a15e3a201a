import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import impute as theirs
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow.impute import KNNImputer


def data(rows, columns, kind="smooth", seed=0, share=0.15):
    rng = np.random.RandomState(seed)
    X = rng.randn(rows, columns)
    if kind == "twice":
        X[rows // 2 :] = X[: rows - rows // 2]
    X[rng.rand(rows, columns) < share] = np.nan
    return X


def assert_same(X, new=None, rtol=1e-12, **options):
    ours, sklearn = KNNImputer(**options).fit(X), theirs.KNNImputer(**options).fit(X)
    assert ours.__dict__.keys() == sklearn.__dict__.keys()
    for rows in (X,) if new is None else (X, new):
        out, expected = ours.transform(rows), sklearn.transform(rows)
        assert out.dtype == expected.dtype
        # A mean of values of both signs may be zero but for rounding.
        assert_allclose(out, expected, rtol=rtol, atol=1e-14)
    return ours


# Of rows that are equally far, or but for rounding, scikit-learn takes those that NumPy's partition leaves in front, which
# depends on the CPU; ours are tested against a plain search in tests/properties. Smooth values have none, and rows that
# occur twice have the same values.
@pytest.mark.parametrize(
    ("kind", "weights"), [("smooth", "uniform"), ("smooth", "distance"), ("twice", "uniform")]
)
@pytest.mark.parametrize(("rows", "columns"), [(12, 3), (150, 5), (1200, 8)])
def test_the_same_neighbours(kind, weights, rows, columns):
    X = data(rows, columns, kind)
    # Weights of 1 / distance carry scikit-learn's rounding of the distance, about eps * (|x|^2 + |y|^2) / distance^2.
    rtol = 1e-12 if weights == "uniform" else 1e-8
    assert_same(X, data(40, columns, kind, seed=1), rtol, weights=weights)


@pytest.mark.parametrize("n_neighbors", [1, 2, 40, 500])
@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("keep_empty_features", [False, True])
def test_parameters(n_neighbors, add_indicator, keep_empty_features):
    X = data(120, 5)
    X[:, 2] = np.nan
    X[3] = np.nan
    assert_same(
        X,
        n_neighbors=n_neighbors,
        add_indicator=add_indicator,
        keep_empty_features=keep_empty_features,
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("marker", [-1, 0, 7.0, np.float64("nan")])
def test_markers_and_layouts(order, marker):
    X = np.asarray(np.where(np.isnan(data(200, 4)), marker, data(200, 4, seed=3, share=0)), order=order)
    assert_same(X, missing_values=marker)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_single_floats(weights):
    X = data(300, 6).astype(np.float32)
    out = KNNImputer(weights=weights).fit_transform(X)
    assert out.dtype == np.float32
    # scikit-learn's distances are in single precision, of which near rows keep a few digits; ours are those of float64.
    expected = theirs.KNNImputer(weights=weights).fit_transform(X.astype(np.float64))
    assert_allclose(out, expected, rtol=1e-6, atol=1e-7)


def test_wide_rows_and_rows_without_a_neighbour():
    X = data(150, 70, share=0.5)
    X[0, 1:] = np.nan
    X[1, :-1] = np.nan
    assert_same(X)
    assert_same(np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, 3.0], [4.0, np.nan]]))


def test_what_goes_to_scikit_learn_is_said(capsys):
    X = data(30, 3)
    ferroflow.explain(clear=True)
    assert_same(X, weights=lambda d: np.exp(-d))
    assert_same(X, metric=lambda a, b, missing_values: np.nansum(np.abs(a - b)))
    assert_same(X * 1e200)
    ferroflow.explain(clear=True)
    said = capsys.readouterr().out
    assert "callable" in said
    assert "overflow" in said
    in_place, expected = X.copy(), X.copy()
    KNNImputer(copy=False).fit_transform(in_place)
    theirs.KNNImputer(copy=False).fit_transform(expected)
    assert_allclose(in_place, expected, rtol=1e-12)


def test_frames_names_and_pickles():
    X = pd.DataFrame(data(60, 3), columns=["a", "b", "c"])
    ours = KNNImputer().set_output(transform="pandas").fit(X)
    expected = theirs.KNNImputer().set_output(transform="pandas").fit_transform(X)
    pd.testing.assert_frame_equal(ours.transform(X), expected, rtol=1e-12)
    again = pickle.loads(pickle.dumps(ours))
    pd.testing.assert_frame_equal(again.transform(X), ours.transform(X))
    assert clone(ours).get_params() == ours.get_params()


def test_threads_change_nothing():
    X = data(3000, 10)
    outs = []
    for n in (1, 2, 7):
        with threadpool_limits(n, user_api="ferroflow"):
            outs.append(KNNImputer().fit_transform(X))
    assert_array_equal(outs[0], outs[1])
    assert_array_equal(outs[0], outs[2])


def test_rows_can_be_added_and_merged():
    X = data(200, 4)
    whole = KNNImputer(add_indicator=True).fit(X)
    parts = KNNImputer(add_indicator=True).partial_fit(X[:50]).partial_fit(X[50:120])
    parts.merge(KNNImputer(add_indicator=True).fit(X[120:]))
    assert_array_equal(parts.transform(X), whole.transform(X))
    with pytest.raises(ValueError, match="features"):
        parts.merge(KNNImputer().fit(X[:, :2]))


def test_bad_input_is_refused_in_scikit_learns_words():
    X = data(20, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for bad in (X[:, :2], [["a", "b", "c"]], np.full((2, 3), np.inf)):
            for cls in (KNNImputer, theirs.KNNImputer):
                with pytest.raises(ValueError) as said:
                    cls().fit(X).transform(bad)
                message = str(said.value) if cls is KNNImputer else message  # noqa: F821
                assert str(said.value) == message
