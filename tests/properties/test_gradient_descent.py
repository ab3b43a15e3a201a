import warnings

import numpy as np
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ferroflow import _core
from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor

SMOOTH = [
    "log_loss",
    "squared_error",
    "huber",
    "squared_hinge",
    "modified_huber",
    "squared_epsilon_insensitive",
]
# Roundings near a kink turn into other slopes.
STRAIGHT = ["hinge", "perceptron", "epsilon_insensitive"]
OPTIMIZERS = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]


@st.composite
def tables(draw):
    """Rows of moderate size (of both dtypes, some entries zero), targets of two to four classes, and parameters."""
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    shape = (draw(st.integers(4, 60)), draw(st.integers(1, 20)))
    X = draw(arrays(dtype, shape, elements=st.floats(-4, 4, width=32) | st.just(0.0)))
    n_classes = draw(st.integers(2, 4))
    codes = draw(arrays(np.int64, shape[0], elements=st.integers(0, n_classes - 1)))
    codes[:n_classes] = np.arange(n_classes)
    parameters = {
        "loss": draw(st.sampled_from(SMOOTH + STRAIGHT)),
        "penalty": draw(st.sampled_from(["l2", "l1", "elasticnet", None])),
        "alpha": draw(st.sampled_from([1e-4, 1e-2, 0.3])),
        "fit_intercept": draw(st.booleans()),
        "optimizer": draw(st.sampled_from(OPTIMIZERS)),
        "batch_size": draw(st.sampled_from([None, 1, 3, 16, "auto"])),
        "learning_rate": draw(
            st.sampled_from(["constant", "optimal", "invscaling", "adaptive", "step", "cosine", "one_cycle"])
        ),
        "average": draw(st.sampled_from([False, True, 7])),
        "clip_norm": draw(st.sampled_from([None, None, 0.5])),
        "multi_class": draw(st.sampled_from(["auto", "ovr"])),
        "eta0": draw(st.sampled_from(["auto", 0.003])),
        "max_iter": draw(st.integers(1, 8)),
        "random_state": draw(st.integers(0, 1000)),
    }
    return X, codes, parameters


def fitted(estimator, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            return estimator.fit(*args, **kwargs)
        except ValueError as error:  # steps drawn too large for the rows: nothing to compare
            if "under-/overflow" not in str(error):
                raise
            reject()


@settings(max_examples=300, deadline=None)
@given(tables())
def test_sparse_rows_teach_what_dense_rows_teach(table):
    X, y, parameters = table
    dense = fitted(GradientDescentClassifier(**parameters), X, y)
    thin = fitted(GradientDescentClassifier(**parameters), sparse.csr_matrix(X), y)
    # The same steps, summed in another order, and (for sgd) with weights kept as a product with a scale: roundings only.
    # Adaptive rules divide by the size of a gradient, which turns the rounding of a gradient that should be zero into a
    # step of full size: these are compared by what they predict on average only where gradients are not that small.
    rounding = 1e-9 if X.dtype == np.float64 else 1e-3
    assert dense.coef_.dtype == thin.coef_.dtype == X.dtype
    if parameters["optimizer"] in ("sgd", "momentum", "nesterov") and parameters["loss"] in SMOOTH:
        # Steps drawn so large that they blow up the last bit of the rows blow up the sums' roundings as well.
        nudged = fitted(GradientDescentClassifier(**parameters), X * (1 + np.finfo(X.dtype).eps), y)
        blown_up = max(np.abs(getattr(nudged, k) - getattr(dense, k)).max() for k in ("coef_", "intercept_"))
        atol = rounding * (1 + np.abs(dense.coef_).max()) + 100 * blown_up
        assert_allclose(thin.coef_, dense.coef_, rtol=0, atol=atol)
        assert_allclose(thin.intercept_, dense.intercept_, rtol=0, atol=atol)
    thin.coef_, thin.intercept_ = dense.coef_, dense.intercept_
    assert_array_equal(thin.decision_function(sparse.csr_matrix(X)), dense.decision_function(X))
    assert_array_equal(dense.predict(sparse.csr_array(X)), dense.predict(X))


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_layout_threads_and_repetition_do_not_matter(table, data):
    X, y, parameters = table
    first = fitted(GradientDescentClassifier(**parameters), X, y)
    wide = np.repeat(X, 2, axis=1)
    other = data.draw(st.sampled_from([X.copy(), np.asfortranarray(X), wide[:, ::2]]))
    with threadpool_limits(data.draw(st.integers(1, 3))):
        second = fitted(GradientDescentClassifier(**parameters), other, y)
    assert_array_equal(second.coef_, first.coef_)
    assert_array_equal(second.intercept_, first.intercept_)
    assert second.loss_curve_ == first.loss_curve_
    assert_array_equal(second.decision_function(other), first.decision_function(X))


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_whole_weights_are_repeated_rows_in_full_batch(table, data):
    X, y, parameters = table
    weights = data.draw(arrays(np.int64, len(y), elements=st.integers(0, 3)))
    weights[: y.max() + 1] += 1
    parameters.update(batch_size=None, optimizer="nesterov", eta0=0.01, learning_rate="constant")
    parameters["average"] = bool(parameters["average"])  # a number counts rows
    weighted = fitted(GradientDescentClassifier(**parameters), X, y, sample_weight=weights)
    repeated = fitted(GradientDescentClassifier(**parameters), X.repeat(weights, axis=0), y.repeat(weights))
    if parameters["loss"] in STRAIGHT:
        return
    rounding = 1e-9 if X.dtype == np.float64 else 1e-3
    assert_allclose(weighted.coef_, repeated.coef_, rtol=rounding, atol=rounding)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=rounding, atol=rounding)


@settings(max_examples=200, deadline=None)
@given(tables(), st.sampled_from([1e-4, 1.0, 1e5]), st.floats(-1e3, 1e3))
def test_a_regression_follows_the_unit_of_its_target(table, unit, shift):
    X, y, parameters = table
    X = X.astype(np.float64)
    assume(y.std() > 0)
    loss = parameters["loss"]
    if loss not in ("huber", "squared_epsilon_insensitive"):
        loss = "squared_error"
    parameters.pop("multi_class")
    parameters.update(loss=loss, alpha=0.0, fit_intercept=True)
    if parameters["learning_rate"] == "optimal":
        parameters["learning_rate"] = "constant"  # which needs a penalty
    first = fitted(GradientDescentRegressor(delta=1.0, tube=0.2, **parameters), X, y)
    second = fitted(
        GradientDescentRegressor(delta=unit, tube=0.2 * unit, **parameters), X, y * unit + shift * unit
    )
    # Centring a target that is shifted by 1000 deviations rounds at 1e-13; a few steps, and rules that divide by small
    # gradients, make 1e-6 of it at most for the rules that do not.
    if parameters["optimizer"] in ("sgd", "momentum", "nesterov"):
        assert_allclose(second.coef_ / unit, first.coef_, rtol=1e-6, atol=1e-6)
        assert_allclose(second.predict(X) / unit - shift, first.predict(X), rtol=1e-6, atol=1e-6)
        assert_allclose(np.divide(second.loss_curve_, unit**2), first.loss_curve_, rtol=1e-6, atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
def test_seeds_are_drawn_as_numpy_draws_them(seed, limit):
    assert _core.first_randint(seed, limit) == np.random.RandomState(seed).randint(limit)
