"""Least squares on small tables of every kind: scikit-learn's predictions."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

import ferroflow.linear_model as ours


@st.composite
def tables(draw):
    n, p = draw(st.integers(1, 40)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.integers(-3, 4, size=(n, p)) * 1.0 if draw(st.booleans()) else rng.normal(size=(n, p))
    if draw(st.booleans()):
        X[:, rng.integers(p)] = draw(st.sampled_from([0.0, 0.1, -1e5]))
    if draw(st.booleans()):
        X[:, rng.integers(p)] = X[:, rng.integers(p)]
    X = X * draw(st.sampled_from([1.0, 1e-3, 1e3])) + draw(st.sampled_from([0.0, 10.0]))
    targets = draw(st.sampled_from([None, 1, 2]))
    y = X @ rng.normal(size=(p, targets or 1)) + rng.normal(size=(n, targets or 1))
    weights = rng.integers(0, 3, n) + 1.0 * (rng.random(n) < 0.5) if draw(st.booleans()) else None
    if weights is not None and not weights.any():
        weights[0] = 1.0
    layout = draw(st.sampled_from(["C", "F", "strided"]))
    X = np.repeat(X, 2, axis=0)[::2] if layout == "strided" else np.asarray(X, order=layout)
    return X, y if targets else y.ravel(), weights


@pytest.mark.parametrize("name", ["LinearRegression", "Ridge", "Lasso", "ElasticNet"])
@given(table=tables(), intercept=st.booleans(), alpha=st.sampled_from([0.01, 1.0]))
@settings(max_examples=200)
def test_predictions(name, table, intercept, alpha):
    X, y, weights = table
    options = {"fit_intercept": intercept} | ({} if name == "LinearRegression" else {"alpha": alpha})
    if name in ("Lasso", "ElasticNet"):
        # Both go on until the objective is the optimum's to 1e-10; where it is flat, predictions are to its root.
        options |= {"tol": 1e-10, "max_iter": 20_000}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = (getattr(m, name)(**options).fit(X, y, weights) for m in (ours, theirs))
    p, q = a.predict(X), b.predict(X)
    assert p.shape == q.shape
    keep = slice(None) if weights is None else weights > 0
    # Duplicate and constant columns leave the problem without a single solution, but these rows' predictions are one.
    assert_allclose(p[keep], q[keep], rtol=1e-4, atol=1e-4 * (np.abs(q[keep]).max() + 1e-6))
