"""SGDClassifier, SGDRegressor and their kin: the same updates at the same seed, so the same weights."""

import warnings

import numpy as np
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

from ferroflow import linear_model as ours
from harness import Case, equal

warnings.simplefilter("ignore", ConvergenceWarning)


def dense(rows, columns, dtype=np.float64):
    rng = np.random.RandomState(0)
    X = rng.randn(rows, columns).astype(dtype)
    return X, X @ (rng.randn(columns) / np.sqrt(columns)).astype(dtype) + 0.5 * rng.randn(rows)


def thin(rows, columns, stored):
    rng = np.random.RandomState(0)
    indices = rng.randint(0, columns, rows * stored).astype(np.int32)
    indptr = np.arange(0, rows * stored + 1, stored, dtype=np.int32)
    X = sparse.csr_matrix((rng.randn(rows * stored) / np.sqrt(stored), indices, indptr), (rows, columns))
    X.sum_duplicates()
    return X, X @ rng.randn(columns) + 0.5 * rng.randn(rows)


def targets(name, z, classes):
    if name == "SGDRegressor":
        return z
    return (z > 0).astype(int) if classes == 2 else np.digitize(z, [-1.0, -0.3, 0.3, 1.0])


def fit(name, make_data, classes=2, max_iter=5, tol=None, **parameters):
    def make():
        X, z = make_data()
        y = targets(name, z, classes)
        mine, yours = (
            getattr(module, name)(max_iter=max_iter, tol=tol, random_state=0, **parameters)
            for module in (ours, theirs)
        )
        return lambda: weights(mine.fit(X, y)), lambda: weights(yours.fit(X, y))

    return make


def weights(model):
    return np.append(model.coef_, model.offset_ if hasattr(model, "offset_") else model.intercept_)


def near(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def one_row(name, method):
    def make():
        X, z = dense(1000, 20)
        y = targets(name, z, 2)
        mine, yours = (getattr(module, name)(random_state=0).fit(X, y) for module in (ours, theirs))
        row = X[:1]
        if method == "partial_fit":
            return lambda: weights(mine.partial_fit(row, y[:1])), lambda: weights(
                yours.partial_fit(row, y[:1])
            )
        return lambda: getattr(mine, method)(row), lambda: getattr(yours, method)(row)

    return make


def predict(rows):
    def make():
        X, z = dense(rows, 50)
        y = targets("SGDClassifier", z, 2)
        mine, yours = (
            module.SGDClassifier(max_iter=1, tol=None, random_state=0).fit(X, y) for module in (ours, theirs)
        )
        return lambda: mine.predict(X), lambda: yours.predict(X)

    return make


def big():
    return dense(500_000, 50)


def big32():
    return dense(500_000, 50, np.float32)


def csr():
    return thin(500_000, 1000, 50)


def small():
    return dense(1000, 20)


BYTES = 5 * 500_000 * 50 * 8
CASES = [
    Case("SGDClassifier hinge, 5 epochs 500k x 50", fit("SGDClassifier", big), near, 3, 6, BYTES),
    Case(
        "SGDClassifier log loss, 5 epochs 500k x 50",
        fit("SGDClassifier", big, loss="log_loss"),
        near,
        3,
        6,
        BYTES,
    ),
    Case(
        "SGDClassifier log loss, 5 epochs 500k x 50 f32",
        fit("SGDClassifier", big32, loss="log_loss"),
        near,
        3,
        6,
        BYTES // 2,
    ),
    Case("SGDClassifier hinge, five classes, 500k x 50", fit("SGDClassifier", big, 5), near, 3, 6, 5 * BYTES),
    Case("SGDRegressor, 5 epochs 500k x 50", fit("SGDRegressor", big), near, 3, 6, BYTES),
    Case("SGDOneClassSVM, 5 epochs 500k x 50", fit("SGDOneClassSVM", big), near, 3, 6, BYTES),
    Case("Perceptron, 5 epochs 500k x 50", fit("Perceptron", big), near, 3, 6, BYTES),
    Case(
        "SGDClassifier hinge, 5 epochs CSR 25M stored", fit("SGDClassifier", csr), near, 2, 4, 5 * 300_000_000
    ),
    Case(
        "SGDClassifier log loss, L1, CSR 25M stored",
        fit("SGDClassifier", csr, loss="log_loss", penalty="l1"),
        near,
        2,
        4,
        5 * 300_000_000,
    ),
    Case("SGDRegressor, 5 epochs CSR 25M stored", fit("SGDRegressor", csr), near, 2, 4, 5 * 300_000_000),
    Case("SGDClassifier 1000 x 20", fit("SGDClassifier", small, max_iter=1000, tol=1e-3), near),
    Case("SGDRegressor 1000 x 20", fit("SGDRegressor", small, max_iter=1000, tol=1e-3), near),
    Case("SGDClassifier.partial_fit 1 x 20", one_row("SGDClassifier", "partial_fit"), near),
    Case("SGDRegressor.partial_fit 1 x 20", one_row("SGDRegressor", "partial_fit"), near),
    Case("SGDClassifier.predict 1M x 50", predict(1_000_000), equal),
    Case("SGDClassifier.predict 1 x 20", one_row("SGDClassifier", "predict"), equal),
    Case("SGDClassifier.decision_function 1 x 20", one_row("SGDClassifier", "decision_function"), near),
    Case("SGDRegressor.predict 1 x 20", one_row("SGDRegressor", "predict"), near),
]
