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


def logistic(n, p):
    return fit(
        "LogisticRegressionCV",
        n,
        p,
        True,
        Cs=[0.01, 0.1, 1.0],
        scoring="accuracy",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )


def result(model):
    return np.append(np.ravel(model.coef_), getattr(model, "alpha_", None) or model.C_)


BYTES = 200_000 * 51 * 8
CASES = [
    Case("RidgeCV.fit 200k x 50", fit("RidgeCV", 200_000, 50), close(1e-9), reads=2 * BYTES),
    Case("RidgeCV.fit 200k x 50, cv=5", fit("RidgeCV", 200_000, 50, cv=5), close(1e-9)),
    Case("RidgeCV.fit 1000 x 20", fit("RidgeCV", 1000, 20), close(1e-9)),
    Case("RidgeCV.fit 1000 x 20, cv=5", fit("RidgeCV", 1000, 20, cv=5), close(1e-9)),
    Case("LassoCV.fit 200k x 50", fit("LassoCV", 200_000, 50), close(1e-7), reads=2 * BYTES),
    Case("LassoCV.fit 1000 x 20", fit("LassoCV", 1000, 20), close(1e-7)),
    Case("ElasticNetCV.fit 20k x 20, 3 ratios", fit("ElasticNetCV", 20_000, 20, l1_ratio=[0.1, 0.5, 0.9]), close(1e-7)),
    Case("LogisticRegressionCV.fit 50k x 20", logistic(50_000, 20), close(1e-3)),
    Case("LogisticRegressionCV.fit 1000 x 20", logistic(1000, 20), close(1e-3)),
    Case("RidgeClassifierCV.fit 200k x 50", fit("RidgeClassifierCV", 200_000, 50, classes=True), close(1e-9)),
    Case("RidgeClassifierCV.fit 1000 x 20", fit("RidgeClassifierCV", 1000, 20, classes=True), close(1e-9)),
]  # fmt: skip
