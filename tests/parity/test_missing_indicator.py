import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import impute as theirs
from sklearn.base import clone

from ferroflow.impute import MissingIndicator


def data(rows=400, columns=6, marker=np.nan, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.randint(1, 9, (rows, columns)).astype(dtype)
    X[rng.rand(rows, columns) < 0.1] = marker
    X[:, 2] = 1
    return X


def assert_same(X, new=None, **options):
    ours, sklearn = MissingIndicator(**options), theirs.MissingIndicator(**options)
    pairs = [(ours.fit_transform(X), sklearn.fit_transform(X))]
    pairs.append((clone(ours).fit(X).transform(X), pairs[0][1]))
    if new is not None:
        pairs.append((ours.transform(new), sklearn.transform(new)))
    assert ours.__dict__.keys() == sklearn.__dict__.keys()
    assert_array_equal(ours.features_, sklearn.features_)
    assert_array_equal(ours.get_feature_names_out(), sklearn.get_feature_names_out())
    for out, expected in pairs:
        assert type(out) is type(expected)
        assert out.dtype == expected.dtype
        assert out.shape == expected.shape
        if sparse.issparse(out):
            assert out.format == expected.format
            out, expected = out.toarray(), expected.toarray()
        assert_array_equal(out, expected)
    return ours


@pytest.mark.parametrize("features", ["missing-only", "all"])
@pytest.mark.parametrize("sparse_", [True, False, "auto"])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize(("dtype", "marker"), [(float, np.nan), (np.float32, np.nan), (float, 3), (int, 3)])
def test_dense(features, sparse_, order, dtype, marker):
    X = data(dtype=dtype, marker=marker)
    X = np.repeat(X, 2, axis=1)[:, ::2] if order == "strided" else np.asarray(X, order=order)
    assert_same(X, X[:7], features=features, sparse=sparse_, missing_values=marker, error_on_new=False)


@pytest.mark.parametrize("features", ["missing-only", "all"])
@pytest.mark.parametrize("sparse_", [True, False, "auto"])
@pytest.mark.parametrize(
    "make", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_matrix]
)
@pytest.mark.parametrize(("dtype", "marker"), [(float, np.nan), (np.float32, 3), (int, 3)])
def test_sparse(features, sparse_, make, dtype, marker):
    X = data(dtype=dtype, marker=marker)
    X[X > 5] = 0
    assert_same(make(X), make(X[:9]), features=features, sparse=sparse_, missing_values=marker)


@pytest.mark.parametrize("marker", [np.nan, None, "a"])
def test_objects_and_frames(marker):
    X = np.array([["a", "b"], ["c", marker], ["a", "d"]], dtype=object)
    assert_same(X, missing_values=marker)
    if marker is np.nan:
        frame = pd.DataFrame(data(50, 3), columns=list("abc"))
        assert_same(frame)
        out = MissingIndicator().set_output(transform="pandas").fit_transform(frame)
        assert list(out.columns) == ["missingindicator_a", "missingindicator_b"]


def test_many_rows():
    assert_same(data(200_000, 5))


def test_errors_in_scikit_learns_words():
    X, full = data(), np.nan_to_num(data(), nan=1.0)
    for bad, fitted in ((X, full), (X[:, :2], X), (np.full((2, 6), np.inf), X)):
        said = []
        for cls in (MissingIndicator, theirs.MissingIndicator):
            with pytest.raises(ValueError) as error:
                cls().fit(fitted).transform(bad)
            said.append(str(error.value))
        assert said[0] == said[1]
    with pytest.raises(ValueError, match="Sparse input with missing_values=0"):
        MissingIndicator(missing_values=0).fit(sparse.csr_matrix(full))


def test_it_goes_on_and_merges():
    X = data()
    X[:, 4] = 1
    X[-1, 4] = np.nan
    whole = MissingIndicator().fit(X)
    parts = MissingIndicator().partial_fit(X[:100]).partial_fit(X[100:200])
    assert_array_equal(parts.merge(MissingIndicator().fit(X[200:])).features_, whole.features_)
    assert_array_equal(parts.transform(X), whole.transform(X))
    with pytest.raises(ValueError, match="features"):
        parts.merge(MissingIndicator().fit(X[:, :2]))
