import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

import ferroflow
from ferroflow import _core, explain
from ferroflow.preprocessing import QuantileTransformer, quantile_transform


def data(rows=3000, dtype=np.float64, nan=False, seed=0):
    rng = np.random.RandomState(seed)
    X = np.c_[
        rng.randn(rows),
        np.exp(6 * rng.randn(rows)),  # most quantiles in one cell of the grid
        rng.randint(0, 4, rows),  # quantiles that stand for many references
        np.where(rng.rand(rows) < 0.4, 0, rng.rand(rows)),
        rng.randn(rows) * 1e-30,
        rng.randn(rows) + 1e6,
    ].astype(dtype)
    if nan:
        X[rng.rand(*X.shape) < 0.1] = np.nan
    return X


def both(X, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return QuantileTransformer(**options).fit(X), theirs.QuantileTransformer(**options).fit(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("nan", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"n_quantiles": 7}, {"subsample": None}, {"subsample": 1500, "random_state": 3}]
)
def test_the_quantiles_have_numpys_bits(dtype, nan, options):
    X = data(dtype=dtype, nan=nan and dtype != np.int32)
    ours, sklearn = both(X, **options)
    assert_array_equal(ours.quantiles_, sklearn.quantiles_)
    assert ours.quantiles_.dtype == sklearn.quantiles_.dtype
    assert_array_equal(ours.references_, sklearn.references_)
    assert ours.n_quantiles_ == sklearn.n_quantiles_


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [1, 5, 900, 5000])
@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed"])
def test_transform(output, dtype, rows, layout):
    ours, sklearn = both(data(dtype=dtype, nan=True), output_distribution=output)
    X = data(rows, dtype, nan=rows > 5, seed=1)
    X[rows // 2 :: 7] = sklearn.quantiles_[3].astype(dtype)
    X = {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1],
    }[layout]
    before = X.copy()
    a, b = ours.transform(X), sklearn.transform(X)
    assert a.dtype == b.dtype and a.flags.f_contiguous == b.flags.f_contiguous
    if output == "uniform":
        assert_array_equal(a, b)
    else:
        assert_allclose(a, b, rtol=1e-12 if dtype == np.float64 else 1e-6, atol=0)
    assert_array_equal(X, before)
    a, b = ours.inverse_transform(b), sklearn.inverse_transform(b)
    assert a.dtype == b.dtype and a.flags.f_contiguous == b.flags.f_contiguous
    if output == "uniform":
        assert_array_equal(a, b)
    else:
        # A share is a rounding or two off, in the steepest column that of the largest value's size.
        size = np.nanmax(np.abs(sklearn.quantiles_), axis=0)
        assert_allclose(a / size, b / size, rtol=0, atol=1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize("output", ["uniform", "normal"])
def test_sparse(form, ignore, output):
    X = sparse.random(2500, 6, density=0.4, format="csr", random_state=0)
    X.data[::9] = X.data[0]
    X = form(X)
    ours, sklearn = both(X, ignore_implicit_zeros=ignore, output_distribution=output, random_state=0)
    assert_array_equal(ours.quantiles_, sklearn.quantiles_)
    before = X.copy()
    a, b = ours.transform(X), sklearn.transform(X)
    assert type(a) is type(b)
    assert_allclose(a.toarray(), b.toarray(), rtol=1e-12, atol=0)
    assert (before != X).nnz == 0
    assert_allclose(
        ours.inverse_transform(b).toarray(), sklearn.inverse_transform(b).toarray(), rtol=1e-9, atol=1e-12
    )
    with pytest.raises(ValueError, match="only accepts non-negative sparse matrices"):
        QuantileTransformer().fit(-X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize("subsample", [None, 700])
def test_sparse_columns_are_sampled_as_scikit_learn_samples_them(dtype, ignore, subsample, capsys):
    X = sparse.random(2500, 5, density=0.4, format="csc", random_state=0, dtype=dtype)
    X.data[::11] = np.nan
    X = sparse.hstack([X, sparse.csc_matrix((2500, 1), dtype=dtype)], format="csc")
    explain(clear=True)
    ours, sklearn = both(
        X, ignore_implicit_zeros=ignore, subsample=subsample, n_quantiles=300, random_state=3
    )
    assert_array_equal(ours.quantiles_, sklearn.quantiles_)
    assert ours.quantiles_.dtype == sklearn.quantiles_.dtype
    capsys.readouterr()
    explain(clear=True)
    assert "scikit-learn" not in capsys.readouterr().out


def test_the_functions_agree():
    X = data(500)
    for axis in (0, 1):
        assert_array_equal(
            quantile_transform(X, axis=axis, n_quantiles=6),
            theirs.quantile_transform(X, axis=axis, n_quantiles=6),
        )


def test_warnings_and_errors_are_scikit_learns():
    X = data(20)
    with pytest.warns(UserWarning, match=r"n_quantiles \(1000\) is greater than the total number"):
        QuantileTransformer().fit(X)
    with pytest.warns(UserWarning, match="'ignore_implicit_zeros' takes effect only with sparse"):
        QuantileTransformer(n_quantiles=10, ignore_implicit_zeros=True).fit(X)
    with pytest.raises(ValueError, match="number of quantiles cannot be greater than"):
        QuantileTransformer(subsample=10).fit(X)
    fitted = QuantileTransformer(n_quantiles=10).fit(X)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        fitted.transform(np.full((2, 6), np.inf))
    for method in (fitted.transform, fitted.inverse_transform):
        with pytest.raises(ValueError, match="X has 2 features, but QuantileTransformer is expecting 6"):
            method(X[:, :2])
    with pytest.raises(ValueError, match="Input X contains infinity"):
        QuantileTransformer(n_quantiles=2).fit(np.array([[1.0], [np.inf]]))
    with pytest.warns(RuntimeWarning, match="All-NaN slice"):
        empty = QuantileTransformer(n_quantiles=2).fit(np.full((3, 1), np.nan))
    assert np.isnan(empty.transform(np.ones((1, 1)))).all()


def test_copy_false_works_in_place():
    X = data(100)
    expected = theirs.QuantileTransformer(n_quantiles=50).fit_transform(X)
    assert QuantileTransformer(n_quantiles=50, copy=False).fit_transform(X) is X
    assert_array_equal(X, expected)


def test_frames_and_pickles():
    frame = pd.DataFrame(data(200), columns=list("abcdef"))
    ours = QuantileTransformer(n_quantiles=100).set_output(transform="pandas").fit(frame)
    expected = theirs.QuantileTransformer(n_quantiles=100).set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(ours.transform(frame), expected)
    assert_array_equal(pickle.loads(pickle.dumps(ours)).transform(frame), ours.transform(frame))


def test_many_rows_are_learned_part_by_part_within_the_stated_ranks():
    X = data(60_000, nan=True)
    parts = QuantileTransformer()
    for part in np.array_split(X, 7):
        parts.partial_fit(part)
    merged = QuantileTransformer().partial_fit(X[:1000]).merge(QuantileTransformer().partial_fit(X[1000:]))
    exact = theirs.QuantileTransformer(subsample=None).fit(X)
    allowed = (1 + np.log2(60_000 / 4096)) / 4096 + 2 / 60_000
    for other in (parts, merged):
        assert other.n_quantiles_ == 1000
        for j in range(X.shape[1]):
            column = np.sort(X[~np.isnan(X[:, j]), j])
            found = other.quantiles_[:, j]
            low = np.searchsorted(column, found, "left") / len(column)
            high = np.searchsorted(column, found, "right") / len(column)
            assert (np.maximum(low - exact.references_, exact.references_ - high) <= allowed).all()


def test_few_rows_are_learned_part_by_part_exactly():
    X = data(400)
    parts = QuantileTransformer(n_quantiles=50).partial_fit(X[:100]).partial_fit(X[100:])
    merged = (
        QuantileTransformer(n_quantiles=50)
        .partial_fit(X[:7])
        .merge(QuantileTransformer(n_quantiles=50).partial_fit(X[7:]))
    )
    whole = QuantileTransformer(n_quantiles=50).fit(X)
    for other in (parts, merged):
        assert_allclose(other.quantiles_, whole.quantiles_, rtol=1e-12)
    with pytest.raises(ValueError, match="use partial_fit for both"):
        parts.merge(whole)
    with pytest.raises(TypeError, match="toarray"):
        parts.partial_fit(sparse.csr_array(X))


def test_the_number_of_threads_changes_nothing():
    X = data(40_000)
    results = []
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            results.append(QuantileTransformer(subsample=None).fit_transform(X))
    finally:
        _core.set_num_threads(0)
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def test_what_numpy_runs_stands_in_the_ledger(capsys):
    ferroflow.explain(clear=True)
    fitted = QuantileTransformer(n_quantiles=10).fit(data(100))
    fitted.set_params(copy=False).inverse_transform(fitted.transform(data(100)))
    ferroflow.explain()
    out = capsys.readouterr().out
    assert "QuantileTransformer.transform" in out and "by NumPy" in out


@pytest.mark.filterwarnings("ignore:All-NaN slice")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_of_nan_beside_others(dtype):
    X = np.array([[np.nan, 1.0], [np.nan, np.nan], [np.nan, -2.0]], dtype=dtype)
    kinds = QuantileTransformer, theirs.QuantileTransformer
    mine, sklearn = (kind(n_quantiles=3).fit(X) for kind in kinds)
    assert mine.quantiles_.dtype == sklearn.quantiles_.dtype
    assert_array_equal(mine.transform(X), sklearn.transform(X))
    assert_array_equal(mine.inverse_transform(X / 3), sklearn.inverse_transform(X / 3))
