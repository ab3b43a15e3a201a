"""SimpleImputer against the libraries that impute too."""

import numpy as np
import pandas as pd
import polars as pl
import rsklearn.impute as rsklearn
from feature_engine.imputation import ArbitraryNumberImputer, CategoricalImputer, MeanMedianImputer

from ferroflow.impute import SimpleImputer
from harness import Case

M = 1_000_000
NAMES = [f"c{j}" for j in range(20)]


def near(mine, theirs):
    """Imputed values; the filled ones are means of values of size 1."""
    np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-9, atol=1e-9)


def data(rows):
    rng = np.random.RandomState(0)
    X = rng.randn(rows, 20)
    X[rng.rand(rows, 20) < 0.1] = np.nan
    return X


def counts(rows):
    return np.floor(data(rows) * 20)


def against_rsklearn(strategy, rows):
    def make():
        X = (counts if strategy == "most_frequent" else data)(rows)
        return (
            lambda: SimpleImputer(strategy=strategy).fit_transform(X),
            lambda: rsklearn.SimpleImputer(strategy=strategy).fit_transform(X),
        )

    return make


def against_feature_engine(strategy, rows):
    def make():
        X = pd.DataFrame(data(rows), columns=NAMES)
        return (
            lambda: SimpleImputer(strategy=strategy).set_output(transform="pandas").fit_transform(X),
            lambda: MeanMedianImputer(imputation_method=strategy).fit_transform(X),
        )

    return make


def constants(rows):
    def make():
        X = pd.DataFrame(data(rows), columns=NAMES)
        ours = SimpleImputer(strategy="constant", fill_value=999).set_output(transform="pandas")
        return lambda: ours.fit_transform(X), lambda: ArbitraryNumberImputer(999).fit_transform(X)

    return make


def frequent_texts(rows):
    def make():
        rng = np.random.RandomState(0)
        words = np.array(["ash", "elm", "elm", "oak", np.nan], dtype=object)
        X = pd.DataFrame({name: words[rng.randint(5, size=rows)] for name in NAMES[:5]}, dtype=object)
        ours = SimpleImputer(strategy="most_frequent").set_output(transform="pandas")
        theirs = CategoricalImputer(imputation_method="frequent")
        return lambda: ours.fit_transform(X), lambda: theirs.fit_transform(X)

    return make


def equal(mine, theirs):
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def against_polars(strategy, rows):
    def make():
        X = pl.DataFrame(data(rows), schema=NAMES).with_columns(pl.all().fill_nan(None))
        fill = pl.all().fill_null(getattr(pl.all(), strategy)())
        return (
            lambda: SimpleImputer(strategy=strategy).set_output(transform="polars").fit_transform(X),
            lambda: X.select(fill),
        )

    return make


CASES = [
    *(
        Case(f"feature-engine: SimpleImputer {what} {size} frame", make(rows), equal)
        for what, make in (("constant", constants), ("most_frequent texts", frequent_texts))
        for size, rows in (("1000", 1_000), ("1M", M))
    ),
    *(
        Case(f"{rival}: SimpleImputer {strategy} {size}", make(strategy, rows), near)
        for rival, make, strategies in (
            ("rsklearn", against_rsklearn, ("mean", "median", "most_frequent")),
            ("feature-engine", against_feature_engine, ("mean", "median")),
            ("polars", against_polars, ("mean", "median")),
        )
        for strategy in strategies
        for size, rows in (("1000 x 20", 1_000), ("1M x 20", M))
    ),
]
