"""PoissonRegressor, GammaRegressor and TweedieRegressor against scikit-learn's."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

import ferroflow
import ferroflow.linear_model as ours

MODELS = [
    ("PoissonRegressor", {}),
    ("PoissonRegressor", {"alpha": 0.01, "fit_intercept": False}),
    ("GammaRegressor", {}),
    ("GammaRegressor", {"alpha": 0.0}),
    ("TweedieRegressor", {}),
    ("TweedieRegressor", {"power": 1.5}),
    ("TweedieRegressor", {"power": 3.0, "alpha": 0.1}),
    ("TweedieRegressor", {"power": 0.0, "link": "log", "alpha": 0.1}),
    ("TweedieRegressor", {"power": 1.0, "link": "log"}),
]
POSITIVE = ["PoissonRegressor", "GammaRegressor", "TweedieRegressor"]


def rows(n=400, p=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 1.5, p) + np.linspace(-1, 1, p)
    return X, rng.gamma(2, np.exp(X @ rng.normal(size=p) / p)) + 0.01, rng.uniform(0.1, 2, n)


def assert_same(a, b, X, rtol=1e-6):
    """Both take the same steps, which rounding hardly moves."""
    assert a.coef_.shape == b.coef_.shape
    assert a.coef_.dtype == b.coef_.dtype
    assert type(a.intercept_) is type(b.intercept_)
    assert_allclose(a.coef_, b.coef_, rtol=rtol, atol=rtol)
    assert_allclose(a.intercept_, b.intercept_, rtol=rtol, atol=rtol)
    p, q = a.predict(X), b.predict(X)
    assert p.shape == q.shape
    assert p.dtype == q.dtype
    assert_allclose(p, q, rtol=10 * rtol, atol=10 * rtol)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "options"), MODELS, ids=str)
def test_the_optimum(name, options, weighted):
    X, y, weights = rows()
    weights = weights if weighted else None
    options = options | {"tol": 1e-7, "max_iter": 1000}
    with ferroflow.config(strict=True):
        a = getattr(ours, name)(**options).fit(X, y, weights)
    b = getattr(theirs, name)(**options).fit(X, y, weights)
    assert_same(a, b, X)
    assert_allclose(a.score(X, y, weights), b.score(X, y, weights), rtol=1e-6)
    assert_array_equal(a.predict(X), pickle.loads(pickle.dumps(a)).predict(X))


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize(
    "kind", ["F", "strided", "f32", "int", "frame", "list", "csr", "csr f32", "csc", "readonly"]
)
def test_layouts(name, kind):
    X, y, _ = rows()
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "strided":
        X = np.repeat(X, 2, axis=1)[:, ::2]
    elif kind == "f32":
        X = X.astype(np.float32)
    elif kind == "int":
        X = X.round().astype(np.int64)
    elif kind == "frame":
        X, y = pd.DataFrame(X, columns=list("abcdef")), pd.Series(y, index=range(5, 405))
    elif kind == "list":
        X, y = X.tolist(), y.tolist()
    elif kind.startswith("cs"):
        X = np.where(np.abs(X) < 0.7, 0, X).astype(np.float32 if "f32" in kind else np.float64)
        X = (sparse.csc_matrix if kind == "csc" else sparse.csr_matrix)(X)
    else:
        X.flags.writeable = False
    # Sums of single precision are exact to about 1e-5.
    assert_same(*(getattr(m, name)().fit(X, y) for m in (ours, theirs)), X, 1e-3 if "f32" in kind else 1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("PoissonRegressor", {"solver": "newton-cholesky"}),
        ("TweedieRegressor", {"power": 1.5, "link": "identity", "alpha": 10.0}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_others_are_scikit_learns(name, options, capsys):
    X, y, _ = rows()
    ferroflow.explain(clear=True)
    a, b = (getattr(m, name)(**options).fit(X, y + 5) for m in (ours, theirs))
    assert_array_equal(a.coef_, b.coef_)
    capsys.readouterr()
    ferroflow.explain()
    assert "scikit-learn" in capsys.readouterr().out


@pytest.mark.parametrize("name", POSITIVE)
def test_warm_start_goes_on(name):
    X, y, _ = rows()
    model = getattr(ours, name)(warm_start=True).fit(X, y)
    model.fit(X, y)
    assert model.n_iter_ <= 1


@pytest.mark.parametrize("name", POSITIVE)
def test_it_says_when_it_did_not_converge(name):
    X, y, _ = rows()
    found = []
    for module in (ours, theirs):
        with pytest.warns(ConvergenceWarning) as caught:
            getattr(module, name)(max_iter=1, tol=1e-12).fit(X, y)
        found.append([str(w.message) for w in caught])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("X", "y", "weights"),
    [
        ([[1.0, np.nan], [1, 2]], [1, 1], None),
        ([[1.0, 0], [1, 2]], [1, np.inf], None),
        ([[1.0, 0], [1, 2]], [1, -1], None),
        ([[1.0, 0], [1, 2]], [1, 1, 1], None),
        ([[1.0, 0], [1, 2]], [1, 1], [1, 2, 3]),
        (np.empty((0, 2)), np.empty(0), None),
    ],
)
@pytest.mark.parametrize("name", ["PoissonRegressor", "GammaRegressor"])
def test_errors(name, X, y, weights):
    messages = []
    for module in (ours, theirs):
        with pytest.raises(ValueError) as error:
            getattr(module, name)().fit(X, y, weights)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "options"), MODELS, ids=str)
def test_frozen_gives_the_same_bits(name, options, dtype):
    X, y, _ = rows()
    X = X.astype(dtype)
    model = getattr(ours, name)(**options).fit(X, y)
    frozen = ferroflow.freeze(model, X)
    assert_array_equal(frozen.predict(X), model.predict(X))
    assert_array_equal(frozen.predict(X[:1]), model.predict(X[:1]))
