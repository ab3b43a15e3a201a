"""The frozen model against the pipeline that it was made from, one row and many."""

import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import ferroflow
from harness import Case

NUMBERS = [f"n{j}" for j in range(10)]
TEXTS = [f"t{j}" for j in range(5)]


def table(rows):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=rows) for name in NUMBERS})
    for name in TEXTS:
        frame[name] = rng.choice(["red", "green", "blue", "white"], rows)
    frame.loc[::10, "n0"] = np.nan
    return frame


def mixed():
    X = table(2_000)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [("n", numbers, NUMBERS), ("t", OneHotEncoder(handle_unknown="ignore"), TEXTS)]
    )
    return _frozen(make_pipeline(columns, LogisticRegression()), X, X["n1"] > 0)


def logistic():
    X = np.random.default_rng(0).normal(size=(2_000, 10))
    return _frozen(make_pipeline(StandardScaler(), LogisticRegression()), X, X[:, 0] > 0)


def _frozen(pipeline, X, y):
    pipeline.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BLAS's order of summation
        return pipeline, ferroflow.freeze(pipeline, X)


def one_dict():
    pipeline, model = mixed()
    frame = table(1)
    row = frame.to_dict(orient="records")[0]
    return lambda: model.predict(row), lambda: pipeline.predict(frame)[0]


def one_array():
    pipeline, model = logistic()
    row = np.random.default_rng(1).normal(size=(1, 10))
    return lambda: model.predict(row), lambda: pipeline.predict(row)


def one_logistic_dict():
    pipeline, model = logistic()
    row = np.random.default_rng(1).normal(size=(1, 10))
    named = {f"x{j}": value for j, value in enumerate(row[0].tolist())}
    return lambda: model.predict(named), lambda: pipeline.predict(row)[0]


def frames(rows):
    def make():
        pipeline, model = mixed()
        frame = table(rows)
        return lambda: model.predict(frame), lambda: pipeline.predict(frame)

    return make


def arrays(rows):
    def make():
        pipeline, model = logistic()
        X = np.random.default_rng(1).normal(size=(rows, 10))
        return lambda: model.predict_proba(X), lambda: pipeline.predict_proba(X)

    return make


def near(ours, theirs):
    """BLAS sums in another order."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


CASES = [
    Case(
        "frozen predict 1 row, dict, 15 mixed columns",
        one_dict,
        np.testing.assert_equal,
        2000,
        5000,
        n_jobs=False,
    ),
    Case(
        "frozen predict 1 row, dict, logistic of 10", one_logistic_dict, np.testing.assert_equal, n_jobs=False
    ),
    Case("frozen predict 1 row, array, logistic of 10", one_array, np.testing.assert_equal, n_jobs=False),
    Case("frozen predict 1,000 rows, frame, 15 mixed columns", frames(1_000), np.testing.assert_equal),
    Case("frozen predict 1M rows, frame, 15 mixed columns", frames(1_000_000), np.testing.assert_equal),
    Case("frozen predict_proba 1,000 rows, array of 10", arrays(1_000), near),
    Case("frozen predict_proba 1M rows, array of 10", arrays(1_000_000), near),
]
