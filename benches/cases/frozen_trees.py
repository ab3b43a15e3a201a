"""Frozen forests against scikit-learn's own, one row and many."""

import functools
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import ferroflow
from cases.frozen import NUMBERS, TEXTS, table
from harness import Case


def _frozen(model, X, y):
    model.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model, ferroflow.freeze(model, X)


@functools.cache
def forest():
    """About 70,000 nodes: 100 trees of depth 12."""
    X, y = make_classification(20_000, 20, n_informative=10, random_state=0)
    return _frozen(
        RandomForestClassifier(100, max_depth=12, min_samples_leaf=7, random_state=0), X.astype(np.float32), y
    )


@functools.cache
def mixed():
    X = table(2_000)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [("n", numbers, NUMBERS), ("t", OneHotEncoder(handle_unknown="ignore"), TEXTS)], sparse_threshold=0
    )
    forest = RandomForestClassifier(100, max_depth=12, random_state=0)
    return _frozen(make_pipeline(columns, forest), X, (X["n1"] + 0.3 * X["n2"] > 0) ^ (X["t0"] == "red"))


@functools.cache
def boosted():
    X, y = make_classification(20_000, 20, n_informative=10, random_state=0)
    return _frozen(HistGradientBoostingRegressor(random_state=0), X, y + X[:, 0])


def one_dict():
    model, frozen = forest()
    row = rows(1)
    named = {f"x{j}": float(value) for j, value in enumerate(row[0])}
    return lambda: frozen.predict_proba(named), lambda: model.predict_proba(row)[0]


def one_mixed_dict():
    pipeline, frozen = mixed()
    frame: pd.DataFrame = table(1)
    row = frame.to_dict(orient="records")[0]
    return lambda: frozen.predict(row), lambda: pipeline.predict(frame)[0]


def rows(n):
    return np.random.default_rng(1).normal(size=(n, 20)).astype(np.float32)


def arrays(n):
    def make():
        (model, frozen), X = forest(), rows(n)
        return lambda: frozen.predict_proba(X), lambda: model.set_params(n_jobs=None).predict_proba(X)

    return make


def boosted_arrays(n):
    def make():
        (model, frozen), X = boosted(), rows(n).astype(np.float64)
        return lambda: frozen.predict(X), lambda: model.predict(X)

    return make


EQUAL = np.testing.assert_array_equal
CASES = [
    Case("frozen predict_proba 1 row, dict, forest of 100 trees", one_dict, EQUAL, n_jobs=False),
    Case("frozen predict_proba 1 row, array, forest of 100 trees", arrays(1), EQUAL, n_jobs=False),
    Case("frozen predict_proba 1,000 rows, forest of 100 trees", arrays(1_000), EQUAL),
    Case("frozen predict_proba 100k rows, forest of 100 trees", arrays(100_000), EQUAL, 5, 10),
    Case(
        "frozen predict 1 row, dict, 15 mixed columns, forest of 100",
        one_mixed_dict,
        EQUAL,
        1600,
        4000,
        n_jobs=False,
    ),
    Case("frozen predict 1 row, array, histogram boosting", boosted_arrays(1), EQUAL),
    Case("frozen predict 100k rows, histogram boosting", boosted_arrays(100_000), EQUAL),
]
