import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow import _core
from ferroflow.preprocessing import KBinsDiscretizer

METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
]


def data(rows=800, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    X = np.c_[
        rng.randn(rows) * 10,
        np.exp(4 * rng.randn(rows)),
        rng.randint(0, 5, rows),
        np.full(rows, 3),
        rng.rand(rows),
    ]
    return X.astype(dtype)


def both(X, weight=None, **options):
    fitted, told = [], []
    for kind in (KBinsDiscretizer, theirs.KBinsDiscretizer):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted.append(kind(**options).fit(X, sample_weight=weight))
        told.append([(w.category, str(w.message)) for w in caught])
    assert told[0] == told[1]
    return fitted


def assert_same_edges(ours, sklearn):
    assert_array_equal(ours.n_bins_, sklearn.n_bins_)
    assert ours.n_bins_.dtype == sklearn.n_bins_.dtype
    for a, b in zip(ours.bin_edges_, sklearn.bin_edges_, strict=True):
        assert_array_equal(a, b)
        assert a.dtype == b.dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
@pytest.mark.parametrize("n_bins", [5, 40, [2, 3, 4, 5, 6]])
def test_fit_and_transform(dtype, strategy, encode, n_bins):
    X = data(dtype=dtype)
    if strategy == "kmeans":
        n_bins = 3
    ours, sklearn = both(X, strategy=strategy, encode=encode, n_bins=n_bins)
    assert_same_edges(ours, sklearn)
    new = np.r_[data(dtype=dtype, seed=1), X[:50]]
    for layout in (new, np.asfortranarray(new), new[::-1], new[:1]):
        a, b = ours.transform(layout), sklearn.transform(layout)
        assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        if sparse.issparse(a):
            assert a.indices.dtype == b.indices.dtype
            assert_array_equal(a.indices, b.indices)
            assert_array_equal(a.indptr, b.indptr)
            assert_array_equal(a.data, b.data)
        else:
            assert_array_equal(a, b)
    assert_array_equal(ours.inverse_transform(a), sklearn.inverse_transform(b))
    assert_array_equal(ours.get_feature_names_out(), sklearn.get_feature_names_out())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [2, 3, 10, 11, 500])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_quantile_methods(method, rows, dtype):
    X = data(rows, dtype)
    ours, sklearn = both(X, quantile_method=method, encode="ordinal", n_bins=4)
    assert_same_edges(ours, sklearn)


@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
@pytest.mark.parametrize("output", [None, np.float32, np.float64])
def test_weights_subsamples_and_dtypes(strategy, output):
    X, w = data(), np.random.RandomState(2).rand(800)
    for weight, options in [
        (w, {}),
        (None, {"subsample": 300, "random_state": 0}),
        (w, {"subsample": 300, "random_state": 1}),
    ]:
        ours, sklearn = both(
            X, weight, strategy=strategy, dtype=output, n_bins=3, encode="ordinal", **options
        )
        assert_same_edges(ours, sklearn)
        a, b = ours.transform(X), sklearn.transform(X)
        assert a.dtype == b.dtype
        assert_array_equal(a, b)


def test_values_on_edges_and_beyond():
    X = data(100)
    ours, sklearn = both(X, encode="ordinal")
    edges = np.sort(np.concatenate(list(ours.bin_edges_)))
    edges = edges[np.isfinite(edges)]
    values = np.r_[edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), -1e38, 1e38]
    X = np.repeat(values[:, None], 5, axis=1)
    assert_array_equal(ours.transform(X), sklearn.transform(X))
    assert_array_equal(ours.transform(X.astype(np.float32)), sklearn.transform(X.astype(np.float32)))


def test_errors_are_scikit_learns():
    X = data()
    fitted = KBinsDiscretizer(encode="ordinal").fit(X)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="Input X contains"):
            fitted.transform(np.full((2, 5), bad))
        with pytest.raises(ValueError, match="Input X contains"):
            KBinsDiscretizer().fit(np.full((2, 5), bad))
    with pytest.raises(ValueError, match="X has 2 features, but KBinsDiscretizer is expecting 5"):
        fitted.transform(X[:, :2])
    with pytest.raises(ValueError, match="received an invalid number of bins at indices 1"):
        KBinsDiscretizer(n_bins=[2, 1, 2, 2, 2]).fit(X)
    with pytest.raises(ValueError, match="quantile_method should either be set to"):
        KBinsDiscretizer(quantile_method="hazen").fit(X, sample_weight=np.ones(800))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
@pytest.mark.parametrize("subsample", [None, 300])
def test_weights(dtype, strategy, subsample):
    X = (data(800) * 10).astype(dtype)
    weight = np.arange(800) % 4
    options = {
        "strategy": strategy,
        "subsample": subsample,
        "random_state": 0,
        "quantile_method": "averaged_inverted_cdf",
    }
    assert_same_edges(*both(X, weight=weight, **options))


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_rows_part_by_part(strategy):
    X = data(900)
    options = {"strategy": strategy, "quantile_method": "linear", "encode": "ordinal"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = KBinsDiscretizer(**options).fit(X)
        parts = KBinsDiscretizer(**options).partial_fit(X[:300]).partial_fit(X[300:])
        merged = (
            KBinsDiscretizer(**options)
            .partial_fit(X[:10])
            .merge(KBinsDiscretizer(**options).partial_fit(X[10:]))
        )
    for other in (parts, merged):
        assert_array_equal(other.n_bins_, whole.n_bins_)
        for a, b in zip(other.bin_edges_, whole.bin_edges_, strict=True):
            assert_allclose(a, b, rtol=1e-13)
    with pytest.raises(ValueError, match="use partial_fit for both"):
        parts.merge(whole)
    with pytest.raises(ValueError, match="needs all rows at once"):
        KBinsDiscretizer(strategy="kmeans").partial_fit(X)


def test_frames_and_pickles():
    frame = pd.DataFrame(data()[:, :3], columns=list("abc"))
    ours = KBinsDiscretizer(encode="ordinal").set_output(transform="pandas").fit(frame)
    expected = theirs.KBinsDiscretizer(encode="ordinal").set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(ours.transform(frame), expected)
    assert_array_equal(pickle.loads(pickle.dumps(ours)).transform(frame), expected)


def test_the_number_of_threads_changes_nothing():
    X = data(60_000)[:, [0, 1, 4]]
    results = []
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            results.append(KBinsDiscretizer(subsample=None).fit_transform(X))
    finally:
        _core.set_num_threads(0)
    assert (results[0] != results[1]).nnz == (results[0] != results[2]).nnz == 0
