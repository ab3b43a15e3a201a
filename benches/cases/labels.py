"""Labels and hashed features: LabelEncoder, LabelBinarizer, MultiLabelBinarizer, FeatureHasher."""

import numpy as np
import pandas as pd
from sklearn import feature_extraction as their_features
from sklearn import preprocessing as theirs

from ferroflow import feature_extraction as our_features
from ferroflow import preprocessing as ours
from harness import Case, equal

M = 1_000_000


def labels(kind, rows, classes):
    places = np.random.RandomState(0).randint(0, classes, rows)
    if kind == "int":
        return places
    texts = np.array([f"class {i}" for i in range(classes)], dtype=object)[places]
    return texts if kind == "objects" else pd.Series(texts, dtype="str")


def same(mine, yours):
    if hasattr(yours, "indptr"):
        assert mine.shape == yours.shape
        mine, yours = mine.sorted_indices(), yours.sorted_indices()
        for part in ("indices", "indptr", "data"):
            equal(getattr(mine, part), getattr(yours, part))
    else:
        equal(mine, yours)


def fit_transform(name, make_data, modules=(ours, theirs), **options):
    def make():
        y = make_data()
        a, b = (getattr(module, name)(**options) for module in modules)
        return lambda: a.fit_transform(y), lambda: b.fit_transform(y)

    return make


def transform(name, make_data, **options):
    def make():
        y = make_data()
        a, b = getattr(ours, name)(**options).fit(y), getattr(theirs, name)(**options).fit(y)
        return lambda: a.transform(y), lambda: b.transform(y)

    return make


def sets(rows, kinds, of=str):
    rng = np.random.RandomState(0)
    names = [f"label {i}" if of is str else i for i in range(kinds)]
    ends = np.cumsum(rng.randint(0, 8, rows))
    drawn = rng.randint(0, kinds, ends[-1])
    return [[names[i] for i in part] for part in np.split(drawn, ends[:-1])]


def samples(kind, rows):
    words = sets(rows, 20_000)
    if kind == "string":
        return words
    pairs = [[(word, i + 0.5) for i, word in enumerate(row)] for row in words]
    return pairs if kind == "pair" else [dict(row) for row in pairs]


GOALS = {"objects": (6, 20), "str": (8, 20), "int": (5, 12)}
BOTH = our_features, their_features

CASES = (
    [
        Case(
            f"LabelEncoder.fit_transform 1M {kind}, {n} classes",
            fit_transform("LabelEncoder", lambda kind=kind, n=n: labels(kind, M, n)),
            same,
            *goals,
            writes=8 * M,
            n_jobs=False,
        )
        for kind, goals in GOALS.items()
        for n in (10, 1000)
    ]
    + [
        Case(
            f"LabelBinarizer.fit_transform 1M {kind}, 1000 classes, sparse",
            fit_transform("LabelBinarizer", lambda kind=kind: labels(kind, M, 1000), sparse_output=True),
            same,
            *goals,
            writes=24 * M,
            n_jobs=False,
        )
        for kind, goals in (("objects", (100, 300)), ("int", (5, 12)))
    ]
    + [
        Case(
            f"LabelBinarizer.fit_transform 1M {kind}, {n} classes",
            fit_transform("LabelBinarizer", lambda kind=kind, n=n: labels(kind, M, n)),
            same,
            3,
            8,
            writes=8 * M * (1 if n == 2 else n),
            n_jobs=False,
        )
        for kind in ("objects", "int")
        for n in (2, 10)
    ]
    + [
        Case(
            f"{name}.{what} {rows} {kind}, 10 classes",
            make(name, lambda kind=kind, rows=rows: labels(kind, rows, 10)),
            same,
            0.95,
            4,
            n_jobs=False,
        )
        for name in ("LabelEncoder", "LabelBinarizer")
        for what, make in (("fit_transform", fit_transform), ("transform", transform))
        for kind in ("objects", "int")
        for rows in (1, 1000)
    ]
    + [
        Case(
            f"MultiLabelBinarizer.fit_transform {rows} of {of.__name__}, 1000 kinds, sparse",
            fit_transform(
                "MultiLabelBinarizer", lambda rows=rows, of=of: sets(rows, 1000, of), sparse_output=True
            ),
            same,
            *goals,
            n_jobs=False,
        )
        for rows, goals in ((1, (0.95, 2)), (1000, (0.95, 2)), (300_000, (2, 4)))
        for of in (str, int)
    ]
    + [
        Case(
            f"FeatureHasher.transform {rows} {kind}",
            fit_transform(
                "FeatureHasher", lambda rows=rows, kind=kind: samples(kind, rows), BOTH, input_type=kind
            ),
            same,
            *goals,
            n_jobs=False,
        )
        for rows, goals in ((1, (0.95, 2)), (1000, (0.95, 2)), (300_000, (2, 4)))
        for kind in ("dict", "pair", "string")
    ]
)
