"""Quantile and power transforms, bins, polynomial terms."""

import numpy as np
from scipy import sparse
from sklearn import preprocessing as theirs

from ferroflow import preprocessing as ours
from harness import Case, close, equal


def data(rows, columns=10, dtype=np.float64):
    return np.random.RandomState(0).randn(rows, columns).astype(dtype)


def transform(name, rows, dtype=np.float64, **options):
    def make():
        learned = data(20_000, dtype=dtype)
        X = data(rows, dtype=dtype)
        same = {"random_state": 0} if name == "QuantileTransformer" else {}  # the same sample
        a, b = (getattr(kind, name)(**options, **same).fit(learned) for kind in (ours, theirs))
        return lambda: stored(a.transform(X)), lambda: stored(b.transform(X))

    return make


def fit(name, learned, rows, **options):
    def make():
        X = data(rows)
        a, b = (getattr(kind, name) for kind in (ours, theirs))
        return lambda: getattr(a(**options).fit(X), learned), lambda: getattr(b(**options).fit(X), learned)

    return make


def stored(out):
    """What is compared: all values, of a sparse matrix where its ones are."""
    return out.indices if hasattr(out, "indices") else out


def power(rows):
    """The same exponents on both sides, so that the values can be compared."""

    def make():
        X, learned = data(rows), data(20_000)
        b = theirs.PowerTransformer().fit(learned)
        a = ours.PowerTransformer().fit(learned)
        a.lambdas_, a._scaler = b.lambdas_, b._scaler
        return lambda: a.transform(X), lambda: b.transform(X)

    return make


def inverse(name, rows, **options):
    def make():
        learned, X = data(20_000), data(rows)
        b = getattr(theirs, name)(**options).fit(learned)
        a = getattr(ours, name)(**options).fit(learned)
        for state in ("lambdas_", "_scaler", "quantiles_"):
            if hasattr(b, state):
                setattr(a, state, getattr(b, state))
        Y = b.transform(X)
        return lambda: a.inverse_transform(Y), lambda: b.inverse_transform(Y)

    return make


def near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def of_stored(degree, rows):
    """Sparse terms, which both make by scikit-learn's own expansion."""

    def make():
        X = sparse.random(rows, 20, density=0.25, format="csr", random_state=0)
        a, b = (kind.PolynomialFeatures(degree).fit(X) for kind in (ours, theirs))
        return lambda: a.transform(X).data, lambda: b.transform(X).data

    return make


def flat(ours, theirs):
    """Exponents: the likelihood is flat at its maximum."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-7)


M = 1_000_000
VALUES = M * 10 * 8
CASES = [
    Case(
        "QuantileTransformer.transform 1M x 10",
        transform("QuantileTransformer", M),
        equal,
        20,
        40,
        VALUES,
        VALUES,
    ),
    Case(
        "QuantileTransformer.transform 1M x 10 f32",
        transform("QuantileTransformer", M, np.float32),
        equal,
        reads=VALUES // 2,
        writes=VALUES // 2,
    ),
    Case(
        "QuantileTransformer.transform 1M x 10 normal",
        transform("QuantileTransformer", M, output_distribution="normal"),
        close(1e-12),
        reads=VALUES,
        writes=VALUES,
    ),
    Case("QuantileTransformer.transform 1000 x 10", transform("QuantileTransformer", 1000), equal),
    Case("QuantileTransformer.transform 1 x 10", transform("QuantileTransformer", 1), equal),
    Case(
        "QuantileTransformer.fit 1M x 10", fit("QuantileTransformer", "quantiles_", M, random_state=0), equal
    ),
    Case(
        "QuantileTransformer.fit 1M x 10, all rows",
        fit("QuantileTransformer", "quantiles_", M, subsample=None),
        equal,
    ),
    Case("QuantileTransformer.fit 1000 x 10", fit("QuantileTransformer", "quantiles_", 1000), equal),
    Case(
        "PowerTransformer.fit 200k x 10",
        fit("PowerTransformer", "lambdas_", 200_000),
        flat,
        14,
        30,
        VALUES // 5,
    ),
    Case(
        "PowerTransformer.fit 200k x 10 Box-Cox",
        lambda: (
            lambda X: (
                lambda: ours.PowerTransformer("box-cox").fit(X).lambdas_,
                lambda: theirs.PowerTransformer("box-cox").fit(X).lambdas_,
            )
        )(np.exp(data(200_000))),
        flat,
        reads=VALUES // 5,
    ),
    Case("PowerTransformer.fit 1000 x 10", fit("PowerTransformer", "lambdas_", 1000), flat),
    Case("PowerTransformer.transform 1M x 10", power(M), near, reads=VALUES, writes=VALUES),
    Case("PowerTransformer.transform 1000 x 10", power(1000), near),
    Case("PowerTransformer.transform 1 x 10", power(1), near),
    Case(
        "KBinsDiscretizer.transform 1M x 10 ordinal",
        transform("KBinsDiscretizer", M, encode="ordinal"),
        equal,
        14,
        24,
        VALUES,
        VALUES,
    ),
    Case(
        "KBinsDiscretizer.transform 1M x 10 onehot",
        transform("KBinsDiscretizer", M),
        equal,
        8,
        15,
        VALUES,
        VALUES * 3 // 2,
    ),
    Case(
        "KBinsDiscretizer.transform 1000 x 10 ordinal",
        transform("KBinsDiscretizer", 1000, encode="ordinal"),
        equal,
    ),
    Case(
        "KBinsDiscretizer.transform 1 x 10 ordinal", transform("KBinsDiscretizer", 1, encode="ordinal"), equal
    ),
    Case("KBinsDiscretizer.transform 1 x 10 onehot", transform("KBinsDiscretizer", 1), equal),
    Case("KBinsDiscretizer.fit 1M x 10", fit("KBinsDiscretizer", "n_bins_", M, random_state=0), equal),
    Case("KBinsDiscretizer.fit 1000 x 10", fit("KBinsDiscretizer", "n_bins_", 1000), equal),
    Case(
        "PolynomialFeatures(2).transform 1M x 10",
        transform("PolynomialFeatures", M),
        equal,
        3,
        5,
        VALUES,
        VALUES * 66 // 10,
    ),
    Case("PolynomialFeatures(2).transform 1000 x 10", transform("PolynomialFeatures", 1000), equal),
    Case("PolynomialFeatures(2).transform 1 x 10", transform("PolynomialFeatures", 1), equal),
    Case(
        "PolynomialFeatures(2, order=F).transform 100k x 10",
        transform("PolynomialFeatures", 100_000, order="F"),
        equal,
        reads=VALUES // 10,
        writes=VALUES * 66 // 100,
    ),
    Case(
        "QuantileTransformer.inverse_transform 1M x 10",
        inverse("QuantileTransformer", M),
        equal,
        reads=VALUES,
        writes=VALUES,
    ),
    Case(
        "PowerTransformer.inverse_transform 1M x 10",
        inverse("PowerTransformer", M),
        near,
        reads=VALUES,
        writes=VALUES,
    ),
    Case(
        "SplineTransformer.transform 1M x 10",
        transform("SplineTransformer", M),
        equal,
        reads=VALUES,
        writes=7 * VALUES,
    ),
    Case("SplineTransformer.transform 1000 x 10", transform("SplineTransformer", 1000), equal),
    Case("SplineTransformer.transform 1 x 10", transform("SplineTransformer", 1), equal),
    *(
        Case(f"PolynomialFeatures({degree}).transform CSR {rows} x 20", of_stored(degree, rows), equal)
        for degree in (2, 3)
        for rows in (1, 1000, 100_000)
    ),
]
