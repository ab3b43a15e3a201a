"""Scalers against the libraries that scale too."""

import numpy as np
import polars as pl
import rsklearn.preprocessing as rsklearn
import thermite.preprocessing as thermite

from ferroflow import preprocessing as ours
from harness import Case

M = 1_000_000
SIZES = {"1 x 20": 1, "1000 x 20": 1_000, "1M x 20": M}


def near(mine, theirs):
    """Scaled values, of size 1: an absolute error of some roundings of the means."""
    theirs = theirs.to_numpy() if isinstance(theirs, pl.DataFrame) else np.asarray(theirs)
    mine = mine.to_numpy() if isinstance(mine, pl.DataFrame) else mine
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


def data(rows):
    return np.random.RandomState(0).randn(rows, 20)


def fit_transform(rival, name, rows):
    def make():
        X = data(rows)
        mine, theirs = getattr(ours, name), getattr(rival, name)
        return lambda: mine().fit_transform(X), lambda: theirs().fit_transform(X)

    return make


ALL = pl.all()
EXPRESSIONS = {
    "StandardScaler": (ALL - ALL.mean()) / ALL.std(ddof=0),
    "MinMaxScaler": (ALL - ALL.min()) / (ALL.max() - ALL.min()),
    "MaxAbsScaler": ALL / ALL.abs().max(),
    "RobustScaler": (ALL - ALL.median())
    / (ALL.quantile(0.75, interpolation="linear") - ALL.quantile(0.25, interpolation="linear")),
}


def against_polars(name, rows, nulls):
    def make():
        X = data(rows)
        X[np.random.RandomState(1).rand(*X.shape) < nulls] = np.nan
        frame = pl.DataFrame(X, schema=[f"c{j}" for j in range(20)]).with_columns(ALL.fill_nan(None))
        mine, expression = getattr(ours, name), EXPRESSIONS[name]
        return (
            lambda: mine().set_output(transform="polars").fit_transform(frame),
            lambda: frame.select(expression),
        )

    return make


CASES = [
    *(
        Case(f"{module.__name__.split('.')[0]}: {name} {size}", fit_transform(module, name, rows), near)
        for module, names in (
            (rsklearn, ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer")),
            (thermite, ("StandardScaler", "MinMaxScaler")),
        )
        for name in names
        for size, rows in SIZES.items()
    ),
    *(
        Case(f"polars: {name} {size} frame{with_nulls}", against_polars(name, rows, nulls), near)
        for with_nulls, nulls in (("", 0.0), (" with nulls", 0.1))
        for name in EXPRESSIONS
        # One row has no spread, which the expressions divide by.
        for size, rows in list(SIZES.items())[1:]
    ),
]
