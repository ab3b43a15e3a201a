import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.exceptions import ConvergenceWarning

from ferroflow import neural_network as ours


@st.composite
def fits(draw):
    """Rows (dense or CSR, of both dtypes, some entries zero), their classes, and parameters."""
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    shape = (draw(st.integers(4, 30)), draw(st.integers(1, 20)))
    X = draw(arrays(dtype, shape, elements=st.floats(-2, 2, width=32) | st.just(0.0)))
    n_classes = draw(st.integers(2, 4))
    y = draw(arrays(np.int64, shape[0], elements=st.integers(0, n_classes - 1)))
    y[:n_classes] = np.arange(n_classes)
    parameters = {
        "hidden_layer_sizes": draw(st.lists(st.integers(1, 12), max_size=2)),
        "activation": draw(st.sampled_from(["relu", "tanh", "logistic", "identity"])),
        "solver": draw(st.sampled_from(["adam", "sgd"])),
        "alpha": draw(st.sampled_from([0.0, 1e-4, 0.1])),
        "batch_size": draw(st.integers(1, shape[0])),
        "learning_rate": draw(st.sampled_from(["constant", "invscaling", "adaptive"])),
        "shuffle": draw(st.booleans()),
        "nesterovs_momentum": draw(st.booleans()),
        "tol": draw(st.sampled_from([1e-4, 0.1])),
        "n_iter_no_change": draw(st.integers(1, 3)),
        "max_iter": draw(st.integers(1, 4)),
        "random_state": draw(st.integers(0, 1000)),
    }
    return sparse.csr_matrix(X) if draw(st.booleans()) else X, y, parameters


@settings(max_examples=200, deadline=None)
@given(fits())
def test_weights_are_scikit_learns(case):
    X, y, parameters = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mine, yours = (module.MLPClassifier(**parameters).fit(X, y) for module in (ours, theirs))
    for a, b in zip(mine.coefs_ + mine.intercepts_, yours.coefs_ + yours.intercepts_, strict=True):
        assert_array_equal(a, b)
    assert mine.n_iter_ == yours.n_iter_
    assert_allclose(mine.loss_curve_, yours.loss_curve_, rtol=1e-12 if X.dtype == np.float64 else 1e-5)
