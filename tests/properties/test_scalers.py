import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow import _core
from ferroflow import preprocessing as ours

pytestmark = pytest.mark.filterwarnings("ignore")

finite = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1.0, 1e-30])
shapes = array_shapes(min_dims=2, max_dims=2, max_side=30)
dtypes = st.sampled_from([np.float64, np.float32])
with_nan = arrays(dtypes, shapes, elements=finite | st.just(np.nan))
without_nan = arrays(dtypes, shapes, elements=finite)
layouts = st.sampled_from(["C", "F", "strided", "frame of two types"])
scalers = st.sampled_from(
    [
        ("MinMaxScaler", {}),
        ("MinMaxScaler", {"feature_range": (-1, 2), "clip": True}),
        ("MaxAbsScaler", {}),
        ("RobustScaler", {}),
        ("RobustScaler", {"quantile_range": (5, 80.5), "unit_variance": True}),
    ]
)


def lay_out(X, layout):
    if layout == "F":
        return np.asfortranarray(X)
    return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3] if layout == "strided" else X


@settings(max_examples=200, deadline=None)
@given(with_nan, layouts, scalers)
def test_scalers_are_scikit_learns_to_the_bit(X, layout, case):
    X = lay_out(X, layout)
    name, options = case
    a, b = getattr(ours, name)(**options), getattr(theirs, name)(**options)
    Z = b.fit_transform(X)
    assert_array_equal(a.fit_transform(X), Z)
    for learned in ("scale_", "min_", "max_abs_", "center_"):
        assert_array_equal(getattr(a, learned, 0), getattr(b, learned, 0))
    assert_array_equal(a.inverse_transform(Z), b.inverse_transform(Z))
    assert a.fit_transform(X).dtype == X.dtype


@settings(max_examples=200, deadline=None)
@given(without_nan, layouts, st.sampled_from(["l1", "l2", "max"]), st.floats(-2, 2))
def test_rows_and_thresholds(X, layout, norm, threshold):
    X = lay_out(X, layout)
    rtol = 1e-13 if X.dtype == np.float64 else 1e-5
    mine, other = ours.normalize(X, norm), theirs.normalize(X, norm)
    # A norm near ten roundings may count as zero on one side only; float32 squares of tiny values vanish on theirs.
    norms = np.abs(X).astype(float).max(axis=1)
    sure = (norms > 1e-4) | (norms == 0)
    assert_allclose(mine[sure], other[sure], rtol=rtol, atol=rtol)
    assert_array_equal(ours.binarize(X, threshold=threshold), theirs.binarize(X, threshold=threshold))


@settings(max_examples=200, deadline=None)
@given(with_nan, st.sampled_from([sparse.csr_array, sparse.csc_array, sparse.csr_matrix]), st.booleans())
def test_sparse_is_scikit_learns_to_the_bit(X, form, explicit_zeros):
    X = form(X)
    if explicit_zeros:
        X.data[::3] = 0
    for name, options in [("MaxAbsScaler", {}), ("RobustScaler", {"with_centering": False})]:
        a, b = getattr(ours, name)(**options).fit(X), getattr(theirs, name)(**options).fit(X)
        assert_array_equal(a.scale_, b.scale_)
        assert_array_equal(a.transform(X).toarray(), b.transform(X).toarray())
        assert_array_equal(a.inverse_transform(X).toarray(), b.inverse_transform(X).toarray())
    X.data = np.nan_to_num(X.data)
    for norm in ("l1", "l2", "max"):
        assert_array_equal(ours.normalize(X, norm).toarray(), theirs.normalize(X, norm).toarray())


@settings(max_examples=200, deadline=None)
@given(with_nan, st.floats(0, 1), st.sampled_from(["MinMaxScaler", "MaxAbsScaler", "RobustScaler"]))
def test_merging_two_parts_is_fitting_the_whole(X, share, name):
    cut = 1 + int(share * (len(X) - 1))
    cls = getattr(ours, name)
    whole = cls().fit(X)
    parts = cls().partial_fit(X[:cut])
    if cut < len(X):
        parts.merge(cls().partial_fit(X[cut:]))
    for learned in ("scale_", "min_", "max_abs_", "center_", "n_samples_seen_"):
        # A sketch keeps float64, so a float32 median of two is rounded elsewhere.
        rtol = 0 if name != "RobustScaler" else 1e-14 if X.dtype == np.float64 else 1e-5
        a, b = getattr(parts, learned, 0), getattr(whole, learned, 0)
        size = np.nanmax(np.abs(X)) if np.isfinite(X).any() else 0
        if name == "RobustScaler" and learned == "scale_":
            a, b = np.where(b == 1, b, a), b  # a scale that counts as nothing
        assert_allclose(a, b, rtol=rtol, atol=rtol * size)


def test_the_number_of_threads_changes_nothing():
    rng = np.random.RandomState(0)
    X = rng.randn(60_000, 7)
    X[rng.rand(*X.shape) < 0.01] = np.nan
    filled = np.nan_to_num(X)
    found = []
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            results = [
                ours.normalize(filled),
                ours.normalize(np.asfortranarray(filled)),
                ours.binarize(filled),
            ]
            for name in ("MinMaxScaler", "MaxAbsScaler", "RobustScaler"):
                for rows in (X, np.asfortranarray(X)):
                    scaler = getattr(ours, name)()
                    results += [scaler.fit_transform(rows), scaler.scale_]
                    scaler.set_params(copy=False)
                    results.append(scaler.transform(rows.copy()))
            stored = sparse.csr_array(filled)
            results += [ours.MaxAbsScaler().fit_transform(stored).data, ours.normalize(stored).data]
            found.append(results)
    finally:
        _core.set_num_threads(0)
    for results in found[1:]:
        for a, b in zip(results, found[0], strict=True):
            assert_array_equal(a, b)
