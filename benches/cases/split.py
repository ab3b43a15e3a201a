"""Splitters and train_test_split."""

import numpy as np
from sklearn import model_selection as theirs

import ferroflow.model_selection as ours
from harness import Case


def same(mine, sklearn):
    assert len(mine) == len(sklearn)
    for a, b in zip(mine, sklearn, strict=True):
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        else:
            same(a, b)


def labels(rows, kind):
    y = np.random.RandomState(0).randint(0, 10, rows)
    if rows < 5:
        y[:] = 0
    match kind:
        case "object":
            return np.array([f"class {c}" for c in range(10)], dtype=object)[y]
        case "distinct":
            return np.array([f"class {c}" for c in y], dtype=object)
        case "str":
            return np.array([f"class {c}" for c in range(10)])[y]
    return y


def kfold(rows, shuffle=True):
    def make():
        X = np.zeros((rows, 1))
        k, options = min(5, rows), {"shuffle": True, "random_state": 0} if shuffle else {}
        return (
            lambda: list(ours.KFold(k, **options).split(X)),
            lambda: list(theirs.KFold(k, **options).split(X)),
        )

    return make


def stratified(rows, kind="int", shuffle=True):
    def make():
        X, y = np.zeros((rows, 1)), labels(rows, kind)
        k, options = min(5, rows), {"shuffle": True, "random_state": 0} if shuffle else {}
        return (
            lambda: list(ours.StratifiedKFold(k, **options).split(X, y)),
            lambda: list(theirs.StratifiedKFold(k, **options).split(X, y)),
        )

    return make


def halves(rows, stratify=False, columns=20, **options):
    def make():
        X, y = np.random.RandomState(0).randn(rows, columns), labels(rows, "int")
        if options.get("shuffle", True):
            options["random_state"] = 0
        by = y if stratify else None
        return (
            lambda: ours.train_test_split(X, y, stratify=by, **options),
            lambda: theirs.train_test_split(X, y, stratify=by, **options),
        )

    return make


def splitter(name, rows, groups=0, kind="int", draws=True, **options):
    """A splitter by its name, with so many groups."""

    def make():
        X, y, rng = np.zeros((rows, 1)), labels(rows, kind), np.random.RandomState(1)
        by = rng.randint(0, groups, rows) if groups else None
        if kind == "object" and groups:
            by = np.array([f"group {g}" for g in range(groups)], dtype=object)[by]
        if draws:
            options["random_state"] = 0

        def folds(module):
            return list(getattr(module, name)(**options).split(X, y, by))

        return lambda: folds(ours), lambda: folds(theirs)

    return make


def small():
    """Every splitter, on few rows."""
    rows, few = 1000, {"groups": 20}
    for title, make in [
        ("GroupKFold", splitter("GroupKFold", rows, draws=False, **few)),
        ("GroupKFold shuffled", splitter("GroupKFold", rows, shuffle=True, **few)),
        ("StratifiedGroupKFold", splitter("StratifiedGroupKFold", rows, draws=False, **few)),
        ("GroupShuffleSplit", splitter("GroupShuffleSplit", rows, **few)),
        ("ShuffleSplit", splitter("ShuffleSplit", rows)),
        ("ShuffleSplit of a RandomState", from_state("ShuffleSplit", rows)),
        ("StratifiedShuffleSplit", splitter("StratifiedShuffleSplit", rows)),
        ("RepeatedKFold", splitter("RepeatedKFold", rows, n_repeats=2)),
        ("RepeatedStratifiedKFold", splitter("RepeatedStratifiedKFold", rows, n_repeats=2)),
        ("LeaveOneGroupOut", splitter("LeaveOneGroupOut", rows, draws=False, **few)),
        ("LeavePGroupsOut(2)", splitter("LeavePGroupsOut", rows, draws=False, n_groups=2, **few)),
        ("LeaveOneOut", splitter("LeaveOneOut", rows, draws=False)),
        ("PredefinedSplit", predefined(rows)),
        ("check_cv", checked(rows)),
    ]:
        yield Case(f"{title} 1000", make, same, 0.95)


def from_state(name, rows):
    def make():
        X, rng = np.zeros((rows, 1)), np.random.RandomState(0)
        state = rng.get_state()

        def folds(module):
            rng.set_state(state)
            return list(getattr(module, name)(random_state=rng).split(X))

        return lambda: folds(ours), lambda: folds(theirs)

    return make


def predefined(rows):
    def make():
        folds = np.random.RandomState(0).randint(-1, 5, rows)
        a, b = ours.PredefinedSplit(folds), theirs.PredefinedSplit(folds)
        return lambda: list(a.split()), lambda: list(b.split())

    return make


