import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import preprocessing as theirs

from ferroflow.preprocessing import StandardScaler

values = st.floats(-1e6, 1e6, width=32) | st.just(0.0) | st.just(np.nan)
matrices = arrays(
    st.sampled_from([np.float64, np.float32]),
    array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=values,
)


@settings(max_examples=200, deadline=None)
@given(matrices)
def test_it_learns_what_scikit_learn_learns(X):
    seen = (~np.isnan(X)).sum(axis=0)
    X = X[:, seen > 0]
    if X.shape[1] == 0:
        return
    ours, sklearn = StandardScaler().fit(X), theirs.StandardScaler().fit(X)
    # The two-pass algorithms' error grows with the mean's size, of which 1e-9 of a rounding is far above.
    size = np.nanmax(np.abs(X), axis=0).astype(float) + 1e-300
    assert_array_equal(ours.n_samples_seen_, sklearn.n_samples_seen_)
    assert (np.abs(ours.mean_ - sklearn.mean_) <= 1e-12 * size).all()
    assert (np.abs(ours.var_ - sklearn.var_) <= 1e-12 * size**2).all()


@settings(max_examples=200, deadline=None)
@given(matrices, st.floats(0, 1))
def test_merging_two_parts_is_fitting_the_whole(X, share):
    X = np.nan_to_num(X)
    cut = 1 + int(share * (len(X) - 1))
    whole = StandardScaler().fit(X)
    parts = StandardScaler().fit(X[:cut])
    if cut < len(X):
        parts.merge(StandardScaler().fit(X[cut:]))
    size = np.abs(X).max(axis=0).astype(float) + 1e-300
    assert_array_equal(parts.n_samples_seen_, whole.n_samples_seen_)
    assert (np.abs(parts.mean_ - whole.mean_) <= 1e-12 * size).all()
    assert (np.abs(parts.var_ - whole.var_) <= 1e-12 * size**2).all()


@settings(max_examples=100, deadline=None)
@given(matrices)
def test_the_inverse_gives_the_input_back(X):
    X = np.nan_to_num(X)
    X[np.abs(X) < 1e-3] = 0  # a deviation below float32's range is a zero there, in scikit-learn too
    scaler = StandardScaler().fit(X)
    size = np.abs(X).max().astype(float) + 1e-300
    rounding = 1e-12 if X.dtype == np.float64 else 1e-5
    assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=0, atol=rounding * 10 * size)
