"""MinMaxScaler, MaxAbsScaler, RobustScaler, Normalizer, Binarizer."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow import preprocessing as ours
from harness import Case, close, equal


def data(rows, dtype=np.float64):
    return np.random.RandomState(0).randn(rows, 10).astype(dtype)


def fit(name, rows, dtype=np.float64, **options):
    def make():
        X = data(rows, dtype)

        def run(module):
            return lambda: getattr(module, name)(**options).fit(X).scale_

        return run(ours), run(theirs)

    return make


def transform(name, rows, dtype=np.float64, method="transform", **options):
    def make():
        X = data(rows, dtype)

        def run(module):
            return getattr(getattr(module, name)(**options).fit(X), method)

        mine, other = run(ours), run(theirs)
        return lambda: mine(X), lambda: other(X)

    return make


def in_place(name):
    """Scaled, and back: the data stays what it is, but for rounding."""

    def make():
        def run(module):
            X = data(M)
            scaler = getattr(module, name)(copy=False).fit(X)
            return lambda: scaler.inverse_transform(scaler.transform(X))[:100].round(6)

        return run(ours), run(theirs)

    return make


def stored(function, rows=1_000_000):
    X = sparse.random(rows, 200, density=0.05, format="csr", random_state=0)
    return lambda: function(ours, X), lambda: function(theirs, X)


def function(name, rows):
    def make():
        X = data(rows)
        return lambda: getattr(ours, name)(X), lambda: getattr(theirs, name)(X)

    return make


M = 1_000_000
F64, F32 = M * 10 * 8, M * 10 * 4
SMALL = [1, 1000]
CASES = [
    Case("MinMaxScaler.fit 1M x 10", fit("MinMaxScaler", M), equal, 14, 24, reads=F64),
    Case("MinMaxScaler.fit 1M x 10 f32", fit("MinMaxScaler", M, np.float32), equal, reads=F32),
    Case("MaxAbsScaler.fit 1M x 10", fit("MaxAbsScaler", M), equal, 10, 16, reads=F64),
    Case("RobustScaler.fit 1M x 10", fit("RobustScaler", M), equal, 14, 28, reads=F64),
    Case("RobustScaler.fit 1M x 10 f32", fit("RobustScaler", M, np.float32), equal, reads=F32),
    Case("Normalizer.transform 1M x 10", transform("Normalizer", M), close(1e-14), 2, 3, F64, F64),
    Case(
        "Normalizer.transform 1M x 10 f32",
        transform("Normalizer", M, np.float32),
        close(1e-6),
        None,
        None,
        F32,
        F32,
    ),
    *(
        Case(f"{name}.{method} 1M x 10", transform(name, M, method=method), equal, None, None, F64, F64)
        for name, method in [
            ("MinMaxScaler", "transform"),
            ("MinMaxScaler", "fit_transform"),
            ("MinMaxScaler", "inverse_transform"),
            ("MaxAbsScaler", "transform"),
            ("RobustScaler", "transform"),
            ("Binarizer", "transform"),
        ]
    ),
    Case("RobustScaler.transform and back in place 1M x 10", in_place("RobustScaler"), equal),
    *(
        Case(f"{name}.fit {rows} x 10", fit(name, rows), equal)
        for name in ("MinMaxScaler", "MaxAbsScaler", "RobustScaler")
        for rows in SMALL
    ),
    *(
        Case(f"{name}.transform {rows} x 10", transform(name, rows), close(1e-14))
        for name in ("MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "Binarizer")
        for rows in SMALL
    ),
    Case(
        "MaxAbsScaler.fit_transform CSR 10M of 1M x 200",
        lambda: stored(lambda m, X: m.MaxAbsScaler().fit_transform(X).data),
        equal,
    ),
    Case("normalize l2 CSR 10M of 1M x 200", lambda: stored(lambda m, X: m.normalize(X).data), equal),
    *(
        Case(
            f"{name} l1 CSR {rows} x 200",
            lambda call=call, rows=rows: stored(call, rows),
            equal,
        )
        for name, call in (
            ("normalize", lambda m, X: m.normalize(X, norm="l1").data),
            ("Normalizer.fit_transform", lambda m, X: m.Normalizer("l1").fit_transform(X).data),
        )
        for rows in (1, 1000, M)
    ),
    Case(
        "binarize CSR 10M of 1M x 200", lambda: stored(lambda m, X: m.binarize(X, threshold=0.5).data), equal
    ),
    *(Case(f"{name} 1M x 10", function(name, M), close(1e-9)) for name in ("minmax_scale", "robust_scale")),
    *(
        Case(f"{name} 1000 x 10", function(name, 1000), close(1e-9))
        for name in ("scale", "minmax_scale", "maxabs_scale", "robust_scale", "normalize", "binarize")
    ),
]
