"""TargetEncoder, cross-fitted."""

import warnings

import numpy as np
from sklearn import preprocessing as theirs

from cases.encode import GOALS, M, data
from ferroflow import preprocessing as ours
from harness import Case

# Before 1.11 both take `random_state`; that it is deprecated is no news here.
warnings.filterwarnings("ignore", message="`TargetEncoder.shuffle`")


def same(mine, yours):
    """Sums are added up in another order; those of numbers about zero may cancel."""
    np.testing.assert_allclose(mine, yours, rtol=1e-11, atol=1e-13)


def target(kind, rows):
    rng = np.random.RandomState(1)
    return {
        "binary": rng.randint(0, 2, rows),
        "ten classes": rng.randint(0, 10, rows),
        "numbers": rng.randn(rows),
    }[kind]


def fit_transform(kind, rows, categories, of):
    def make():
        X, y = data(kind, rows, categories), target(of, rows)
        return (
            lambda: ours.TargetEncoder(random_state=0).fit_transform(X, y),
            lambda: theirs.TargetEncoder(random_state=0).fit_transform(X, y),
        )

    return make


def transform(kind, rows, of):
    def make():
        X, y = data(kind, 1000, 10), target(of, 1000)
        a, b = ours.TargetEncoder().fit(X, y), theirs.TargetEncoder().fit(X, y)
        Z = data(kind, rows, 10)
        return lambda: a.transform(Z), lambda: b.transform(Z)

    return make


MUST = {"objects": (6, 15), "distinct objects": (6, 15), "str": (9, 20), "int": (9, 20), "float": (6, 15)}


def case(what, kind, rows, categories, of, make, goals):
    row = f"TargetEncoder.{what} {rows if rows < M else '1M'} {kind}, {categories} kinds, {of}"
    return Case(row, make, same, *goals, writes=rows * 8 if rows == M else 0, n_jobs=False)


CASES = (
    [
        case("fit_transform", kind, M, n, of, fit_transform(kind, M, n, of), MUST[kind])
        for kind in ("objects", "str", "int")
        for n in (10, 1000, 100_000)
        for of in ("binary", "numbers")
    ]
    + [
        case("fit_transform", kind, M, 1000, of, fit_transform(kind, M, 1000, of), (6, 15))
        for kind, of in [("int", "ten classes")] + [(k, "binary") for k in GOALS if k not in MUST]
    ]
    + [
        case(what, kind, rows, 10, "binary", make, (0.95, 4))
        for kind in GOALS
        for rows in (20, 1000)
        for what, make in (
            ("fit_transform", fit_transform(kind, rows, 10, "binary")),
            ("transform", transform(kind, rows, "binary")),
        )
    ]
)
