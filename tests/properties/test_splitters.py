import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from sklearn import model_selection as theirs

from ferroflow import model_selection
from ferroflow.model_selection import KFold, StratifiedKFold, train_test_split

pytestmark = pytest.mark.filterwarnings("ignore:The least populated class")

seeds = st.integers(0, 2**32 - 1)


def labels_of(most):
    return st.integers(2, most).flatmap(
        lambda n: (
            arrays(np.int64, n, elements=st.integers(-3, 3))
            | arrays(np.int64, n)
            | arrays(np.uint8, n)
            | arrays(np.bool_, n)
            | arrays("U3", n)
            | arrays(np.float64, n, elements=st.sampled_from([-0.0, 0.0, 1.0, -(2.0**63), 1e15]))
            | st.lists(st.text(max_size=3), min_size=n, max_size=n).map(lambda x: np.array(x, object))
        )
    )


labels = labels_of(400)


def outcome(call):
    try:
        return call(), None
    except ValueError as error:
        return [], str(error)


def assert_same(ours, sklearn):
    assert ours[1] == sklearn[1]
    assert len(ours[0]) == len(sklearn[0])
    for a, b in zip(ours[0], sklearn[0], strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert_array_equal(x, y)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 3000), st.integers(2, 300), seeds)
def test_shuffled_folds_are_scikit_learns_and_part_the_rows(n, k, seed):
    X = np.zeros(n)
    ours = outcome(lambda: list(KFold(k, shuffle=True, random_state=seed).split(X)))
    assert_same(ours, outcome(lambda: list(theirs.KFold(k, shuffle=True, random_state=seed).split(X))))
    if k <= n:
        assert_array_equal(np.sort(np.concatenate([test for _, test in ours[0]])), np.arange(n))


@settings(max_examples=300, deadline=None)
@given(labels, st.integers(2, 12), seeds, st.booleans())
def test_stratified_folds_are_scikit_learns(y, k, seed, shuffle):
    options = {"shuffle": True, "random_state": seed} if shuffle else {}
    assert_same(
        outcome(lambda: list(StratifiedKFold(k, **options).split(y, y))),
        outcome(lambda: list(theirs.StratifiedKFold(k, **options).split(y, y))),
    )


@settings(max_examples=300, deadline=None)
@given(labels, st.floats(0.01, 0.99), st.booleans(), seeds)
def test_the_two_parts_are_scikit_learns(y, test_size, stratify, seed):
    rngs = [np.random.RandomState(seed) for _ in range(2)]
    rows = np.arange(len(y))
    ours, sklearn = (
        outcome(
            lambda split=split, rng=rng: [
                split(y, rows, test_size=test_size, stratify=y if stratify else None, random_state=rng)
            ]
        )
        for split, rng in zip((train_test_split, theirs.train_test_split), rngs, strict=True)
    )
    assert_same(ours, sklearn)
    assert_array_equal(rngs[0].randint(0, 1 << 30, 5), rngs[1].randint(0, 1 << 30, 5))


def group_labels_of(most):
    return labels_of(most) | st.integers(2, most).flatmap(
        lambda n: st.lists(st.integers(-5, 5), min_size=n, max_size=n).map(lambda x: np.array(x, object))
    )


group_labels = group_labels_of(400)


@st.composite
def grouped(draw):
    """(classes, groups), of one length."""
    by = draw(group_labels)
    rng = np.random.RandomState(draw(st.integers(0, 99)))
    return rng.randint(0, draw(st.integers(1, 12)), len(by)), by


def both(name, y, by, **options):
    def folds(module):
        return outcome(lambda: list(getattr(module, name)(**options).split(y, y, by)))

    return folds(model_selection), folds(theirs)


@settings(max_examples=200, deadline=None)
@given(grouped(), st.integers(2, 12), seeds, st.booleans())
def test_folds_of_groups_are_scikit_learns_and_tear_none(rows, k, seed, shuffle):
    options = {"shuffle": True, "random_state": seed} if shuffle else {}
    ours, sklearn = both("GroupKFold", *rows, n_splits=k, **options)
    assert_same(ours, sklearn)
    for train, test in ours[0]:
        assert set(rows[1][train].tolist()).isdisjoint(rows[1][test].tolist())


@settings(max_examples=200, deadline=None)
@given(grouped(), st.integers(2, 12), seeds, st.booleans())
def test_stratified_folds_of_groups_are_scikit_learns(rows, k, seed, shuffle):
    options = {"shuffle": True, "random_state": seed} if shuffle else {}
    assert_same(*both("StratifiedGroupKFold", *rows, n_splits=k, **options))


@settings(max_examples=200, deadline=None)
@given(grouped(), st.floats(0.01, 0.99), st.floats(0.01, 0.99) | st.none(), seeds)
def test_drawn_groups_are_scikit_learns(rows, test_size, train_size, seed):
    sizes = {"test_size": test_size, "train_size": train_size}
    assert_same(*both("GroupShuffleSplit", *rows, n_splits=2, random_state=seed, **sizes))


@settings(max_examples=200, deadline=None)
@given(labels, st.floats(0.01, 0.99), st.sampled_from(["ShuffleSplit", "StratifiedShuffleSplit"]), seeds)
def test_drawn_rows_are_scikit_learns(y, test_size, name, seed):
    rngs = [np.random.RandomState(seed) for _ in range(2)]
    ours, sklearn = (
        outcome(
            lambda module=module, rng=rng: list(
                getattr(module, name)(3, test_size=test_size, random_state=rng).split(y, y)
            )
        )
        for module, rng in zip((model_selection, theirs), rngs, strict=True)
    )
    assert_same(ours, sklearn)
    assert_array_equal(rngs[0].randint(0, 1 << 30, 5), rngs[1].randint(0, 1 << 30, 5))
    assert_same(*both(name, y, None, n_splits=2, test_size=test_size, random_state=seed))


@settings(max_examples=200, deadline=None)
@given(group_labels_of(60), st.integers(1, 2))
def test_left_out_groups_are_scikit_learns(by, p):
    # scikit-learn compares objects with a text of fixed width, which loses a NUL at its end: "" and "\x00" are one there.
    assume(not any(isinstance(group, str) and group.endswith("\x00") for group in by.tolist()))
    assert_same(*both("LeaveOneGroupOut", by, by))
    if len(set(by.tolist())) < 12:  # more are hundreds of folds, each as the others
        assert_same(*both("LeavePGroupsOut", by, by, n_groups=p))
