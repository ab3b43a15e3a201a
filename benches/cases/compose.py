"""ColumnTransformer: the same steps of ours in ours and in scikit-learn's, so that what lies between them is measured."""

import numpy as np
import pandas as pd
from sklearn import compose as theirs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline

from ferroflow import compose as ours
from ferroflow.impute import SimpleImputer
from ferroflow.preprocessing import OneHotEncoder, StandardScaler
from harness import Case, equal

NUMBERS = [f"n{j}" for j in range(10)]
TEXTS = [f"t{j}" for j in range(5)]


class Nothing(TransformerMixin, BaseEstimator):
    """A step that costs nothing, so that only what lies between the steps is left."""

    def fit(self, X, y=None):
        self.out_ = np.zeros((X.shape[0], X.shape[1]))
        return self

    def transform(self, X):
        return self.out_[: X.shape[0]]


def table(rows):
    rng = np.random.RandomState(0)
    numbers = {name: rng.randn(rows) for name in NUMBERS}
    texts = {name: rng.choice(["red", "green", "blue"], rows).astype(object) for name in TEXTS}
    return pd.DataFrame({**numbers, **texts})


def mixed(module, sparse_output=False):
    return module.ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            ("t", OneHotEncoder(handle_unknown="ignore", sparse_output=sparse_output), TEXTS),
        ],
        sparse_threshold=1.0 if sparse_output else 0,
    )


def numbers(module):
    return module.ColumnTransformer(
        [("a", StandardScaler(), NUMBERS[:6]), ("b", StandardScaler(), NUMBERS[6:])]
    )


def nothing(module):
    return module.ColumnTransformer([("a", Nothing(), NUMBERS), ("b", Nothing(), TEXTS)])


def transform(make_transformer, rows, part=lambda out: out):
    def make():
        X = table(max(rows, 1000))
        a, b = make_transformer(ours).fit(X), make_transformer(theirs).fit(X)
        X = X.iloc[:rows]
        return lambda: part(a.transform(X)), lambda: part(b.transform(X))

    return make


M = 1_000_000
CASES = [
    Case("ColumnTransformer.transform, steps of no cost, 1 row", transform(nothing, 1), equal),
    Case("ColumnTransformer.transform 15 mixed columns, 1 row", transform(mixed, 1), equal, 4, 10),
    Case("ColumnTransformer.transform 10 numbers, 1 row", transform(numbers, 1), equal),
    Case("ColumnTransformer.transform 15 mixed columns, 1000 rows", transform(mixed, 1000), equal),
    Case("ColumnTransformer.transform 10 numbers, 1M rows", transform(numbers, M), equal),
    Case("ColumnTransformer.transform 15 mixed columns, 1M rows", transform(mixed, M), equal),
    Case(
        "ColumnTransformer.transform 15 mixed columns, sparse, 1M rows",
        transform(lambda module: mixed(module, True), M, lambda out: out.data),
        equal,
    ),
]
