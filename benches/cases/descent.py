"""GradientDescentClassifier and GradientDescentRegressor against SGDClassifier and SGDRegressor at the same epochs.

The orders of the rows differ, so the results are compared by the objective: the last weights of a stochastic fit swing
about the optimum by some thousandths of it, as much as another ``random_state`` changes, and ours must not be above
theirs by more than half a hundredth.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor
from harness import Case, equal

ALPHA = 1e-4
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


def objective(model, X, y, loss):
    z = X @ model.coef_.ravel() + model.intercept_
    if loss == "log_loss":
        value = np.logaddexp(0, np.where(y > 0, -z, z)).mean()
    elif loss == "hinge":
        value = np.maximum(0, 1 - np.where(y > 0, z, -z)).mean()
    elif loss == "squared_hinge":
        value = (np.maximum(0, 1 - np.where(y > 0, z, -z)) ** 2).mean()
    else:
        value = ((z - y) ** 2).mean() / 2
    return value + ALPHA * (np.abs(model.coef_) if model.penalty == "l1" else model.coef_**2 / 2).sum()


def fit(make_data, loss, epochs=5, *, batch_size=1, optimizer="sgd", eta0=0.01, **parameters):
    """The same schedule, penalty and number of epochs; `theirs` takes single rows always."""

    def make():
        X, y = make_data()
        regression = loss == "squared_error"
        if not regression:
            y = (y > 0).astype(int)
        common = {"alpha": ALPHA, "max_iter": epochs, "tol": None, "random_state": 0, **parameters}
        if regression:
            mine = GradientDescentRegressor(
                loss, optimizer=optimizer, batch_size=batch_size, eta0=eta0, **common
            )
            yours = theirs.SGDRegressor(loss, **common)
        else:
            mine = GradientDescentClassifier(
                loss, optimizer=optimizer, batch_size=batch_size, eta0=eta0, **common
            )
            yours = theirs.SGDClassifier(loss, **common)
        return lambda: (mine.fit(X, y), X, y, loss), lambda: (yours.fit(X, y), X, y, loss)

    return make


def no_worse(ours, sklearn):
    a, b = objective(*ours), objective(*sklearn)
    assert a <= b * 1.005, f"objective {a:.6f} against {b:.6f}"


def predict(rows, method):
    def pair():
        X, y = dense(max(rows, 100), 50)
        y = (y > 0).astype(int)
        mine = GradientDescentClassifier(max_iter=1, tol=None).fit(X, y)
        yours = theirs.SGDClassifier("log_loss", max_iter=1, tol=None).fit(X, y)
        yours.coef_, yours.intercept_ = mine.coef_, mine.intercept_
        Z = X[:rows]
        return lambda: getattr(mine, method)(Z), lambda: getattr(yours, method)(Z)

    return pair


def near(ours, sklearn):
    np.testing.assert_allclose(ours, sklearn, rtol=1e-10, atol=1e-12)


def big():
    return dense(500_000, 50)


def big32():
    return dense(500_000, 50, np.float32)


def csr():
    return thin(500_000, 1000, 50)


def small():
    return dense(1000, 20)


BYTES = 5 * 500_000 * 50 * 8
PLAIN = {"learning_rate": "optimal"}
CONSTANT = {"learning_rate": "constant"}
INVERSE = {"learning_rate": "invscaling", "power_t": 0.25}
CASES = [
    Case(
        "descent, log loss, 5 epochs 500k x 50",
        fit(big, "log_loss", **PLAIN),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, hinge, 5 epochs 500k x 50", fit(big, "hinge", **PLAIN), no_worse, 3, 6, BYTES, n_jobs=False
    ),
    Case(
        "descent, squared hinge, 5 epochs 500k x 50",
        fit(big, "squared_hinge", **INVERSE),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, averaged, 5 epochs 500k x 50",
        fit(big, "log_loss", average=True, **PLAIN),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, squared error, 5 epochs 500k x 50",
        fit(big, "squared_error", **INVERSE),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, 5 epochs 500k x 50 f32",
        fit(big32, "log_loss", **PLAIN),
        no_worse,
        3,
        6,
        BYTES // 2,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, L1, 5 epochs 500k x 50",
        fit(big, "log_loss", penalty="l1", **PLAIN),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, 5 epochs CSR 25M stored",
        fit(csr, "log_loss", **PLAIN),
        no_worse,
        2,
        4,
        5 * 300_000_000,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, L1, 5 epochs CSR 25M stored",
        fit(csr, "log_loss", penalty="l1", **PLAIN),
        no_worse,
        2,
        4,
        5 * 300_000_000,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, adam by 256, 5 epochs 500k x 50",
        fit(big, "log_loss", batch_size=256, optimizer="adam", eta0="auto", **CONSTANT),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, sgd by 32, 5 epochs 500k x 50",
        fit(big, "log_loss", batch_size=32, eta0=0.05, **CONSTANT),
        no_worse,
        3,
        6,
        BYTES,
        n_jobs=False,
    ),
    Case(
        "descent, log loss, 5 epochs 1000 x 20",
        fit(small, "log_loss", **CONSTANT),
        no_worse,
        None,
        None,
        n_jobs=False,
    ),
    Case("GradientDescentClassifier.predict 1M x 50", predict(1_000_000, "predict"), equal),
    Case("GradientDescentClassifier.predict_proba 1M x 50", predict(1_000_000, "predict_proba"), near),
    Case("GradientDescentClassifier.predict 1000 x 50", predict(1000, "predict"), equal),
    Case("GradientDescentClassifier.predict 1 x 50", predict(1, "predict"), equal),
    Case("GradientDescentClassifier.predict_proba 1 x 50", predict(1, "predict_proba"), near),
]
