"""HuberRegressor and generalised linear models on small tables of every kind: scikit-learn's optimum."""

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._huber import _huber_loss_and_gradient

import ferroflow.linear_model as ours


@st.composite
def tables(draw):
    n, p = draw(st.integers(20, 60)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.normal(size=(n, p)) + draw(st.sampled_from([0.0, 2.0]))
    if draw(st.booleans()):
        X[:, rng.integers(p)] = draw(st.sampled_from([0.0, 0.1]))
    z = X @ rng.normal(size=p) / p
    weights = rng.uniform(0.2, 2, n) if draw(st.booleans()) else None
    layout = draw(st.sampled_from(["C", "F", "strided", "csr"]))
    if layout == "csr":
        X = sparse.csr_matrix(np.where(rng.random(X.shape) < 0.3, 0.0, X))
    else:
        X = np.repeat(X, 2, axis=0)[::2] if layout == "strided" else np.asarray(X, order=layout)
    return X, z, weights, rng


@given(table=tables(), intercept=st.booleans(), epsilon=st.sampled_from([1.2, 1.35, 3.0]))
@settings(max_examples=200, deadline=None)  # some take hundreds of steps
def test_huber(table, intercept, epsilon):
    X, z, weights, rng = table
    y = 3 * z + rng.standard_t(2, size=len(z))
    options = {"epsilon": epsilon, "fit_intercept": intercept, "alpha": 0.1, "tol": 1e-7, "max_iter": 300}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = (m.HuberRegressor(**options).fit(X, y, weights) for m in (ours, theirs))
    losses = [
        _huber_loss_and_gradient(
            np.concatenate([m.coef_, [m.intercept_] * intercept, [m.scale_]]),
            X,
            y,
            epsilon,
            0.1,
            np.ones(len(y)) if weights is None else weights,
        )[0]
        for m in (a, b)
    ]
    # Near kinks steps may gain less than either asks for before the optimum is reached.
    assert_allclose(*losses, rtol=1e-3)


@given(
    table=tables(),
    intercept=st.booleans(),
    power=st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0]),
    alpha=st.sampled_from([0.1, 1.0]),
)
@settings(max_examples=200, deadline=None)  # some take hundreds of steps
def test_generalized_linear(table, intercept, power, alpha):
    X, z, weights, rng = table
    y = rng.gamma(2, np.exp(np.clip(z, -3, 3))) + 0.01
    options = {
        "power": power,
        "link": "log",
        "alpha": alpha,
        "fit_intercept": intercept,
        "tol": 1e-7,
        "max_iter": 300,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge, and overflows on the way
        a, b = (m.TweedieRegressor(**options).fit(X, y, weights) for m in (ours, theirs))
    assert_allclose(a.score(X, y, weights), b.score(X, y, weights), rtol=1e-4, atol=1e-4)
