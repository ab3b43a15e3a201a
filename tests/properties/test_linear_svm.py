import warnings

import numpy as np
import sklearn.svm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ferroflow.svm import LinearSVC, LinearSVR


@st.composite
def tables(draw):
    """Rows of moderate size, some entries zero, targets and parameters of either machine."""
    shape = (draw(st.integers(4, 40)), draw(st.integers(1, 8)))
    X = draw(arrays(np.float64, shape, elements=st.floats(-4, 4, width=16) | st.just(0.0)))
    codes = draw(arrays(np.int64, shape[0], elements=st.integers(0, draw(st.integers(1, 2)))))
    codes[:2] = 0, 1
    weights = draw(st.none() | arrays(np.float64, shape[0], elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])))
    if weights is not None:
        weights[:2] = 1.0
    parameters = {
        "C": draw(st.sampled_from([0.01, 0.3, 1.0, 5.0])),
        "fit_intercept": draw(st.booleans()),
        "intercept_scaling": draw(st.sampled_from([1.0, 4.0])),
        "random_state": draw(st.integers(0, 1000)),
        "tol": 1e-8,
        "max_iter": 20_000,
    }
    squared = draw(st.booleans())
    parameters["dual"] = draw(st.booleans()) if squared else True
    regression = draw(st.booleans())
    if regression:
        parameters |= {"epsilon": draw(st.sampled_from([0.0, 0.2])), "loss": "epsilon_insensitive"}
    else:
        parameters["loss"] = "hinge"
    if squared:
        parameters["loss"] = "squared_" + parameters["loss"]
    return X, codes, weights, parameters, "LinearSVR" if regression else "LinearSVC"


def fitted(kind, parameters, X, y, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**parameters).fit(X, y, weights)


def objectives(model, X, y, weights):
    weights = np.ones(len(y)) if weights is None else weights
    coef = np.atleast_2d(model.coef_)
    intercept = np.broadcast_to(model.intercept_, len(coef))
    out = []
    for k, (w, b) in enumerate(zip(coef, intercept, strict=True)):
        z = X @ w + b
        if hasattr(model, "classes_"):
            t = np.where(y == model.classes_[k if len(coef) > 1 else 1], 1.0, -1.0)
            over = np.maximum(0, 1 - t * z)
        else:
            over = np.maximum(0, np.abs(z - y) - model.epsilon)
        loss = model.C * weights @ (over**2 if model.loss.startswith("squared") else over)
        out.append(loss + (w @ w + (b / model.intercept_scaling) ** 2) / 2)
    return np.array(out)


@settings(max_examples=200, deadline=None)
@given(tables())
def test_the_optimum_is_scikit_learns(table):
    X, y, weights, parameters, name = table
    ours = fitted({"LinearSVC": LinearSVC, "LinearSVR": LinearSVR}[name], parameters, X, y, weights)
    theirs = fitted(getattr(sklearn.svm, name), parameters, X, y, weights)
    a, b = (objectives(m, X, y, weights) for m in (ours, theirs))
    assert (a <= b * (1 + 1e-6) + 1e-9).all()


@settings(max_examples=200, deadline=None)
@given(tables(), st.integers(1, 3))
def test_layout_and_threads_do_not_matter(table, threads):
    X, y, weights, parameters, name = table
    kind = {"LinearSVC": LinearSVC, "LinearSVR": LinearSVR}[name]
    first = fitted(kind, parameters, X, y, weights)
    with threadpool_limits(threads):
        again = fitted(kind, parameters, np.asfortranarray(X), y, weights)
    assert_array_equal(again.coef_, first.coef_)
    thin = fitted(kind, parameters, sparse.csr_matrix(X), y, weights)
    assert_allclose(objectives(thin, X, y, weights), objectives(first, X, y, weights), rtol=1e-6, atol=1e-9)
