"""Splitters beside KFold and StratifiedKFold: indices, errors, warnings and random states are scikit-learn's."""

import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from both_modules import SEEDS, assert_same, assert_same_outcome, labels, outcome
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import model_selection as theirs

import ferroflow
import ferroflow.model_selection as ours

SHUFFLED = [
    ("GroupKFold", {"n_splits": 3, "shuffle": True}),
    ("StratifiedGroupKFold", {"n_splits": 3, "shuffle": True}),
    ("GroupShuffleSplit", {"n_splits": 3}),
    ("GroupShuffleSplit", {"n_splits": 2, "test_size": 2, "train_size": 1}),
    ("GroupShuffleSplit", {"n_splits": 2, "test_size": 0.4, "train_size": 0.3}),
    ("ShuffleSplit", {"n_splits": 3}),
    ("ShuffleSplit", {"n_splits": 3, "test_size": 0.3, "train_size": 0.3}),
    ("ShuffleSplit", {"n_splits": 2, "test_size": 2, "train_size": 1}),
    ("StratifiedShuffleSplit", {"n_splits": 3}),
    ("StratifiedShuffleSplit", {"n_splits": 3, "test_size": 0.4, "train_size": 0.3}),
    ("RepeatedKFold", {"n_splits": 2, "n_repeats": 3}),
    ("RepeatedStratifiedKFold", {"n_splits": 2, "n_repeats": 3}),
]
IN_ORDER = [
    ("GroupKFold", {"n_splits": 2}),
    ("GroupKFold", {"n_splits": 3}),
    ("GroupKFold", {"n_splits": 260}),
    ("StratifiedGroupKFold", {"n_splits": 2}),
    ("StratifiedGroupKFold", {"n_splits": 3}),
    ("LeaveOneGroupOut", {}),
    ("LeavePGroupsOut", {"n_groups": 1}),
    ("LeavePGroupsOut", {"n_groups": 2}),
    ("LeavePGroupsOut", {"n_groups": 0}),
    ("LeavePGroupsOut", {"n_groups": 1.5}),
]
KINDS = list(labels(9))


def groups(n):
    few = np.random.RandomState(1).randint(0, 5, n)
    more = {
        "object ints": few.astype(object),
        "object, large ints": few.astype(object) * 10**30,
        "object bools": (few > 2).astype(object),
        "object floats": few.astype(float).astype(object),
        "object, ints and texts": np.where(few > 2, few.astype(object), "a"),
        "Int64": pd.Series(few, dtype="Int64"),
        "one group": np.ones(n),
        "none": None,
        "each its own": np.arange(n)[::-1] * 3,
        "timestamps": pd.Series(pd.to_datetime(few)),
    }
    return labels(n, seed=1) | more


@pytest.mark.parametrize("kind", list(groups(9)))
@pytest.mark.parametrize(("name", "options"), IN_ORDER)
def test_groups_of_every_kind(name, options, kind):
    for n in (2, 3, 12, 70):
        if "LeaveP" in name and kind in ("each its own", "many") and n > 20:
            continue
        y, by = np.random.RandomState(3).randint(0, 2, n), groups(n)[kind]

        def call(m, s, y=y, by=by):
            splitter = getattr(m, name)(**options)
            return list(splitter.split(np.zeros((len(y), 1)), y, by))

        assert_same_outcome(call)
        assert_same_outcome(lambda m, s, by=by: getattr(m, name)(**options).get_n_splits(groups=by))


@pytest.mark.parametrize("kind", list(groups(9)))
@pytest.mark.parametrize("name", ["GroupKFold", "StratifiedGroupKFold", "GroupShuffleSplit"])
def test_shuffled_groups_of_every_kind(name, kind):
    options = {} if "Shuffle" in name else {"shuffle": True}
    for n in (5, 40):
        y, by = np.random.RandomState(3).randint(0, 2, n), groups(n)[kind]
        assert_same_outcome(
            lambda m, s, y=y, by=by: list(
                getattr(m, name)(3, random_state=s, **options).split(np.zeros(len(y)), y, by)
            ),
            0,
        )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "options"), SHUFFLED)
def test_random_states(name, options, seed):
    for n in (2, 12, 65, 1000, 3000):
        rng = np.random.RandomState(n)
        X, y, by = np.zeros((n, 2)), rng.randint(0, 3, n), rng.randint(0, 6, n)
        extra = by if "Group" in name else None
        assert_same_outcome(
            lambda m, s, X=X, y=y, by=extra: list(
                getattr(m, name)(random_state=s, **options).split(X, y, by)
            ),
            seed,
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["StratifiedShuffleSplit", "StratifiedGroupKFold", "RepeatedStratifiedKFold"]
)
def test_labels_of_every_kind(name, kind):
    options = {"shuffle": True, "n_splits": 2} if "GroupK" in name else {}
    for n in (2, 5, 40, 300):
        y, by = labels(n)[kind], np.arange(n) // 3
        extra = by if "Group" in name else None
        assert_same_outcome(
            lambda m, s, y=y, n=n, by=extra: list(
                getattr(m, name)(random_state=s, **options).split(np.zeros(n), y, by)
            ),
            0,
        )


