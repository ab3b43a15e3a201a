"""MLPClassifier and MLPRegressor: the same updates at the same seed, so the same weights.

float32's weights are compared in float32's roundings: two threads of BLAS and one may add in another order.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.exceptions import ConvergenceWarning

from ferroflow import neural_network as ours
from harness import Case, equal

warnings.simplefilter("ignore", ConvergenceWarning)


def rows(n, columns, dtype=np.float64, stored=1.0):
    rng = np.random.default_rng(0)
    X = rng.random((n, columns), dtype=np.float32).astype(dtype, copy=False)
    if stored < 1:
        X = sparse.csr_matrix(np.where(1 - stored < X, X, 0))
    return X, rng.integers(0, 10, n)


def fit(name, *shape, dtype=np.float64, stored=1.0, **parameters):
    def make():
        X, y = rows(*shape, dtype, stored)
        y = y.astype(dtype) if name == "MLPRegressor" else y
        mine, yours = (getattr(module, name)(random_state=0, **parameters) for module in (ours, theirs))
        return lambda: weights(mine.fit(X, y)), lambda: weights(yours.fit(X, y))

    return make


def weights(model):
    return np.concatenate(
        [w.ravel() for w in model.coefs_ + model.intercepts_] + [np.array(model.loss_curve_)]
    )


def near(a, b):
    tolerance = 1e-3 if a.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def near32(a, b):
    near(a.astype(np.float32), b)


def predict(n, columns, method="predict", name="MLPClassifier"):
    def make():
        X, y = rows(1000, columns)
        mine, yours = (
            getattr(module, name)(hidden_layer_sizes=(128,), max_iter=1, random_state=0).fit(X, y)
            for module in (ours, theirs)
        )
        Z, _ = rows(n, columns)
        return lambda: getattr(mine, method)(Z), lambda: getattr(yours, method)(Z)

    return make


BIG = {"hidden_layer_sizes": (128,), "max_iter": 2, "batch_size": 200}
READS = 2 * 60_000 * 784 * 8
CASES = [
    Case(
        "MLPClassifier (128,), 2 epochs 60k x 784 f32",
        fit("MLPClassifier", 60_000, 784, dtype=np.float32, **BIG),
        near32,
        1.3,
        2,
        READS // 2,
    ),
    Case(
        "MLPClassifier (128,), 2 epochs 60k x 784 f64",
        fit("MLPClassifier", 60_000, 784, **BIG),
        near,
        1.3,
        2,
        READS,
    ),
    Case(
        "MLPClassifier (128,) by sgd, 2 epochs 60k x 784 f64",
        fit("MLPClassifier", 60_000, 784, solver="sgd", **BIG),
        near,
    ),
    Case(
        "MLPClassifier (128,), 2 epochs CSR 60k x 784, 10% stored",
        fit("MLPClassifier", 60_000, 784, stored=0.1, **BIG),
        near,
    ),
    Case(
        "MLPClassifier tanh (50, 50) 1000 x 20",
        fit("MLPClassifier", 1000, 20, hidden_layer_sizes=(50, 50), activation="tanh", max_iter=50),
        near,
    ),
    Case("MLPClassifier 1000 x 20", fit("MLPClassifier", 1000, 20, max_iter=50), near),
    Case("MLPRegressor 1000 x 20", fit("MLPRegressor", 1000, 20, max_iter=50), near),
    Case("MLPClassifier.predict 60k x 784", predict(60_000, 784), equal),
    Case("MLPClassifier.predict 1000 x 20", predict(1000, 20), equal),
    Case("MLPClassifier.predict 1 x 20", predict(1, 20), equal),
    Case("MLPClassifier.predict_proba 1 x 20", predict(1, 20, "predict_proba"), near),
    Case("MLPRegressor.predict 1 x 20", predict(1, 20, name="MLPRegressor"), near),
]
