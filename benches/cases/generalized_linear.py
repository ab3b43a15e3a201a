"""HuberRegressor and generalised linear models against scikit-learn's at its faster number of threads: the same optimum."""

import numpy as np
import sklearn.linear_model

import ferroflow.linear_model
from cases.least_squares import rows
from harness import Case, close


def counts(y):
    return np.random.RandomState(1).poisson(np.exp(y / np.abs(y).max())) * 1.0


def costs(y):
    return np.random.RandomState(1).gamma(2, np.exp(y / np.abs(y).max()))


def predict(n, p):
    def make():
        X, y = rows(max(n, 100), p)
        mine, other = (m.linear_model.PoissonRegressor().fit(X, counts(y)) for m in (ferroflow, sklearn))
        other.coef_, other.intercept_ = mine.coef_, mine.intercept_
        return lambda: mine.predict(X[:n]), lambda: other.predict(X[:n])

    return make


def fit(name, n, p, target=lambda y: y, **options):
    def make():
        X, y = rows(n, p)
        y = target(y)
        mine, other = (getattr(m.linear_model, name)(**options) for m in (ferroflow, sklearn))
        return lambda: mine.fit(X, y).coef_, lambda: other.fit(X, y).coef_

    return make


CASES = [
    Case("PoissonRegressor.fit 500k x 50", fit("PoissonRegressor", 500_000, 50, counts), close(1e-4)),
    Case("PoissonRegressor.fit 1000 x 20", fit("PoissonRegressor", 1000, 20, counts), close(1e-4)),
    Case("PoissonRegressor.predict 500k x 50", predict(500_000, 50), close(1e-9)),
    Case("PoissonRegressor.predict 1 x 20", predict(1, 20), close(1e-9)),
    Case("GammaRegressor.fit 200k x 50", fit("GammaRegressor", 200_000, 50, costs), close(1e-4)),
    Case("TweedieRegressor.fit 200k x 50", fit("TweedieRegressor", 200_000, 50, costs, power=1.5), close(1e-4)),
    Case("HuberRegressor.fit 200k x 50", fit("HuberRegressor", 200_000, 50), close(1e-3)),
    Case("HuberRegressor.fit 1000 x 20", fit("HuberRegressor", 1000, 20), close(1e-3)),
]  # fmt: skip
