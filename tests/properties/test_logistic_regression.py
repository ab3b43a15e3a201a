"""Logistic regression on small tables of every kind: an objective that is scikit-learn's, or lower."""

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

import ferroflow.linear_model as ours


@st.composite
def tables(draw):
    n, p, classes = draw(st.integers(4, 40)), draw(st.integers(1, 6)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.normal(size=(n, p)) * draw(st.sampled_from([1.0, 1e-2, 1e2])) + draw(st.sampled_from([0.0, 5.0]))
    if draw(st.booleans()):
        X[:, rng.integers(p)] = draw(st.sampled_from([0.0, 0.1, -1e3]))
    if draw(st.booleans()):
        X[:, rng.integers(p)] *= 1e3
    y = rng.integers(classes, size=n)
    y[:2] = 0, 1
    weights = rng.integers(1, 4, n) * 1.0 if draw(st.booleans()) else None
    layout = draw(st.sampled_from(["C", "F", "strided", "csr"]))
    if layout == "csr":
        X = sparse.csr_matrix(np.where(rng.random(X.shape) < 0.5, 0.0, X))
    else:
        X = np.repeat(X, 2, axis=0)[::2] if layout == "strided" else np.asarray(X, order=layout)
    return X, y, weights


def objective(model, X, y, C, weights):
    z = X @ model.coef_.T + model.intercept_
    if z.shape[1] == 1:
        z = np.column_stack([np.zeros(len(z)), z])
    top = z.max(axis=1)
    own = z[np.arange(len(z)), np.searchsorted(model.classes_, y)]
    losses = top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - own
    return C * (losses * (1 if weights is None else weights)).sum() + (model.coef_**2).sum() / 2


@given(table=tables(), intercept=st.booleans(), C=st.sampled_from([0.1, 1.0, 10.0]))
@settings(max_examples=200, deadline=None)  # unscaled columns stall scikit-learn
def test_objective(table, intercept, C):
    X, y, weights = table
    options = {"C": C, "fit_intercept": intercept, "tol": 1e-7, "max_iter": 2000}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = (m.LogisticRegression(**options).fit(X, y, weights) for m in (ours, theirs))
    assert a.coef_.shape == b.coef_.shape
    assert_array_equal(a.classes_, b.classes_)
    mine, other = (objective(m, X, y, C, weights) for m in (a, b))
    # Separable classes leave the mean loss nearly flat: both may stop anywhere within its tolerance of the optimum.
    total = C * (len(y) if weights is None else weights.sum())
    assert mine <= other * (1 + 1e-6) + options["tol"] * total
    assert np.abs(a.predict_proba(X).sum(axis=1) - 1).max() < 1e-12
