"""KNNImputer, IterativeImputer and MissingIndicator: values found from other columns, and where they are missing."""

import warnings

import numpy as np
from sklearn import impute as theirs
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

from ferroflow.impute import IterativeImputer, KNNImputer, MissingIndicator
from harness import Case, equal


def data(rows, columns, dtype=np.float64, whole=False, seed=0):
    """Columns that say something of each other, as those of real tables."""
    rng = np.random.RandomState(seed)
    X = rng.randn(rows, columns) @ rng.randn(columns, columns)
    X = (np.floor(X) if whole else X).astype(dtype)
    if rows > 1:
        X[rng.rand(rows, columns) < 0.1] = np.nan
    return X


def fit_transform(name, ours, make_data, **options):
    def make():
        X = make_data()

        def run(cls):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # IterativeImputer has not converged after 10 rounds
                return cls(**options).fit_transform(X)

        return lambda: run(ours), lambda: run(getattr(theirs, name))

    return make


def transform(name, ours, fit_on, make_data, **options):
    def make():
        X, rows = fit_on(), make_data()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mine, yours = ours(**options).fit(X), getattr(theirs, name)(**options).fit(X)
        return lambda: mine.transform(rows), lambda: yours.transform(rows)

    return make


def near(rtol):
    """Rounding of distances and of singular values, against the largest value."""

    def check(ours, sklearn):
        np.testing.assert_allclose(ours, sklearn, rtol=rtol, atol=rtol * np.abs(sklearn).max())

    return check


def knn(*args, **options):
    return fit_transform("KNNImputer", KNNImputer, *args, **options)


def iterative(*args, **options):
    return fit_transform("IterativeImputer", IterativeImputer, *args, **options)


def indicator(*args, **options):
    return fit_transform("MissingIndicator", MissingIndicator, *args, **options)


M = 1_000_000
CASES = [
    Case("KNNImputer 10k x 20 f64", knn(lambda: data(10_000, 20)), near(1e-12), 8, 20),
    Case(
        "KNNImputer 10k x 20 f64, by distance", knn(lambda: data(10_000, 20), weights="distance"), near(1e-9)
    ),
    Case("KNNImputer 10k x 20 f32", knn(lambda: data(10_000, 20, np.float32)), near(1e-5)),
    Case("KNNImputer 10k x 20 whole numbers (ties)", knn(lambda: data(10_000, 20, whole=True)), near(1e-12)),
    Case("IterativeImputer 20k x 10 f64", iterative(lambda: data(20_000, 10)), near(1e-9), 3, 8),
    Case("IterativeImputer 20k x 10 f32", iterative(lambda: data(20_000, 10, np.float32)), near(1e-3)),
    Case("MissingIndicator 1M x 20 f64", indicator(lambda: data(M, 20)), equal, reads=M * 160, writes=M * 20),
    Case("MissingIndicator 1M x 20 f32", indicator(lambda: data(M, 20, np.float32)), equal, reads=M * 80),
    *(
        Case(f"KNNImputer.transform {rows} x 20, 1000 rows fitted", case, near(1e-12))
        for rows, case in (
            (1, transform("KNNImputer", KNNImputer, lambda: data(1000, 20), lambda: data(2, 20)[1:])),
            (
                1000,
                transform("KNNImputer", KNNImputer, lambda: data(1000, 20), lambda: data(1000, 20, seed=1)),
            ),
        )
    ),
    *(
        Case(
            f"IterativeImputer.transform {rows} x 10",
            transform(
                "IterativeImputer",
                IterativeImputer,
                lambda: data(1000, 10),
                lambda r=rows: data(r + 1, 10, seed=1)[1:],
            ),
            near(1e-9),
        )
        for rows in (1, 1000)
    ),
    *(
        Case(f"MissingIndicator {rows} x 20", indicator(lambda r=rows: data(r, 20)), equal)
        for rows in (1, 1000)
    ),
]
