"""Penalties chosen by cross-validation on small tables of every kind: scikit-learn's choice and predictions."""

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
    p = draw(st.integers(1, 6))
    n = draw(st.integers(12, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.normal(size=(n, p)) + draw(st.sampled_from([0.0, 10.0]))
    if draw(st.booleans()):
        X[:, rng.integers(p)] = draw(st.sampled_from([0.0, 0.1]))
    if draw(st.booleans()):
        X[:, rng.integers(p)] = X[:, rng.integers(p)]
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    weights = rng.uniform(0.2, 2, n) if draw(st.booleans()) else None
    layout = draw(st.sampled_from(["C", "F", "strided"]))
    X = np.repeat(X, 2, axis=0)[::2] if layout == "strided" else np.asarray(X, order=layout)
    return X, y, weights


@pytest.mark.parametrize("cv", [None, 3])
@given(table=tables(), intercept=st.booleans())
@settings(max_examples=200)
def test_ridge(cv, table, intercept):
    X, y, weights = table
    alphas = np.logspace(-2, 2, 5)
    a, b = (
        m.RidgeCV(alphas, fit_intercept=intercept, cv=cv).fit(X, y, sample_weight=weights)
        for m in (ours, theirs)
    )
    assert_allclose(a.best_score_, b.best_score_, rtol=1e-8, atol=1e-10)
    # Of equally good penalties either may be the first.
    if a.alpha_ == b.alpha_:
        assert_allclose(a.predict(X), b.predict(X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
@given(table=tables(), intercept=st.booleans(), positive=st.booleans())
@settings(max_examples=200)
def test_elastic_net(name, table, intercept, positive):
    X, y, weights = table
    options = {
        "alphas": [1.0, 0.1, 0.01],
        "fit_intercept": intercept,
        "positive": positive,
        "cv": 3,
        # Both go on until the objective is the optimum's to 1e-10; where it is flat, predictions are to its root.
        "tol": 1e-10,
        "max_iter": 20_000,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = (getattr(m, name)(**options).fit(X, y, sample_weight=weights) for m in (ours, theirs))
    assert_allclose(a.mse_path_, b.mse_path_, rtol=1e-3, atol=1e-6)
    if a.alpha_ == b.alpha_:
        assert_allclose(a.predict(X), b.predict(X), rtol=1e-4, atol=1e-4 * np.abs(y).max())
