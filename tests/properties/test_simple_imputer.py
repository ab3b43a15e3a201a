import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal
from sklearn import impute as theirs

from ferroflow.impute import SimpleImputer

values = st.floats(-1e6, 1e6, width=32) | st.integers(-3, 3).map(float) | st.just(np.nan)
shapes = array_shapes(min_dims=2, max_dims=2, max_side=40)
matrices = arrays(st.sampled_from([np.float64, np.float32]), shapes, elements=values)
strategies = st.sampled_from(["mean", "median", "most_frequent", "constant"])


def plain(values):
    """Objects by their repr, since among them NaN is not equal to NaN."""
    return np.array([repr(v) for v in values.ravel()]) if values.dtype == object else values


def both(X, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on columns without values
        ours, sklearn = SimpleImputer(**options).fit(X), theirs.SimpleImputer(**options).fit(X)
        learned = ours.statistics_
        ours.statistics_ = sklearn.statistics_
        assert_array_equal(plain(ours.transform(X)), plain(sklearn.transform(X)))
    return plain(learned), plain(sklearn.statistics_)


@settings(max_examples=300, deadline=None)
@given(matrices, strategies, st.booleans(), st.booleans(), st.sampled_from("CF"))
def test_it_learns_and_fills_as_scikit_learn_does(X, strategy, add_indicator, keep_empty_features, order):
    X = np.asarray(X, order=order)
    ours, sklearn = both(
        X, strategy=strategy, add_indicator=add_indicator, keep_empty_features=keep_empty_features
    )
    if strategy == "mean":
        # At most 40 roundings of partial sums, which are at most 40 times the largest value.
        rounding = 1e-14 if X.dtype == np.float64 else 1e-5
        size = np.nanmax(np.abs(X), axis=0, initial=0).astype(float) * 40
        both_empty = np.isnan(ours) & np.isnan(sklearn)
        assert (both_empty | (np.abs(ours - sklearn) <= rounding * size)).all()
    else:
        assert_array_equal(ours, sklearn)


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float64, shapes, elements=st.integers(-4, 4).map(float)),
    strategies,
    st.integers(-4, 4) | st.floats(-1, 1),
)
def test_a_number_may_mark_what_is_missing(X, strategy, marker):
    ours, sklearn = both(X, strategy=strategy, missing_values=marker)
    assert_array_equal(ours, sklearn)  # sums of whole numbers are exact


@settings(max_examples=200, deadline=None)
@given(
    arrays(object, shapes, elements=st.text(max_size=2) | st.sampled_from(["a", "b", None, np.nan])),
    st.sampled_from([None, "a"]),
    st.sampled_from(["most_frequent", "constant"]),
)
def test_texts(X, marker, strategy):
    X = np.where(X != X, None if marker is None else "b", X)  # NaN is refused unless it marks what is missing
    ours, sklearn = both(X, strategy=strategy, missing_values=marker)
    assert_array_equal(ours, sklearn)


@settings(max_examples=200, deadline=None)
@given(st.integers(16_384, 40_000), st.integers(1, 10**6), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_medians_of_many_rows_are_exact(rows, levels, seed, share):
    rng = np.random.RandomState(seed)
    X = np.floor(rng.rand(rows, 2) ** 3 * levels) * rng.choice([-1.0, 1.0], rows)[:, None]
    X[rng.rand(rows, 2) < share] = np.nan
    X[:3] = 0
    expected = np.nanmedian(X, axis=0)
    assert_array_equal(SimpleImputer(strategy="median").fit(X).statistics_, expected)
