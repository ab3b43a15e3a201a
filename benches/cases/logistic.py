"""LogisticRegression against scikit-learn's at its faster number of threads: to the same objective, or a lower one."""

import warnings

import numpy as np
import sklearn.linear_model
from sklearn.exceptions import ConvergenceWarning

import ferroflow.linear_model
from harness import Case, close

warnings.simplefilter("ignore", ConvergenceWarning)


def rows(n, p, spread=1.0, classes=2):
    rng = np.random.RandomState(0)
    X = rng.randn(n, p)
    z = X @ rng.randn(p, classes) / np.sqrt(p) + rng.gumbel(size=(n, classes))
    return X * np.logspace(-np.log10(spread), np.log10(spread), p), z.argmax(axis=1)


def objective(model, X, y):
    z = X @ model.coef_.T + model.intercept_
    if z.shape[1] == 1:
        z = np.column_stack([np.zeros(len(z)), z])
    top = z.max(axis=1)
    losses = top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(z)), y]
    return losses.sum() + (model.coef_**2).sum() / 2


def fit(n, p, spread=1.0, classes=2, max_iter=100):
    def make():
        X, y = rows(n, p, spread, classes)
        mine = ferroflow.linear_model.LogisticRegression()
        other = sklearn.linear_model.LogisticRegression(max_iter=max_iter)
        return lambda: (mine.fit(X, y), X, y), lambda: (other.fit(X, y), X, y)

    return make


def not_above(ours, theirs):
    mine, other = objective(*ours), objective(*theirs)
    assert mine <= other * (1 + 1e-6), f"objective {mine}, theirs {other}"


def predict(method, n, p):
    def make():
        X, y = rows(max(n, 1000), p)
        mine, other = (m.linear_model.LogisticRegression().fit(X, y) for m in (ferroflow, sklearn))
        other.coef_, other.intercept_ = mine.coef_, mine.intercept_
        return lambda: getattr(mine, method)(X[:n]), lambda: getattr(other, method)(X[:n])

    return make


BYTES = 500_000 * 51 * 8
CASES = [
    Case("LogisticRegression.fit 500k x 50 scaled", fit(500_000, 50), not_above, 2.5, 6, reads=7 * BYTES),
    Case("LogisticRegression.fit 5k x 50, columns of 1e-4 to 1e4", fit(5_000, 50, 1e4, max_iter=3000), not_above, 50, 150),
    Case("LogisticRegression.fit 100k x 50, 5 classes", fit(100_000, 50, classes=5), not_above),
    Case("LogisticRegression.fit 1000 x 20", fit(1000, 20), not_above),
    Case("LogisticRegression.predict_proba 500k x 50", predict("predict_proba", 500_000, 50), close(1e-9)),
    Case("LogisticRegression.predict 1 x 20", predict("predict", 1, 20), close(1e-9)),
    Case("LogisticRegression.predict_proba 1 x 20", predict("predict_proba", 1, 20), close(1e-9)),
]  # fmt: skip
