"""Linear models that choose their penalty by cross-validation, against scikit-learn's at its faster number of threads."""

import numpy as np
import sklearn.linear_model

import ferroflow.linear_model
from cases.least_squares import rows
from harness import Case, close


def fit(name, n, p, classes=False, **options):
    def make():
        X, y = rows(n, p)
        if classes:
            y = y > 0
        mine, other = (getattr(m.linear_model, name)(**options) for m in (ferroflow, sklearn))
        return lambda: result(mine.fit(X, y)), lambda: result(other.fit(X, y))

    return make


def result(model):
    return np.append(np.ravel(model.coef_), model.alpha_)


BYTES = 200_000 * 51 * 8
CASES = [
    Case("RidgeCV.fit 200k x 50", fit("RidgeCV", 200_000, 50), close(1e-9), reads=2 * BYTES),
    Case("RidgeCV.fit 200k x 50, cv=5", fit("RidgeCV", 200_000, 50, cv=5), close(1e-9)),
    Case("RidgeCV.fit 1000 x 20", fit("RidgeCV", 1000, 20), close(1e-9)),
    Case("RidgeCV.fit 1000 x 20, cv=5", fit("RidgeCV", 1000, 20, cv=5), close(1e-9)),
    Case("RidgeClassifierCV.fit 200k x 50", fit("RidgeClassifierCV", 200_000, 50, classes=True), close(1e-9)),
    Case("RidgeClassifierCV.fit 1000 x 20", fit("RidgeClassifierCV", 1000, 20, classes=True), close(1e-9)),
]  # fmt: skip
