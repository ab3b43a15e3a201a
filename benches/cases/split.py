"""KFold, StratifiedKFold, train_test_split."""

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
    Case("KFold shuffled 1000", kfold(1000), same, 0.95),
    Case("StratifiedKFold shuffled 1000 int", stratified(1000), same, 0.95),
    Case("StratifiedKFold shuffled 1000 object strings", stratified(1000, "object"), same, 0.95),
    Case("train_test_split stratified 1000 x 20 f64", halves(1000, True), same, 0.95),
    Case("train_test_split shuffled 1000 x 20 f64", halves(1000), same, 0.95),
    Case("train_test_split in order 1000 x 20 f64", halves(1000, shuffle=False), same, 0.95),
    # Two rows are the fewest that can be split; four to stratify.
    Case("KFold shuffled 2", kfold(2), same, 0.95),
    Case("StratifiedKFold shuffled 2 int", stratified(2), same, 0.95),
    Case("train_test_split shuffled 2 x 20 f64", halves(2), same, 0.95),
    Case("train_test_split stratified 4 x 20 f64", halves(4, True), same, 0.95),
]
