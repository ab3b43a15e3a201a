"""SimpleImputer."""

import numpy as np
import pandas as pd
from sklearn import impute as theirs

from ferroflow.impute import SimpleImputer
from harness import Case, equal


def data(rows, dtype=np.float64, order="C"):
    rng = np.random.RandomState(0)
    X = rng.randn(rows, 20).astype(dtype)
    if rows > 1:
        X[rng.rand(rows, 20) < 0.1] = np.nan
    return np.asarray(X, order=order)


def counts(rows):
    rng = np.random.RandomState(0)
    X = np.floor(rng.gamma(2, 20, (rows, 20)))
    X[rng.rand(rows, 20) < 0.1] = np.nan
    return X


def prices(rows):
    return np.round(np.exp(data(rows)), 2)


def texts(rows, dtype=object):
    rng = np.random.RandomState(0)
    words = np.array([f"word {k}" for k in range(50)], dtype=object)
    X = words[rng.randint(50, size=(rows, 5))]
    X[rng.rand(rows, 5) < 0.1] = np.nan
    return pd.DataFrame(X, columns=list("abcde")).astype(dtype)


def fit(make_data, strategy, **options):
    def make():
        X = make_data()
        return (
            lambda: SimpleImputer(strategy=strategy, **options).fit(X).statistics_,
            lambda: theirs.SimpleImputer(strategy=strategy, **options).fit(X).statistics_,
        )

    return make


def transform(make_data, strategy="mean", **options):
    def make():
        X = make_data()
        ours = SimpleImputer(strategy=strategy, **options).fit(X)
        sklearn = theirs.SimpleImputer(strategy=strategy, **options).fit(X)
        ours.statistics_ = sklearn.statistics_
        return lambda: ours.transform(X), lambda: sklearn.transform(X)

    return make


def near(ours, sklearn):
    """Means of standard normal values: the sums' roundings are absolute."""
    np.testing.assert_allclose(ours.astype(float), sklearn.astype(float), rtol=0, atol=1e-12)


M = 1_000_000
F64 = M * 20 * 8
CASES = [
    Case("SimpleImputer.fit mean 1M x 20 f64", fit(lambda: data(M), "mean"), near, 14, 26, F64),
    Case("SimpleImputer.fit median 1M x 20 f64", fit(lambda: data(M), "median"), equal, 45, 100, F64),
    Case(
        "SimpleImputer.fit most_frequent 1M x 20 f64",
        fit(lambda: data(M), "most_frequent"),
        equal,
        6,
        12,
        F64,
    ),
    Case(
        "SimpleImputer.fit most_frequent 1M x 20 counts",
        fit(lambda: counts(M), "most_frequent"),
        equal,
        reads=F64,
    ),
    Case(
        "SimpleImputer.fit most_frequent 1M x 20 prices",
        fit(lambda: prices(M), "most_frequent"),
        equal,
        reads=F64,
    ),
    Case("SimpleImputer.transform 1M x 20 f64", transform(lambda: data(M)), equal, 4.5, 7, F64, F64),
    Case(
        "SimpleImputer.transform 1M x 20 f32",
        transform(lambda: data(M, np.float32)),
        equal,
        reads=F64 // 2,
        writes=F64 // 2,
    ),
    Case(
        "SimpleImputer.transform 1M x 20 f64, F-ordered",
        transform(lambda: data(M, order="F")),
        equal,
        reads=F64,
        writes=F64,
    ),
    Case(
        "SimpleImputer.transform 1M x 20 f64, indicators",
        transform(lambda: data(M), add_indicator=True),
        equal,
        reads=F64,
        writes=2 * F64,
    ),
    *(
        Case(f"SimpleImputer.fit {strategy} {rows} x 20", fit(lambda r=rows: data(r), strategy), near)
        for rows in (1, 1000)
        for strategy in ("mean", "median", "most_frequent", "constant")
    ),
    *(
        Case(f"SimpleImputer.transform {rows} x 20", transform(lambda r=rows: data(r)), equal)
        for rows in (1, 1000)
    ),
    *(
        Case(
            f"SimpleImputer.{call} {strategy} 100k x 5 {dtype} frame",
            act(lambda d=dtype: texts(100_000, d), strategy, **options),
            equal,
            n_jobs=False,
        )
        for dtype in ("object", "str")
        for strategy, options in (("constant", {"fill_value": "(missing)"}), ("most_frequent", {}))
        for call, act in (("fit", fit), ("transform", transform))
    ),
]
