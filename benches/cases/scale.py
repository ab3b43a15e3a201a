"""StandardScaler."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow.preprocessing import StandardScaler
from harness import Case, close


def data(rows, dtype=np.float64, nan=0.0):
    rng = np.random.RandomState(0)
    X = rng.randn(rows, 20).astype(dtype)
    if nan:
        X[rng.rand(rows, 20) < nan] = np.nan
    return X


def fit(rows, dtype=np.float64, nan=0.0):
    def make():
        X = data(rows, dtype, nan)
        return lambda: StandardScaler().fit(X).var_, lambda: theirs.StandardScaler().fit(X).var_

    return make


def transform(rows, dtype=np.float64):
    def make():
        X = data(rows, dtype)
        ours, sklearn = StandardScaler().fit(X), theirs.StandardScaler().fit(X)
        return lambda: ours.transform(X), lambda: sklearn.transform(X)

    return make


def fit_transform(rows, dtype=np.float64):
    def make():
        X = data(rows, dtype)
        return lambda: StandardScaler().fit_transform(X), lambda: theirs.StandardScaler().fit_transform(X)

    return make


def near(rounding):
    """Standardised values, of size 1: an absolute error of some roundings."""

    def check(ours, sklearn):
        np.testing.assert_allclose(ours, sklearn, rtol=rounding, atol=rounding)

    return check


def sparse_fit_transform():
    X = sparse.random(1_000_000, 200, density=0.05, format="csr", random_state=0)

    def run(kind):
        return lambda: kind(with_mean=False).fit_transform(X).data

    return run(StandardScaler), run(theirs.StandardScaler)


M = 1_000_000
F64, F32 = M * 20 * 8, M * 20 * 4
CASES = [
    Case("StandardScaler.fit 1M x 20 f64", fit(M), close(1e-11), 14, 30, reads=F64),
    Case("StandardScaler.fit 1M x 20 f32", fit(M, np.float32), close(1e-9), 20, 40, reads=F32),
    Case("StandardScaler.fit 1M x 20 f64, 10% NaN", fit(M, nan=0.1), close(1e-11), 28, 55, reads=F64),
    Case("StandardScaler.transform 1M x 20 f64", transform(M), near(1e-10), 2.2, 4, reads=F64, writes=F64),
    Case("StandardScaler.transform 1M x 20 f32", transform(M, np.float32), near(1e-5), 2.5, 4.5, F32, F32),
    Case(
        "StandardScaler.fit_transform 1M x 20 f64",
        fit_transform(M),
        near(1e-10),
        6,
        10,
        reads=2 * F64,
        writes=F64,
    ),
    Case(
        "StandardScaler.fit_transform 1M x 20 f32",
        fit_transform(M, np.float32),
        near(1e-5),
        8,
        14,
        2 * F32,
        F32,
    ),
    Case("StandardScaler.fit_transform CSR 10M of 1M x 200", sparse_fit_transform, close(1e-11)),
    Case("StandardScaler.fit 1000 x 20", fit(1000), close(1e-11), 12, 25),
    Case("StandardScaler.transform 1000 x 20", transform(1000), near(1e-10), 8, 14),
    Case("StandardScaler.fit 1 x 20", fit(1), close(1e-11), 12, 30),
    Case("StandardScaler.transform 1 x 20", transform(1), near(1e-10), 15, 35),
]
