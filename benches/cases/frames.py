"""Scalers and SimpleImputer on frames of pandas and polars, of one type and of several, with missing values; on whole numbers."""

import numpy as np
import pandas as pd
import polars as pl
from sklearn import impute as their_imputers
from sklearn import preprocessing as their_scalers

from ferroflow import impute, preprocessing
from harness import Case, close

NAMES = [f"c{j}" for j in range(20)]
SIZES = {"1": 1, "1000": 1_000, "1M": 1_000_000}
# Theirs converts nullable columns in seconds a million rows.
FEWER = {"1": 1, "1000": 1_000, "100k": 100_000}


def values(rows):
    return np.random.RandomState(0).randn(rows, 20) * 100


def with_missing(rows):
    X = values(rows)
    X[np.random.RandomState(1).rand(rows, 20) < 0.1] = np.nan
    X[0] = 1.0  # no column is empty
    return X


def int_and_float(rows):
    X = values(rows)
    return pd.DataFrame({name: X[:, j].astype("i8" if j % 2 else "f8") for j, name in enumerate(NAMES)})


TABLES = {
    "pandas float64": (lambda rows: pd.DataFrame(values(rows), columns=NAMES), SIZES),
    "pandas int64 and float64": (int_and_float, SIZES),
    "pandas Float64": (lambda rows: pd.DataFrame(with_missing(rows), columns=NAMES).astype("Float64"), FEWER),
    "pandas double[pyarrow]": (
        lambda rows: pd.DataFrame(with_missing(rows), columns=NAMES).astype("double[pyarrow]"),
        FEWER,
    ),
    "polars with nulls": (
        lambda rows: pl.DataFrame(with_missing(rows), schema=NAMES).with_columns(pl.all().fill_nan(None)),
        SIZES,
    ),
    "int64 array": (lambda rows: values(rows).astype("i8"), SIZES),
    "uint8 array": (lambda rows: np.abs(values(rows)).astype("u1"), SIZES),
}
ESTIMATORS = {
    "StandardScaler": lambda mine: (preprocessing if mine else their_scalers).StandardScaler(),
    "RobustScaler": lambda mine: (preprocessing if mine else their_scalers).RobustScaler(),
    "SimpleImputer mean": lambda mine: (impute if mine else their_imputers).SimpleImputer(),
}


def learn(estimator, frame, rows):
    def make():
        X = frame(rows)
        return tuple(lambda mine=mine: estimator(mine).fit_transform(X) for mine in (True, False))

    return make


CASES = [
    Case(f"{name}.fit_transform {size} x 20, {kind}", learn(estimator, frame, rows), close(1e-9), must=2)
    for kind, (frame, sizes) in TABLES.items()
    for name, estimator in ESTIMATORS.items()
    for size, rows in sizes.items()
]
