"""There is nothing of scikit-learn's to compare with, but TimeSeriesSplit where nothing is purged, and the definition."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from ferroflow.model_selection import PurgedTimeSeriesSplit


def spans(n, seed=0):
    rng = np.random.RandomState(seed)
    begins = np.sort(rng.randint(0, 3 * n, n))
    return begins, begins + rng.randint(0, 20, n)


@pytest.mark.parametrize("options", [{}, {"test_size": 7}, {"max_train_size": 5}, {"n_splits": 2}])
@pytest.mark.parametrize("gap", [0, 3])
def test_purging_rows_is_time_series_split_with_a_gap(options, gap):
    X = np.zeros((60, 2))
    ours = list(PurgedTimeSeriesSplit(**options, purge=gap).split(X))
    theirs = list(TimeSeriesSplit(**options, gap=gap).split(X))
    assert len(ours) == len(theirs) == PurgedTimeSeriesSplit(**options).get_n_splits()
    for a, b in zip(ours, theirs, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert_array_equal(x, y)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("embargo", [None, 0, 4, 0.05])
def test_no_span_of_a_training_row_overlaps_the_test_rows_and_no_other_row_is_dropped(embargo, seed):
    n = 80
    begins, ends = spans(n, seed)
    rows = 0 if embargo is None else embargo if embargo >= 1 else int(np.ceil(embargo * n))
    for train, test in PurgedTimeSeriesSplit(4, embargo=embargo).split(
        np.zeros(n), groups=np.c_[begins, ends]
    ):
        first, last = begins[test].min(), ends[test].max()
        apart = [i for i in range(n) if i not in test and (ends[i] < first or begins[i] > last)]
        after = [i for i in apart if i > test[-1]]
        expected = [i for i in apart if i < test[0]] + ([] if embargo is None else after[rows:])
        assert train.tolist() == expected


def test_an_embargo_leaves_out_rows_after_the_purged_ones():
    folds = list(PurgedTimeSeriesSplit(2, test_size=3, purge=2, embargo=1).split(np.zeros(14)))
    assert folds[0][0].tolist() == [0, 1, 2, 3, 4, 5]
    assert folds[0][1].tolist() == [8, 9, 10]
    folds = list(PurgedTimeSeriesSplit(3, test_size=3, purge=1, embargo=1).split(np.zeros(14)))
    assert folds[0][0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13]


def test_the_rows_nearest_to_the_test_fold_are_kept():
    folds = list(PurgedTimeSeriesSplit(4, max_train_size=4, purge=1, embargo=0).split(np.zeros(10)))
    assert folds[0][0].tolist() == [0, 5, 6, 7]
    assert folds[1][0].tolist() == [0, 1, 2, 7]
    assert folds[2][0].tolist() == [1, 2, 3, 4]


def test_ends_may_be_a_series_over_the_begins():
    begins = pd.date_range("2024-01-01", periods=60, freq="D")
    ends = pd.Series(begins + pd.Timedelta(days=5), index=begins)
    expected = list(TimeSeriesSplit(3, gap=5).split(np.zeros(60)))
    zoned = pd.Series(ends.dt.tz_localize("Europe/Berlin"), index=begins.tz_localize("Europe/Berlin"))
    zoned.index = begins.tz_localize("Europe/Berlin")
    zoned.iloc[:] = (begins + pd.Timedelta(days=5)).tz_localize("Europe/Berlin")
    for groups in (
        ends,
        zoned,
        np.c_[begins, ends],
        pd.DataFrame({"from": begins, "to": ends.to_numpy()}),
        np.arange(60) + 5,
        (np.arange(60) + 5).tolist(),
    ):
        found = list(PurgedTimeSeriesSplit(3).split(np.zeros(60), groups=groups))
        for a, b in zip(found, expected, strict=True):
            assert_array_equal(a[0], b[0])
            assert_array_equal(a[1], b[1])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(20) - 1, "must not end before it begins"),
        (np.where(np.arange(20) == 3, np.nan, np.arange(20) + 1), "must not end before it begins"),
        (np.c_[np.arange(20)[::-1], np.arange(20) + 30], "in the order"),
        (np.zeros((20, 3)), "one column"),
        (pd.date_range("2024", periods=20).to_numpy(), "do not compare"),
        (np.arange(19), "inconsistent numbers"),
    ],
)
def test_bad_spans_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        list(PurgedTimeSeriesSplit(3).split(np.zeros(20), groups=groups))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits=2 or more"),
        ({"purge": -1}, "purge must be"),
        ({"purge": 0.5}, "purge must be"),
        ({"embargo": -1}, "embargo must be"),
        ({"embargo": 1.5}, "embargo must be"),
        ({"embargo": "a"}, "embargo must be"),
    ],
)
def test_bad_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PurgedTimeSeriesSplit(**options)


def test_too_many_splits_are_refused_as_scikit_learn_does():
    with pytest.raises(ValueError, match="Too many splits=5 for number of samples"):
        list(PurgedTimeSeriesSplit(5, test_size=2, purge=1).split(np.zeros(10)))


def test_searches_hand_the_spans_on():
    X, y = np.random.RandomState(0).randn(60, 2), np.arange(60.0)
    ends = np.arange(60) + 4
    splitter = PurgedTimeSeriesSplit(3, embargo=1)
    scores = cross_val_score(Ridge(), X, y, groups=ends, cv=splitter)
    expected = cross_val_score(Ridge(), X, y, cv=list(splitter.split(X, groups=ends)))
    assert_array_equal(scores, expected)
    GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=splitter).fit(X, y, groups=ends)
    assert repr(splitter).split() == [
        "PurgedTimeSeriesSplit(embargo=1,",
        "max_train_size=None,",
        "n_splits=3,",
        "purge=0,",
        "test_size=None)",
    ]
    assert pickle.loads(pickle.dumps(splitter)).embargo == 1
    assert splitter.get_metadata_routing().split.requests == {"groups": True}
