import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs
from sklearn.base import clone

import ferroflow
from ferroflow.preprocessing import StandardScaler

# Both sum in float64, in another order: a few rounding errors of the mean's size.
RTOL = 1e-12


def layouts(X):
    wide = np.repeat(X, 2, axis=1)
    return {
        "C": np.ascontiguousarray(X),
        "F": np.asfortranarray(X),
        "strided": wide[:, ::2],
        "reversed": X[::-1],
        "F strided": np.asfortranarray(np.repeat(X, 2, axis=0))[::2],
    }


def data(rows=500, columns=7, dtype=np.float64, nan=False, seed=0):
    rng = np.random.RandomState(seed)
    X = (rng.randn(rows, columns) * 10 ** rng.uniform(-3, 3, columns) + rng.randn(columns) * 5).astype(dtype)
    if nan:
        X[rng.rand(rows, columns) < 0.2] = np.nan
    return X


def assert_same_fit(ours, sklearn, rtol=RTOL):
    for name in ("mean_", "var_", "scale_"):
        a, b = getattr(ours, name), getattr(sklearn, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert a.dtype == b.dtype
            assert_allclose(a, b, rtol=rtol, atol=rtol * (1e-300 + np.abs(b).max()), err_msg=name)
    assert type(ours.n_samples_seen_) is type(sklearn.n_samples_seen_)
    assert_allclose(ours.n_samples_seen_, sklearn.n_samples_seen_, rtol=rtol)
    assert ours.n_features_in_ == sklearn.n_features_in_


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8, bool])
@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed", "F strided"])
@pytest.mark.parametrize("nan", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (500, 7), (3000, 1), (90, 200), (100_000, 3)])
def test_fit_and_transform(dtype, layout, nan, shape):
    if nan and not np.issubdtype(dtype, np.floating):
        nan = False
    with np.errstate(invalid="ignore"):
        X = layouts(data(*shape, np.float64, nan).astype(dtype))[layout]
    ours, sklearn = StandardScaler().fit(X), theirs.StandardScaler().fit(X)
    assert_same_fit(ours, sklearn, 1e-9 if dtype == np.float32 else 1e-11)
    ours.__dict__.update(mean_=sklearn.mean_, scale_=sklearn.scale_)  # the same parameters give the same bits
    assert_array_equal(ours.transform(X), sklearn.transform(X))
    assert ours.transform(X).dtype == sklearn.transform(X).dtype
    assert ours.transform(X).strides == sklearn.transform(X).strides
    Z = sklearn.transform(X)
    assert_array_equal(ours.inverse_transform(Z), sklearn.inverse_transform(Z))


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_parameters(with_mean, with_std):
    X = data(nan=True)
    options = {"with_mean": with_mean, "with_std": with_std}
    ours, sklearn = StandardScaler(**options).fit(X), theirs.StandardScaler(**options).fit(X)
    assert_same_fit(ours, sklearn)
    assert_allclose(ours.fit_transform(X), sklearn.transform(X), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("nan", [False, True])
def test_sample_weight(nan):
    X, w = data(nan=nan), np.random.RandomState(1).rand(500)
    w[::7] = 0
    assert_same_fit(
        StandardScaler().fit(X, sample_weight=w), theirs.StandardScaler().fit(X, sample_weight=w), 1e-10
    )


@pytest.mark.parametrize("nan", [False, True])
def test_partial_fit_and_merge_give_the_whole_fit(nan):
    X = data(1000, nan=nan)
    whole = StandardScaler().fit(X)
    parts = StandardScaler()
    for part in np.array_split(X, 7):
        parts.partial_fit(part)
    merged = StandardScaler().fit(X[:300]).merge(StandardScaler().fit(X[300:]))
    for other in (parts, merged):
        assert_allclose(other.mean_, whole.mean_, rtol=RTOL, atol=1e-12)
        assert_allclose(other.var_, whole.var_, rtol=1e-11)
        assert_array_equal(other.n_samples_seen_, whole.n_samples_seen_)


def test_constant_columns_have_scale_one():
    X = np.c_[np.full(1000, 0.1), np.full(1000, 1e10), np.zeros(1000), np.arange(1000.0)]
    assert_array_equal(StandardScaler().fit(X).scale_ == 1, [True, True, True, False])


@pytest.mark.parametrize(
    "X, message",
    [
        ([[1.0, np.inf], [2.0, 3.0]], "Input X contains infinity"),
        (np.empty((0, 3)), "Found array with 0 sample"),
        (np.empty((3, 0)), "0 feature"),
        ([1.0, 2.0], "Expected 2D array, got 1D array instead"),
        ([["a"], ["b"]], "could not convert string to float"),
    ],
)
def test_bad_input_is_refused_in_scikit_learns_words(X, message):
    with pytest.raises(ValueError, match=message):
        StandardScaler().fit(np.asarray(X))


def test_transform_refuses_what_scikit_learn_refuses():
    scaler = StandardScaler().fit(data())
    with pytest.raises(ValueError, match="X has 3 features, but StandardScaler is expecting 7 features"):
        scaler.transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        scaler.transform(np.full((2, 7), np.inf))
    with pytest.raises(Exception, match="This StandardScaler instance is not fitted yet"):
        StandardScaler().transform(data())


def test_a_failed_fit_leaves_the_scaler_as_it_was():
    scaler = StandardScaler().fit(data())
    before = scaler.mean_.copy()
    with pytest.raises(ValueError):
        scaler.partial_fit(np.full((2, 7), np.inf))
    assert_array_equal(scaler.mean_, before)


def test_frames_names_and_output_containers():
    frame = pd.DataFrame(data(), columns=list("abcdefg"))
    ours = StandardScaler().set_output(transform="pandas").fit(frame)
    out = ours.transform(frame)
    pd.testing.assert_frame_equal(
        out, theirs.StandardScaler().set_output(transform="pandas").fit_transform(frame), rtol=1e-10
    )
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        ours.transform(frame.to_numpy())


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("nan, weighted", [(False, False), (True, False), (True, True)])
def test_sparse(form, dtype, index, nan, weighted):
    X = sparse.random(400, 9, density=0.3, format="csr", random_state=0) * 100
    X.data[::7] = np.nan if nan and dtype != np.int32 else 3
    X = form(X.astype(dtype))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    w = (
        np.random.RandomState(1).rand(400).astype(dtype if dtype == np.float32 else float)
        if weighted
        else None
    )
    ours = StandardScaler(with_mean=False).fit(X, sample_weight=w)
    sklearn = theirs.StandardScaler(with_mean=False).fit(X, sample_weight=w)
    # scikit-learn rounds the moments of float32 to float32.
    assert_same_fit(ours, sklearn, 1e-5 if dtype == np.float32 else 1e-11)
    ours.scale_ = sklearn.scale_  # the same parameters give the same bits
    for name in ("transform", "inverse_transform"):
        a, b = getattr(ours, name)(X), getattr(sklearn, name)(X)
        assert type(a) is type(b) and a.dtype == b.dtype
        assert_array_equal(a.toarray(), b.toarray())
    half = StandardScaler(with_mean=False).partial_fit(X[:150], sample_weight=None if w is None else w[:150])
    half.partial_fit(X[150:], sample_weight=None if w is None else w[150:])
    # Between the parts, float32 data leaves the sum of its weights in float32.
    assert_allclose(half.var_, ours.var_, rtol=1e-6 if dtype == np.float32 else 1e-10)


def test_sparse_is_refused_in_scikit_learns_words():
    X = sparse.random(50, 4, density=0.3, format="csr", random_state=0)
    with pytest.raises(ValueError, match="Cannot center sparse matrices: pass `with_mean=False` instead"):
        StandardScaler().fit(X)
    dense = StandardScaler().fit(X.toarray())
    with pytest.raises(ValueError, match="Cannot center sparse matrices"):
        dense.transform(X)
    with pytest.raises(ValueError, match="Cannot uncenter sparse matrices"):
        dense.inverse_transform(X)


def test_a_column_that_was_never_seen():
    X = np.c_[[np.nan, np.nan], [1.0, 2.0]]
    assert_array_equal(StandardScaler().fit(X).mean_, [np.nan, 1.5])
    assert_array_equal(StandardScaler().fit(X).scale_, [np.nan, 0.5])


def test_what_scikit_learn_runs_stands_in_the_ledger(capsys):
    ferroflow.explain(clear=True)
    StandardScaler().fit(data()).transform(data().astype(np.float16))
    ferroflow.explain()
    assert "float16 input" in capsys.readouterr().out


def test_copy_false_works_in_place():
    X = data()
    expected = theirs.StandardScaler().fit_transform(X)
    out = StandardScaler(copy=False).fit_transform(X)
    assert out is X
    assert_allclose(out, expected, rtol=1e-10, atol=1e-10)


def test_pickle_and_clone():
    X = data()
    scaler = StandardScaler(with_mean=False).fit(X)
    again = pickle.loads(pickle.dumps(scaler))
    assert_array_equal(again.transform(X), scaler.transform(X))
    assert clone(scaler).get_params() == scaler.get_params()
    assert isinstance(scaler, theirs.StandardScaler)
