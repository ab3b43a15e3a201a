import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from ferroflow import _core
from ferroflow._bridge.quantile_sketch import counts, merge_sketches, quantiles, ranges, sketch_rows

Q = np.linspace(0, 1, 21)


@settings(max_examples=200, deadline=None)
@given(
    arrays(
        st.sampled_from([np.float64, np.float32]),
        array_shapes(min_dims=2, max_dims=2, max_side=30),
        elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan),
    ),
    st.floats(0, 1),
    st.sampled_from(["C", "F", "strided"]),
)
def test_few_values_are_exact_however_they_are_cut(X, share, layout):
    X = {"C": X, "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=0)[::2]}[layout]
    cut = int(share * len(X))
    streamed, _ = sketch_rows(X[cut:], sketch_rows(X[:cut])[0])
    merged = merge_sketches(sketch_rows(X[:cut])[0], sketch_rows(X[cut:])[0])
    assert_array_equal(counts(merged), (~np.isnan(X)).sum(axis=0))
    seen = counts(merged) > 0
    for sketch in (streamed, merged):
        found = quantiles(sketch, Q)
        assert np.isnan(found[:, ~seen]).all()
        if not seen.any():
            continue
        expected = np.nanquantile(X[:, seen].astype(np.float64), Q, axis=0)
        assert_allclose(found[:, seen], expected, rtol=1e-14, atol=0)
        low, high = ranges(sketch)
        assert_array_equal(low[seen], np.nanmin(X[:, seen], axis=0))
        assert_array_equal(high[seen], np.nanmax(X[:, seen], axis=0))


@pytest.mark.parametrize("parts", [1, 3, 50])
def test_many_values_keep_the_stated_rank_error(parts):
    rng = np.random.RandomState(0)
    n = 300_000
    X = np.c_[rng.randn(n), np.arange(n), np.arange(n)[::-1], rng.randint(0, 5, n), np.exp(5 * rng.randn(n))]
    sketch = None
    for part in np.array_split(X, parts):
        new, infinite = sketch_rows(part)
        assert not infinite
        sketch = new if sketch is None else merge_sketches(sketch, new)
    allowed = n * (1 + np.log2(n / 4096)) / 4096 + 1
    for column, found in zip(X.T, quantiles(sketch, Q).T, strict=True):
        column = np.sort(column)
        low, high = np.searchsorted(column, found, "left"), np.searchsorted(column, found, "right") - 1
        rank = Q * (n - 1)
        assert (np.maximum(low - rank, rank - high) <= allowed).all()
    assert sketch[3].nbytes < 5 * 8 * 4096 * 8


def test_the_number_of_threads_changes_nothing():
    X = np.random.RandomState(1).randn(50_000, 9)
    sketches = []
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            sketches.append(sketch_rows(X)[0])
    finally:
        _core.set_num_threads(0)
    for sketch in sketches[1:]:
        for a, b in zip(sketch, sketches[0], strict=True):
            assert_array_equal(a, b)


def test_infinities_are_told():
    assert sketch_rows(np.array([[1.0, np.inf]]))[1]
    assert not sketch_rows(np.array([[1.0, np.nan]]))[1]


def test_parts_that_do_not_fit_are_refused():
    heads, ranges_, lengths, values = sketch_rows(np.eye(3))[0]
    for broken in [
        (heads[:2], ranges_, lengths, values),
        (heads, ranges_, lengths + 1, values),
        (heads, ranges_, -lengths, values),
        (heads, ranges_, lengths, values[1:]),
        (heads + 1, ranges_, lengths, values),
    ]:
        with pytest.raises(ValueError, match="do not fit"):
            quantiles(broken, Q)
    with pytest.raises(ValueError, match="another number of columns"):
        sketch_rows(np.eye(2), (heads, ranges_, lengths, values))
    with pytest.raises(ValueError, match="another number of columns"):
        merge_sketches(sketch_rows(np.eye(2))[0], sketch_rows(np.eye(3))[0])