@pytest.mark.parametrize("k", [2, 3, 5, 9, 17])
@pytest.mark.parametrize("n_classes", [1, 2, 7, 8, 9, 130, 300])
def test_stratified_groups_whatever_the_numbers_of_classes_and_folds(n_classes, k):
    rng = np.random.RandomState(n_classes)
    n = 20 * k * max(3, n_classes // 2)
    y, by = rng.randint(0, n_classes, n), rng.randint(0, 5 * k, n)
    for options in ({}, {"shuffle": True, "random_state": 2}):
        assert_same_outcome(
            lambda m, s, options=options: list(m.StratifiedGroupKFold(k, **options).split(y, y, by))
        )


def containers(n):
    X = np.arange(n * 2.0).reshape(n, 2)
    return [
        X,
        X.tolist(),
        sparse.csr_array(X),
        sparse.coo_array(X),
        pd.DataFrame(X),
        pl.DataFrame(X),
        range(n),
    ]


@pytest.mark.parametrize(
    ("name", "options"),
    [*SHUFFLED, *IN_ORDER[:2], *IN_ORDER[5:7], ("LeaveOneOut", {})],
)
def test_rows_of_anything(name, options):
    n = 30
    y, by = np.arange(n) % 2, np.arange(n) % 7
    extra = by if "Group" in name else None
    for X in containers(n):
        for Y in (y, y.tolist(), pd.Series(y)):
            assert_same_outcome(
                lambda m, s, X=X, Y=Y: list(
                    getattr(m, name)(**options, **({"random_state": s} if "Shuffle" in name else {})).split(
                        X, Y, extra
                    )
                ),
                0,
            )


def bad(m, name, X=6, y=None, groups=None, **options):
    X = np.zeros(X) if isinstance(X, int) else X
    return list(getattr(m, name)(**options).split(X, y, groups))


@pytest.mark.parametrize(
    "call",
    [
        lambda m, s: bad(m, "GroupKFold", n_splits=7),
        lambda m, s: bad(m, "GroupKFold", groups=np.zeros(5)),
        lambda m, s: bad(m, "GroupKFold", groups=[1, 1, 2, 2, 3, np.nan], n_splits=2),
        lambda m, s: bad(m, "GroupKFold", groups=np.zeros((6, 2)), n_splits=2),
        lambda m, s: bad(m, "GroupKFold", n_splits=2, random_state=1),
        lambda m, s: bad(m, "GroupKFold", groups=np.arange(6), n_splits=2, shuffle=True, random_state="a"),
        lambda m, s: bad(m, "StratifiedGroupKFold", groups=np.arange(6), n_splits=2),
        lambda m, s: bad(m, "StratifiedGroupKFold", y=np.arange(6), groups=np.arange(6), n_splits=2),
        lambda m, s: bad(m, "StratifiedGroupKFold", y=np.arange(6) / 4, groups=np.arange(6), n_splits=2),
        lambda m, s: bad(m, "StratifiedGroupKFold", y=np.arange(6) // 2, groups=np.arange(6), n_splits=3),
        lambda m, s: bad(
            m, "StratifiedGroupKFold", y=np.arange(6) // 2, groups=[0, 0, 0, 1, 1, 1], n_splits=3
        ),
        lambda m, s: bad(m, "StratifiedGroupKFold", y=np.arange(5) // 2, groups=np.arange(6), n_splits=3),
        lambda m, s: bad(m, "LeaveOneGroupOut"),
        lambda m, s: bad(m, "LeaveOneGroupOut", groups=np.zeros(6)),
        lambda m, s: bad(m, "LeavePGroupsOut", groups=[1, 1, 2, 2, 3, 3], n_groups=3),
        lambda m, s: m.LeaveOneGroupOut().get_n_splits(),
        lambda m, s: m.LeavePGroupsOut(2).get_n_splits(groups=[np.nan, 1]),
        lambda m, s: bad(m, "GroupShuffleSplit"),
        lambda m, s: bad(m, "GroupShuffleSplit", groups=np.arange(6), test_size=6),
        lambda m, s: bad(m, "GroupShuffleSplit", groups=np.arange(6), test_size=0.9, train_size=0.5),
        lambda m, s: bad(m, "GroupShuffleSplit", groups=np.arange(6), n_splits=2.0),
        lambda m, s: bad(m, "ShuffleSplit", test_size=10),
        lambda m, s: bad(m, "ShuffleSplit", test_size="a"),
        lambda m, s: bad(m, "ShuffleSplit", train_size=0.1),
        lambda m, s: bad(m, "ShuffleSplit", groups=np.zeros(6)),
        lambda m, s: bad(m, "ShuffleSplit", X=None),
        lambda m, s: bad(m, "ShuffleSplit", random_state="a"),
        lambda m, s: bad(m, "ShuffleSplit", n_splits=0),
        lambda m, s: bad(m, "StratifiedShuffleSplit", y=[0, 0, 0, 1, 1, 2]),
        lambda m, s: bad(m, "StratifiedShuffleSplit", y=[0, 0, 0, 1, 1, 1], test_size=1),
        lambda m, s: bad(m, "StratifiedShuffleSplit", y=[0, 0, 0, 1, 1, 1], train_size=1),
        lambda m, s: bad(m, "StratifiedShuffleSplit", y=[0, 0, 0, 1, 1], test_size=2),
        lambda m, s: bad(m, "StratifiedShuffleSplit", y=[0, 1] * 3, groups=np.zeros(6), test_size=2),
        lambda m, s: bad(m, "StratifiedShuffleSplit"),
        lambda m, s: bad(m, "LeaveOneOut", X=1),
        lambda m, s: bad(m, "LeaveOneOut", X=3, groups=np.zeros(3)),
        lambda m, s: bad(m, "RepeatedKFold", groups=np.zeros(6), n_repeats=1),
        lambda m, s: bad(m, "RepeatedKFold", n_repeats=0),
        lambda m, s: bad(m, "RepeatedStratifiedKFold", y=np.arange(6)),
        lambda m, s: list(m.PredefinedSplit([0, 1, 1]).split(groups=[1, 2, 3])),
        lambda m, s: list(m.PredefinedSplit([]).split()),
        lambda m, s: m.PredefinedSplit([[0, 1], [1, 0]]),
    ],
)
def test_errors_and_warnings_are_scikit_learns(call):
    assert_same_outcome(call)


def test_predefined_folds():
    for folds in ([0, 1, -1, 1], [5, -2, -1, 5, 5], [-1, -1], np.arange(300) % 260 - 1, [0.2, 1.7, 1.1]):
        assert_same_outcome(lambda m, s, folds=folds: list(m.PredefinedSplit(folds).split()))


def test_classes_of_several_labels():
    rng = np.random.RandomState(0)
    for y in (
        rng.randint(8, 12, (60, 2)),
        rng.rand(60, 3) > 0.5,
        rng.randint(0, 2, (60, 1)),
        np.array(["a", "a b", "b"])[rng.randint(0, 3, (60, 2))],
        np.array(["a", "a b", "b"], object)[rng.randint(0, 3, (60, 2))],
        rng.randint(0, 2, (60, 2)) / 2,
        np.where(rng.rand(60, 2) > 0.5, 0.0, -0.0),
        pd.DataFrame({"a": rng.randint(0, 2, 60), "b": np.array(["x", "y"])[rng.randint(0, 2, 60)]}),
    ):
        assert_same_outcome(
            lambda m, s, y=y: list(m.StratifiedShuffleSplit(3, test_size=0.4, random_state=0).split(y, y))
        )
        assert_same_outcome(
            lambda m, s, y=y: m.train_test_split(np.arange(60), stratify=y, test_size=0.4, random_state=0)
        )


@pytest.mark.parametrize("kind", KINDS)
def test_check_cv(kind):
    y = labels(40)[kind]
    for cv in (None, 3, np.int64(4), 1, "a", 1.5, ours.KFold(3), theirs.KFold(3), [([0], [1])]):
        for classifier in (True, False):
            for options in ({}, {"shuffle": True, "random_state": 0}):
                if options and "shuffle" not in inspect.signature(theirs.check_cv).parameters:
                    continue
                assert_same_outcome(
                    lambda m, s, cv=cv, classifier=classifier, options=options: repr(
                        m.check_cv(cv, y, classifier=classifier, **options)
                    ).partition(" object")[0]
                )
    assert type(ours.check_cv(3)) is ours.KFold
    assert type(ours.check_cv(3, labels(40)["int64"], classifier=True)) is ours.StratifiedKFold
    given = theirs.KFold(3)
    assert ours.check_cv(given) is given


@pytest.mark.parametrize(("name", "options"), SHUFFLED)
def test_each_split_is_drawn_when_it_is_asked_for(name, options):
    y = np.arange(60) % 2
    by = np.arange(60) % 7 if "Group" in name else None
    places = []
    for module in (ours, theirs):
        rng = np.random.RandomState(0)
        folds = getattr(module, name)(**options, random_state=rng).split(y, y, by)
        places.append([rng.get_state()[2]])
        for _ in folds:
            rng.rand()  # somebody else draws in between
            places[-1].append(rng.get_state()[2])
    assert places[0] == places[1]


@pytest.mark.parametrize(("name", "options"), SHUFFLED)
def test_other_generators_are_scikit_learns_to_draw_from(name, options):
    y = np.arange(60) % 2
    by = np.arange(60) % 7 if "Group" in name else None
    results = [
        list(
            getattr(m, name)(**options, random_state=np.random.RandomState(np.random.PCG64(0))).split(
                y, y, by
            )
        )
        for m in (ours, theirs)
    ]
    assert_same(*results)


@pytest.mark.parametrize(("name", "options"), [*SHUFFLED, *IN_ORDER, ("LeaveOneOut", {})])
def test_the_splitters_are_scikit_learns_otherwise(name, options):
    mine, other = (getattr(m, name)(**options) for m in (ours, theirs))
    assert isinstance(mine, getattr(theirs, name))
    assert repr(mine) == repr(other)
    assert str(mine.get_metadata_routing()) == str(other.get_metadata_routing())
    assert hasattr(mine, "set_split_request") == hasattr(other, "set_split_request")
    for method in ("split", "get_n_splits"):
        assert getattr(mine, method).__doc__ == getattr(other, method).__doc__
        assert inspect.signature(getattr(mine, method)) == inspect.signature(getattr(other, method))
    assert inspect.signature(type(mine)) == inspect.signature(type(other))
    pickle.loads(pickle.dumps(mine))


def test_subclasses_keep_their_folds():
    def evens(self, *args, **kwargs):
        yield np.arange(0, 8, 2)

    y = np.arange(9) % 3
    for name, maker in (
        ("GroupKFold", "_iter_test_indices"),
        ("StratifiedGroupKFold", "_iter_test_indices"),
        ("LeaveOneOut", "_iter_test_indices"),
    ):
        kinds = [type("Evens", (getattr(m, name),), {maker: evens}) for m in (ours, theirs)]
        assert_same(*(list(kind().split(y, y, y)) for kind in kinds))


def test_every_name_of_scikit_learns_module_is_there():
    experimental = {"HalvingGridSearchCV", "HalvingRandomSearchCV"}
    assert set(theirs.__all__) - experimental <= set(ours.__all__)


def test_what_goes_to_scikit_learn_goes_there_under_its_own_names_too():
    y = np.arange(12) / 4  # neither whole numbers nor texts
    calls = [
        lambda: list(ours.StratifiedKFold(2).split(y, y.astype(int).astype(complex))),
        lambda: list(ours.StratifiedShuffleSplit(2).split(y, y.astype(int).astype(complex))),
        lambda: ours.train_test_split(),
        lambda: repr(ours.check_cv(3)),
    ]
    before = [outcome(call) for call in calls]
    swapped = ferroflow.accelerate()
    try:
        assert "sklearn.model_selection.GroupKFold" in swapped
        assert_same([outcome(call) for call in calls], before)
    finally:
        ferroflow.restore()


def test_large_inputs():
    n = 200_000
    rng = np.random.RandomState(0)
    y, by = rng.randint(0, 10, n), rng.randint(0, 500, n)
    for call in (
        lambda m, s: list(m.GroupKFold(5).split(y, y, by)),
        lambda m, s: list(m.GroupKFold(5, shuffle=True, random_state=s).split(y, y, by)),
        lambda m, s: list(m.StratifiedShuffleSplit(2, random_state=s).split(y, y)),
        lambda m, s: list(m.ShuffleSplit(2, random_state=s).split(y, y)),
        lambda m, s: list(m.GroupShuffleSplit(2, random_state=s).split(y, y, by)),
        lambda m, s: list(m.StratifiedGroupKFold(5, shuffle=True, random_state=s).split(y, y, by)),
    ):
        assert_same_outcome(call, 1)


def test_folds_that_lie_in_blocks_of_huge_pages():
    n = 600_000
    y = np.random.RandomState(0).randint(0, 6, n)
    for call in (
        lambda m, s: list(m.KFold(3, shuffle=True, random_state=s).split(y)),
        lambda m, s: list(m.LeaveOneGroupOut().split(y, y, y)),
        lambda m, s: list(m.GroupShuffleSplit(1, test_size=2, train_size=3, random_state=s).split(y, y, y)),
        lambda m, s: list(m.ShuffleSplit(1, random_state=s).split(y, y)),
    ):
        assert_same_outcome(call, 1)


def test_cross_validation_takes_them():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.RandomState(0)
    X, y, by = rng.randn(80, 3), np.arange(80) % 2, np.arange(80) % 9
    scores = [
        theirs.cross_val_score(LogisticRegression(), X, y, groups=by, cv=m.GroupKFold(4))
        for m in (ours, theirs)
    ]
    assert_array_equal(*scores)
