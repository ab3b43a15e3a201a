"""LinearSVC and LinearSVR against scikit-learn's, which are liblinear on one thread.

Results are compared by the objective: ours must not be above theirs by more than a millionth.
"""

import warnings

import numpy as np
import sklearn.svm
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import ferroflow.svm
from harness import Case, equal

warnings.simplefilter("ignore", ConvergenceWarning)


def dense(rows, columns):
    rng = np.random.RandomState(0)
    X = rng.randn(rows, columns)
    return X, X @ (rng.randn(columns) / np.sqrt(columns)) + 0.5 * rng.randn(rows)


def thin(rows, columns, stored):
    rng = np.random.RandomState(0)
    indices = rng.randint(0, columns, rows * stored).astype(np.int32)
    indptr = np.arange(0, rows * stored + 1, stored, dtype=np.int32)
    X = sparse.csr_matrix((rng.randn(rows * stored) / np.sqrt(stored), indices, indptr), (rows, columns))
    X.sum_duplicates()
    return X, X @ rng.randn(columns) + 0.5 * rng.randn(rows)


def objective(model, X, y):
    z = X @ model.coef_.ravel() + model.intercept_
    if hasattr(model, "epsilon"):
        over = np.maximum(0, np.abs(z - y) - model.epsilon)
    else:
        over = np.maximum(0, 1 - np.where(y > 0, z, -z))
    loss = (over**2 if model.loss.startswith("squared") else over).sum()
    return model.C * loss + (np.sum(model.coef_**2) + np.sum(model.intercept_**2)) / 2


def fit(make_data, name, **parameters):
    def make():
        X, y = make_data()
        if name == "LinearSVC":
            y = (y > 0).astype(int)
        mine, other = (getattr(m, name)(random_state=0, **parameters) for m in (ferroflow.svm, sklearn.svm))
        return lambda: (mine.fit(X, y), X, y), lambda: (other.fit(X, y), X, y)

    return make


def no_worse(ours, theirs):
    a, b = objective(*ours), objective(*theirs)
    assert a <= b * (1 + 1e-6), f"objective {a:.9g} against {b:.9g}"


def predict(rows):
    def make():
        X, y = dense(max(rows, 100), 50)
        mine, other = (m.LinearSVC().fit(X, y > 0) for m in (ferroflow.svm, sklearn.svm))
        other.coef_, other.intercept_ = mine.coef_, mine.intercept_
        return lambda: mine.predict(X[:rows]), lambda: other.predict(X[:rows])

    return make


def big():
    return dense(500_000, 50)


def middle():
    return dense(50_000, 50)


def csr():
    return thin(100_000, 1000, 50)


def small():
    return dense(1000, 20)


CASES = [
    Case("LinearSVC 500k x 50", fit(big, "LinearSVC"), no_worse, 1.0, 3.0, 500_000 * 400, n_jobs=False),
    Case(
        "LinearSVC, hinge 50k x 50",
        fit(middle, "LinearSVC", loss="hinge", C=0.01),
        no_worse,
        1.0,
        3.0,
        n_jobs=False,
    ),
    Case(
        "LinearSVC, dual 50k x 50",
        fit(middle, "LinearSVC", dual=True, C=0.01),
        no_worse,
        1.0,
        3.0,
        n_jobs=False,
    ),
    Case(
        "LinearSVC, dual CSR 5M stored",
        fit(csr, "LinearSVC", dual=True, C=0.1),
        no_worse,
        1.0,
        2.0,
        n_jobs=False,
    ),
    Case("LinearSVC CSR 5M stored", fit(csr, "LinearSVC"), no_worse, 1.0, 2.0, n_jobs=False),
    Case(
        "LinearSVR 50k x 50", fit(middle, "LinearSVR", epsilon=0.5, C=0.01), no_worse, 1.0, 3.0, n_jobs=False
    ),
    Case(
        "LinearSVR, squared 500k x 50",
        fit(big, "LinearSVR", loss="squared_epsilon_insensitive"),
        no_worse,
        1.0,
        3.0,
        500_000 * 400,
        n_jobs=False,
    ),
    Case("LinearSVC 1000 x 20", fit(small, "LinearSVC"), no_worse, n_jobs=False),
    Case("LinearSVC, hinge 1000 x 20", fit(small, "LinearSVC", loss="hinge", C=0.01), no_worse, n_jobs=False),
    Case("LinearSVR 1000 x 20", fit(small, "LinearSVR", C=0.01), no_worse, n_jobs=False),
    Case("LinearSVC.predict 1M x 50", predict(1_000_000), equal),
    Case("LinearSVC.predict 1 x 50", predict(1), equal),
]
