"""Linear models, and what else both do, against scikit-learn-intelex."""

import warnings

import daal4py.sklearn.linear_model
import numpy as np
import sklearnex.linear_model
import sklearnex.metrics
import sklearnex.model_selection
from sklearn.exceptions import ConvergenceWarning

import ferroflow.linear_model
import ferroflow.metrics
import ferroflow.model_selection
from cases import least_squares, logistic
from harness import Case, close

warnings.simplefilter("ignore", ConvergenceWarning)


def pair(package, name):
    theirs = getattr(sklearnex, package)
    if not hasattr(theirs, name):
        theirs = getattr(daal4py.sklearn, package)  # where sklearnex takes its older ones from
    return getattr(getattr(ferroflow, package), name), getattr(theirs, name)


def least(name, n, p, **options):
    def make():
        X, y = least_squares.rows(n, p)
        mine, other = (of(**options) for of in pair("linear_model", name))
        return lambda: mine.fit(X, y).coef_, lambda: other.fit(X, y).coef_

    return make


def classify(n, p):
    def make():
        X, y = logistic.rows(n, p)
        mine, other = (of() for of in pair("linear_model", "LogisticRegression"))
        return lambda: (mine.fit(X, y), X, y), lambda: (other.fit(X, y), X, y)

    return make


def predict(n, p):
    def make():
        X, y = least_squares.rows(max(n, 100), p)
        mine, other = (of().fit(X, y) for of in pair("linear_model", "LinearRegression"))
        return lambda: mine.predict(X[:n]), lambda: other.predict(X[:n])

    return make


def area(n):
    def make():
        rng = np.random.RandomState(0)
        y, scores = rng.randint(2, size=n), rng.rand(n)
        mine, other = pair("metrics", "roc_auc_score")
        return lambda: mine(y, scores), lambda: other(y, scores)

    return make


def split(n):
    def make():
        X = np.random.RandomState(0).randn(n, 20)
        mine, other = pair("model_selection", "train_test_split")
        return lambda: mine(X, random_state=0)[0], lambda: other(X, random_state=0)[0]

    return make


# Lasso and ElasticNet stop where the gap is small enough, theirs on the way from another side.
SOLVED = close(1e-4)
SIZES = (("1000 x 20", 1_000, 20), ("1M x 50", 1_000_000, 50))
CASES = [
    *(
        Case(f"intelex: {name}.fit {size}", least(name, n, p, **options), same)
        for name, options, same in (
            ("LinearRegression", {}, close(1e-7)),
            ("Ridge", {}, close(1e-7)),
            ("Lasso", {"alpha": 0.1}, SOLVED),
            ("ElasticNet", {"alpha": 0.1}, SOLVED),
        )
        for size, n, p in SIZES
    ),
    Case("intelex: LogisticRegression.fit 1000 x 20", classify(1_000, 20), logistic.not_above),
    Case("intelex: LogisticRegression.fit 500k x 50", classify(500_000, 50), logistic.not_above),
    Case("intelex: LinearRegression.predict 1 x 20", predict(1, 20), least_squares.near),
    Case("intelex: LinearRegression.predict 1M x 50", predict(1_000_000, 50), least_squares.near),
    Case("intelex: roc_auc_score 1000", area(1_000), close(1e-12)),
    Case("intelex: roc_auc_score 1M", area(1_000_000), close(1e-12)),
    Case("intelex: train_test_split 1000 x 20", split(1_000), close(0.0)),
    Case("intelex: train_test_split 1M x 20", split(1_000_000), close(0.0)),
]
