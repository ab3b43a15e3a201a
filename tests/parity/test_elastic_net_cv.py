"""LassoCV and ElasticNetCV against scikit-learn's."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import LeaveOneOut, ShuffleSplit

import ferroflow
import ferroflow.linear_model as ours


def rows(n=300, p=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2, p) + np.linspace(-5, 5, p)
    X[:, 1] += X[:, 0]
    return (
        X,
        X @ (rng.normal(size=p) * (np.arange(p) % 2)) + 3 * rng.normal(size=n) + 3,
        rng.uniform(0.1, 2, n),
    )


def assert_same(a, b, X, rtol=1e-7):
    fitted = {name for name in vars(b) if name.endswith("_") and not name.startswith("_")}
    assert fitted == {name for name in vars(a) if name.endswith("_") and not name.startswith("_")}
    for name in fitted - {"feature_names_in_", "n_iter_", "dual_gap_"}:
        mine, other = getattr(a, name), getattr(b, name)
        assert np.shape(mine) == np.shape(other), name
        assert np.asarray(mine).dtype == np.asarray(other).dtype, name
        assert_allclose(mine, other, rtol=rtol, atol=rtol * np.abs(other).max(), err_msg=name)
    p, q = a.predict(X), b.predict(X)
    assert p.shape == q.shape
    assert p.dtype == q.dtype
    assert_allclose(p, q, rtol=rtol, atol=rtol * np.abs(q).max())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LassoCV", {}),
        ("LassoCV", {"cv": 3, "fit_intercept": False}),
        ("LassoCV", {"positive": True, "alphas": [0.1, 1.0, 0.01]}),
        ("LassoCV", {"selection": "random", "random_state": 3, "alphas": 20}),
        ("LassoCV", {"cv": ShuffleSplit(4, random_state=0), "precompute": False}),
        ("LassoCV", {"n_jobs": 2, "eps": 1e-2, "precompute": True}),
        ("ElasticNetCV", {"cv": LeaveOneOut(), "alphas": 5}),
        ("ElasticNetCV", {"l1_ratio": [0.1, 0.5, 0.9], "alphas": 20}),
        ("ElasticNetCV", {"l1_ratio": [0.1, 0.9], "alphas": [0.1, 0.2]}),
    ],
    ids=str,
)
def test_penalty_and_coefficients(name, options, weighted):
    X, y, weights = rows()
    # So near the optimum that steps which rounding makes differ end at the same place.
    options = options | {"tol": 1e-11}
    with ferroflow.config(strict=True):
        a = getattr(ours, name)(**options).fit(X, y, weights if weighted else None)
    b = getattr(theirs, name)(**options).fit(X, y, weights if weighted else None)
    assert_same(a, b, X)
    assert_array_equal(a.predict(X), pickle.loads(pickle.dumps(a)).predict(X))


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
@pytest.mark.parametrize(
    "kind",
    ["F", "strided", "f32", "int", "frame", "list", "readonly", "column", "csr", "wide", "constant", "copy"],
)
def test_layouts_and_corners(name, kind):
    X, y, _ = rows()
    tol, rtol = 1e-11, 1e-7
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "strided":
        X = np.repeat(X, 2, axis=1)[::2, ::2]
        y = np.repeat(y, 2)[::4]
    elif kind == "f32":
        # Sums of single precision reach scikit-learn's default tolerance, and no smaller one.
        X, tol, rtol = X.astype(np.float32), 1e-4, 2e-3
    elif kind == "int":
        X = (X * 10).astype(np.int64)
    elif kind == "frame":
        X = pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])])
        y = pd.Series(y, index=range(7, 307))
    elif kind == "list":
        X, y = X.tolist(), y.tolist()
    elif kind == "readonly":
        X.flags.writeable = False
    elif kind == "column":
        y = y[:, None]
    elif kind == "csr":
        X = sparse.csr_matrix(X)
    elif kind == "wide":
        X, y, tol = X[:6], y[:6], 1e-6
    else:
        X[:, 3] = 7.5 if kind == "constant" else X[:, 2] + X[:, 5]
    a, b = (getattr(m, name)(tol=tol, alphas=10, max_iter=100_000).fit(X, y) for m in (ours, theirs))
    assert_same(a, b, X, rtol)


def test_errors_near_zero_are_the_rows():
    X, _, weights = rows()
    y = X @ np.arange(7.0)
    # Errors of 1e-12 of the variance, of which sums of products would know four digits.
    options = {"alphas": [1e-5, 1e-6], "tol": 1e-15, "max_iter": 100_000}
    for w in (None, weights):
        a, b = (m.LassoCV(**options).fit(X, y, w) for m in (ours, theirs))
        assert_allclose(a.mse_path_, b.mse_path_, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "X", "y"),
    [
        ({"alphas": (-1.0, 1.0)}, [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]),
        ({"alphas": 0}, [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [np.nan], [4.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [2.0], [4.0]], [1.0, np.inf, 3.0]),
        ({}, [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [2.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]]),
    ],
)
def test_errors(options, X, y):
    messages = []
    for module in (ours, theirs):
        for convert in (list, np.asarray):
            with pytest.raises(ValueError) as error:
                module.LassoCV(**options).fit(convert(X), convert(y))
            messages.append(str(error.value))
    assert messages[:2] == messages[2:]


def test_it_says_when_it_did_not_converge():
    X, y, _ = rows()
    found = []
    for module in (ours, theirs):
        with pytest.warns(ConvergenceWarning) as caught:
            module.LassoCV(alphas=[1e-3], max_iter=2, tol=1e-9).fit(X, y)
        found.append(len(caught))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
def test_frozen_gives_the_same_bits(name):
    X, y, _ = rows()
    model = getattr(ours, name)().fit(X, y)
    assert_array_equal(ferroflow.freeze(model, X).predict(X), model.predict(X))
