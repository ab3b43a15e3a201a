"""Searches over pipelines: scikit-learn's classes in theirs, the same pipeline of ours in ours, one final estimator.

The final estimator is scikit-learn's in both, so what is measured is what candidates share, and the scoring.
"""

import numpy as np
import pandas as pd
import sklearn.compose
import sklearn.impute
import sklearn.model_selection
import sklearn.pipeline
import sklearn.preprocessing
from sklearn.linear_model import Ridge

import ferroflow.compose
import ferroflow.impute
import ferroflow.model_selection
import ferroflow.pipeline
import ferroflow.preprocessing
from harness import Case

NUMBERS = [f"n{j}" for j in range(20)]
TEXTS = [f"t{j}" for j in range(8)]
LEVELS = [3, 4, 5, 6, 8, 10, 12, 20]


def table(rows):
    rng = np.random.RandomState(0)
    X = {
        name: np.where(rng.rand(rows) < 0.05, np.nan, rng.randn(rows) * (j + 1))
        for j, name in enumerate(NUMBERS)
    }
    for name, levels in zip(TEXTS, LEVELS, strict=True):
        X[name] = rng.choice(np.array([f"level {k}" for k in range(levels)], dtype=object), rows)
    y = np.nan_to_num(X["n0"]) + rng.randn(rows)
    return pd.DataFrame(X), y


def pipeline(package):
    make, impute, prepare = package.pipeline.Pipeline, package.impute.SimpleImputer, package.preprocessing
    numbers = make([("fill", impute(strategy="median")), ("scale", prepare.StandardScaler())])
    texts = make(
        [("fill", impute(strategy="most_frequent")), ("code", prepare.OneHotEncoder(handle_unknown="ignore"))]
    )
    columns = package.compose.ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)])
    return make([("columns", columns), ("ridge", Ridge())])


def search(name, rows, space, **options):
    def make():
        X, y = table(rows)

        def run(package):
            return getattr(package.model_selection, name)(pipeline(package), space, cv=5, **options).fit(X, y)

        return lambda: run(ferroflow).cv_results_, lambda: run(sklearn).cv_results_

    return make


def one_fit(rows):
    def make():
        X, y = table(rows)
        return (
            lambda: ferroflow.model_selection.cross_val_score(pipeline(ferroflow), X, y, cv=5),
            lambda: sklearn.model_selection.cross_val_score(pipeline(sklearn), X, y, cv=5),
        )

    return make


def same_scores(ours, theirs):
    assert list(ours) == list(theirs), "other columns"
    for key in ours:
        if key.endswith("score"):
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-12)


def close_scores(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


ALPHAS = {"ridge__alpha": np.logspace(-2, 4, 10)}
BOTH = {**ALPHAS, "columns__numbers__fill__strategy": ["mean", "median"]}
CASES = [
    Case("GridSearchCV 10 alphas x 5 folds, 28 mixed columns, 100k", search("GridSearchCV", 100_000, ALPHAS), same_scores, 6, 15),
    Case("GridSearchCV 10 alphas x 5 folds, 28 mixed columns, 1000", search("GridSearchCV", 1000, ALPHAS), same_scores),
    Case("GridSearchCV 10 alphas x 2 imputers, 28 mixed columns, 20k", search("GridSearchCV", 20_000, BOTH), same_scores),
    Case("cross_val_score 5 folds, 28 mixed columns, 1000", one_fit(1000), close_scores),
]  # fmt: skip