def checked(rows):
    def make():
        y = labels(rows, "int")

        def name(module):
            return np.array([type(module.check_cv(5, y, classifier=True)).__name__])

        return lambda: [name(ours)], lambda: [name(theirs)]

    return make


M = 1_000_000
FOLDS, TABLE = 5 * M * 8, M * 21 * 8
CASES = [
    Case("KFold shuffled 1M", kfold(M), same, 2.5, 7, writes=FOLDS),
    Case("KFold in order 1M", kfold(M, False), same, 0.95, writes=FOLDS),
    Case("StratifiedKFold shuffled 1M int", stratified(M), same, 7, 15, M * 8, FOLDS),
    Case("StratifiedKFold in order 1M int", stratified(M, shuffle=False), same, 0.95, None, M * 8, FOLDS),
    Case("StratifiedKFold shuffled 1M object strings", stratified(M, "object"), same, 20, 50, M * 8, FOLDS),
    Case(
        "StratifiedKFold shuffled 1M distinct objects", stratified(M, "distinct"), same, 20, 50, M * 8, FOLDS
    ),
    Case(
        "StratifiedKFold shuffled 1M fixed-width str", stratified(M, "str"), same, 0.95, None, M * 28, FOLDS
    ),
    Case("train_test_split stratified 1M x 20 f64", halves(M, True), same, 4.5, 7.5, TABLE, TABLE),
    Case("train_test_split shuffled 1M x 20 f64", halves(M), same, 0.95, None, TABLE, TABLE),
    Case("train_test_split in order 1M x 20 f64", halves(M, shuffle=False), same, 0.95, None, TABLE, TABLE),
    Case(
        "GroupKFold 1M, 10k groups",
        splitter("GroupKFold", M, 10_000, draws=False),
        same,
        8,
        16,
        M * 8,
        FOLDS,
    ),
    Case(
        "GroupKFold shuffled 1M, 10k groups",
        splitter("GroupKFold", M, 10_000, shuffle=True),
        same,
        8,
        16,
        M * 8,
        FOLDS,
    ),
    Case(
        "GroupKFold 1M, 10k groups that are object strings",
        splitter("GroupKFold", M, 10_000, "object", draws=False),
        same,
        8,
        16,
        M * 8,
        FOLDS,
    ),
    Case(
        "StratifiedGroupKFold 1M x 10k groups",
        splitter("StratifiedGroupKFold", M, 10_000, draws=False),
        same,
        100,
        180,
        M * 16,
        FOLDS,
    ),
    Case(
        "StratifiedShuffleSplit 1M, 5 splits",
        splitter("StratifiedShuffleSplit", M, n_splits=5),
        same,
        12,
        20,
        M * 8,
        FOLDS,
    ),
    Case("ShuffleSplit 1M, 5 splits", splitter("ShuffleSplit", M, n_splits=5), same, 0.95, writes=FOLDS),
    Case(
        "GroupShuffleSplit 1M, 10k groups", splitter("GroupShuffleSplit", M, 10_000), same, 0.95, writes=FOLDS
    ),
    Case(
        "LeaveOneGroupOut 1M, 5 groups",
        splitter("LeaveOneGroupOut", M, 5, draws=False),
        same,
        0.95,
        None,
        M * 8,
        FOLDS,
    ),
    Case("PredefinedSplit 1M, 5 folds", predefined(M), same, 0.95, None, M * 8, FOLDS),
    Case("check_cv 1M", checked(M), same, 0.95, None, M * 8),
    Case("KFold shuffled 1000", kfold(1000), same, 0.95),
    Case("StratifiedKFold shuffled 1000 int", stratified(1000), same, 0.95),
    Case("StratifiedKFold shuffled 1000 object strings", stratified(1000, "object"), same, 0.95),
    Case("train_test_split stratified 1000 x 20 f64", halves(1000, True), same, 0.95),
    Case("train_test_split shuffled 1000 x 20 f64", halves(1000), same, 0.95),
    Case("train_test_split in order 1000 x 20 f64", halves(1000, shuffle=False), same, 0.95),
    *small(),
    # Two rows are the fewest that can be split; four to stratify.
    Case("KFold shuffled 2", kfold(2), same, 0.95),
    Case("StratifiedKFold shuffled 2 int", stratified(2), same, 0.95),
    Case("train_test_split shuffled 2 x 20 f64", halves(2), same, 0.95),
    Case("train_test_split stratified 4 x 20 f64", halves(4, True), same, 0.95),
]
