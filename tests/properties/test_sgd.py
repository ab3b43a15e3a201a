import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

from ferroflow import linear_model as ours

LOSSES = [
    "hinge",
    "squared_hinge",
    "perceptron",
    "log_loss",
    "modified_huber",
    "huber",
    "epsilon_insensitive",
]


@st.composite
def fits(draw):
    """Rows (dense or CSR, of both dtypes, some entries zero), their classes, and parameters."""
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    shape = (draw(st.integers(4, 40)), draw(st.integers(1, 40)))
    X = draw(arrays(dtype, shape, elements=st.floats(-2, 2, width=32) | st.just(0.0)))
    n_classes = draw(st.integers(2, 4))
    y = draw(arrays(np.int64, shape[0], elements=st.integers(0, n_classes - 1)))
    y[:n_classes] = np.arange(n_classes)
    parameters = {
        "loss": draw(st.sampled_from(LOSSES)),
        "penalty": draw(st.sampled_from(["l2", "l1", "elasticnet", None])),
        "alpha": draw(st.sampled_from([1e-4, 1e-2])),
        "fit_intercept": draw(st.booleans()),
        "shuffle": draw(st.booleans()),
        "learning_rate": draw(st.sampled_from(["constant", "optimal", "invscaling", "adaptive"])),
        "eta0": draw(st.sampled_from([0.01, 0.003])),
        "power_t": draw(st.sampled_from([0.25, 0.5, 0.7])),
        "average": draw(st.sampled_from([False, True, 10])),
        "tol": draw(st.sampled_from([1e-3, None])),
        "max_iter": draw(st.integers(1, 8)),
        "random_state": draw(st.integers(0, 1000)),
    }
    return sparse.csr_matrix(X) if draw(st.booleans()) else X, y, parameters


def fit(module, X, y, parameters, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return module.SGDClassifier(**parameters, **kwargs).fit(X, y)


@settings(max_examples=200, deadline=None)
@given(fits())
def test_coefficients_are_scikit_learns(case):
    X, y, parameters = case
    mine, yours = fit(ours, X, y, parameters), fit(theirs, X, y, parameters)
    rtol = 1e-12 if X.dtype == np.float64 else 1e-6
    assert_allclose(mine.coef_, yours.coef_, rtol=rtol, atol=rtol)
    assert_allclose(mine.intercept_, yours.intercept_, rtol=rtol, atol=rtol)
    assert (mine.n_iter_, mine.t_) == (yours.n_iter_, yours.t_)


@settings(max_examples=200, deadline=None)
@given(fits())
def test_threads_change_nothing(case):
    X, y, parameters = case
    one, two = (fit(ours, X, y, parameters, n_jobs=n) for n in (1, 2))
    assert_array_equal(one.coef_, two.coef_)
    assert_array_equal(one.intercept_, two.intercept_)
