"""LinearRegression, Ridge, Lasso and ElasticNet against scikit-learn's at its faster number of threads."""

import numpy as np
import sklearn.linear_model

import ferroflow.linear_model
from harness import Case, close


def rows(n, p, dtype=np.float64):
    rng = np.random.RandomState(0)
    X = rng.randn(n, p).astype(dtype)
    X[:, 1] += X[:, 0]
    return X, (X @ rng.randn(p) + rng.randn(n)).astype(dtype)


def fit(name, n, p, dtype=np.float64, **options):
    def make():
        X, y = rows(n, p, dtype)
        mine, other = (getattr(m.linear_model, name)(**options) for m in (ferroflow, sklearn))
        return lambda: mine.fit(X, y).coef_, lambda: other.fit(X, y).coef_

    return make


def predict(n, p):
    def make():
        X, y = rows(max(n, 100), p)
        mine, other = (m.linear_model.LinearRegression().fit(X, y) for m in (ferroflow, sklearn))
        return lambda: mine.predict(X[:n]), lambda: other.predict(X[:n])

    return make


def near(ours, theirs):
    """Predictions, of which some are near zero."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


BYTES = 1_000_000 * 51 * 8
# Coefficients of size one: single precision sums a million terms to about four digits.
SINGLE = close(1e-2)
CASES = [
    Case("LinearRegression.fit 1M x 50 f64", fit("LinearRegression", 1_000_000, 50), close(1e-9), 15, 40, reads=BYTES),
    Case("LinearRegression.fit 1M x 50 f32", fit("LinearRegression", 1_000_000, 50, np.float32), SINGLE, reads=BYTES // 2),
    Case("LinearRegression.fit 1000 x 20", fit("LinearRegression", 1000, 20), close(1e-9)),
    Case("LinearRegression.fit 50 x 4", fit("LinearRegression", 50, 4), close(1e-9)),
    Case("LinearRegression.predict 1M x 50", predict(1_000_000, 50), near, reads=BYTES),
    Case("LinearRegression.predict 1 x 20", predict(1, 20), near),
    Case("Ridge.fit 1M x 50 f64", fit("Ridge", 1_000_000, 50), close(1e-9), 2.5, 6, reads=BYTES),
    Case("Ridge.fit 1M x 50 f32", fit("Ridge", 1_000_000, 50, np.float32), SINGLE, reads=BYTES // 2),
    Case("Ridge.fit 1000 x 20", fit("Ridge", 1000, 20), close(1e-9)),
    Case("Ridge.fit 20k x 1000", fit("Ridge", 20_000, 1000), close(1e-7)),
    Case("Lasso.fit 1M x 50", fit("Lasso", 1_000_000, 50, alpha=0.1), close(1e-9), 4, 10, reads=BYTES),
    Case("Lasso.fit 1000 x 20", fit("Lasso", 1000, 20, alpha=0.1), close(1e-9)),
    Case("ElasticNet.fit 1M x 50", fit("ElasticNet", 1_000_000, 50, alpha=0.1), close(1e-9), 4, 10, reads=BYTES),
    Case("ElasticNet.fit 1000 x 20", fit("ElasticNet", 1000, 20, alpha=0.1), close(1e-9)),
]  # fmt: skip
