"""HuberRegressor and generalised linear models against scikit-learn's at its faster number of threads: the same optimum."""

import sklearn.linear_model

import ferroflow.linear_model
from cases.least_squares import rows
from harness import Case, close


def fit(name, n, p, target=lambda y: y, **options):
    def make():
        X, y = rows(n, p)
        y = target(y)
        mine, other = (getattr(m.linear_model, name)(**options) for m in (ferroflow, sklearn))
        return lambda: mine.fit(X, y).coef_, lambda: other.fit(X, y).coef_

    return make


CASES = [
    Case("HuberRegressor.fit 200k x 50", fit("HuberRegressor", 200_000, 50), close(1e-3)),
    Case("HuberRegressor.fit 1000 x 20", fit("HuberRegressor", 1000, 20), close(1e-3)),
]  # fmt: skip
