"""OneHotEncoder and OrdinalEncoder."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from sklearn import preprocessing as theirs

from ferroflow import preprocessing as ours
from harness import Case, equal


def data(kind, rows, categories):
    """One column of `categories` values, evenly drawn."""
    places = np.random.RandomState(0).randint(0, categories, rows)
    if kind == "int":
        return places[:, None]
    if kind == "float":
        return places[:, None] * 0.37
    texts = np.array([f"category {i}" for i in range(categories)], dtype=object)
    if kind == "objects":  # one object per category, as NumPy and pandas make them by indexing
        return texts[places][:, None]
    if kind == "distinct objects":  # one object per row, as parsers make them
        return np.array([f"category {i}" for i in places], dtype=object)[:, None]
    if kind == "str":
        return pd.DataFrame({"a": pd.Series(texts[places], dtype="str")})
    if kind == "category":
        return pd.DataFrame({"a": pd.Categorical.from_codes(places, texts)})
    if kind == "polars Categorical":
        return pl.DataFrame({"a": pl.Series(texts[places].tolist(), dtype=pl.Categorical)})
    if kind == "polars Enum":
        return pl.DataFrame({"a": pl.Series(texts[places].tolist(), dtype=pl.Enum(texts.tolist()))})
    return pa.table(
        {"a": pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(texts, pa.string()))}
    )


def same(mine, yours):
    if hasattr(yours, "indptr"):
        for part in ("indices", "indptr", "data"):
            equal(getattr(mine, part), getattr(yours, part))
    else:
        equal(mine, yours)


def fit_transform(name, kind, rows, categories):
    def make():
        X = data(kind, rows, categories)
        return lambda: getattr(ours, name)().fit_transform(X), lambda: getattr(theirs, name)().fit_transform(
            X
        )

    return make


def transform(name, kind, rows):
    def make():
        X = data(kind, 1000, 10)
        a, b = getattr(ours, name)().fit(X), getattr(theirs, name)().fit(X)
        Z = data(kind, rows, 10)
        return lambda: a.transform(Z), lambda: b.transform(Z)

    return make


M = 1_000_000
GOALS = {
    "objects": (6, 15),
    "distinct objects": (6, 15),
    "str": (11, 25),
    "int": (8, 20),
    "float": (6, 15),
    "category": (30, 100),
    "polars Categorical": (30, 100),
    "polars Enum": (30, 100),
    "pyarrow dictionary": (30, 100),
}
NAMES = ("OneHotEncoder", "OrdinalEncoder")


def case(name, what, kind, rows, categories, make, goals):
    writes = rows * (16 if name == "OneHotEncoder" else 8)
    row = f"{name}.{what} {rows if rows < M else '1M'} {kind}, {categories} kinds"
    return Case(row, make, same, *goals, writes=writes if rows == M else 0, n_jobs=False)


CASES = [
    case(name, "fit_transform", kind, M, n, fit_transform(name, kind, M, n), goals)
    for kind, goals in GOALS.items()
    for n in (10, 1000, 100_000)
    for name in NAMES
] + [
    case(name, what, kind, rows, 10, make, (0.95, 4))
    for kind in GOALS
    for rows in (1, 1000)
    for name in NAMES
    for what, make in (
        ("fit_transform", fit_transform(name, kind, rows, 10)),
        ("transform", transform(name, kind, rows)),
    )
]
