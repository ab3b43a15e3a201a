"""HuberRegressor against scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

import ferroflow
import ferroflow.linear_model as ours


def rows(n=300, p=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2, p) + np.linspace(-1, 1, p)
    return X, X @ rng.normal(size=p) + rng.standard_t(2, size=n) + 3, rng.uniform(0.1, 2, n)


def assert_same(a, b, X, rtol=1e-6):
    """Both take the same steps, which rounding moves by its share of the tolerance of 1e-5."""
    for name in ("coef_", "intercept_", "scale_"):
        mine, other = getattr(a, name), getattr(b, name)
        assert type(mine) is type(other)
        assert_allclose(mine, other, rtol=rtol, atol=rtol, err_msg=name)
    assert a.coef_.dtype == b.coef_.dtype
    assert_array_equal(a.outliers_, b.outliers_)
    assert a.predict(X).dtype == b.predict(X).dtype
    assert_allclose(a.predict(X), b.predict(X), rtol=10 * rtol, atol=10 * rtol)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"fit_intercept": False}, {"epsilon": 1.05, "alpha": 0.1}, {"epsilon": 5.0, "tol": 1e-8}],
    ids=str,
)
def test_the_optimum(options, weighted):
    X, y, weights = rows()
    with ferroflow.config(strict=True):
        a = ours.HuberRegressor(**options).fit(X, y, weights if weighted else None)
    assert_same(a, theirs.HuberRegressor(**options).fit(X, y, weights if weighted else None), X)


@pytest.mark.parametrize("kind", ["F", "strided", "f32", "int", "frame", "list", "csr", "csc", "readonly"])
def test_layouts(kind):
    X, y, _ = rows()
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "strided":
        X = np.repeat(X, 2, axis=1)[:, ::2]
    elif kind == "f32":
        X = X.astype(np.float32)
    elif kind == "int":
        X = (X * 10).astype(np.int64)
    elif kind == "frame":
        X, y = pd.DataFrame(X, columns=list("abcdefg")), pd.Series(y, index=range(5, 305))
    elif kind == "list":
        X, y = X.tolist(), y.tolist()
    elif kind.startswith("cs"):
        X = np.where(np.abs(X) < 0.7, 0, X)
        X = (sparse.csc_matrix if kind == "csc" else sparse.csr_matrix)(X)
    else:
        X.flags.writeable = False
    assert_same(*(m.HuberRegressor().fit(X, y) for m in (ours, theirs)), X)


def test_warm_start_goes_on():
    X, y, _ = rows()
    for module in (ours, theirs):
        model = module.HuberRegressor(warm_start=True, max_iter=1000).fit(X, y)
        model.fit(X, y)
        assert model.n_iter_ <= 1


def test_it_says_when_it_did_not_converge():
    X, y, _ = rows()
    found = []
    for module in (ours, theirs):
        with pytest.warns(ConvergenceWarning) as caught:
            module.HuberRegressor(max_iter=1).fit(X, y)
        found.append([str(w.message) for w in caught])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("X", "y", "weights"),
    [
        ([[1.0, np.nan], [1, 2]], [0, 1], None),
        ([[1.0, 0], [1, 2]], [0, np.inf], None),
        ([[1.0, 0], [1, 2]], [0, 1, 0], None),
        ([[1.0, 0], [1, 2]], [0, 1], [1, 2, 3]),
        (np.empty((0, 2)), np.empty(0), None),
    ],
)
def test_errors(X, y, weights):
    messages = []
    for module in (ours, theirs):
        with pytest.raises(ValueError) as error:
            module.HuberRegressor().fit(X, y, weights)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_frozen_gives_the_same_bits():
    X, y, _ = rows()
    model = ours.HuberRegressor().fit(X, y)
    assert_array_equal(ferroflow.freeze(model, X).predict(X), model.predict(X))
