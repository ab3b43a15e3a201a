"""Neural networks, ours and scikit-learn's, frozen."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.pipeline import make_pipeline

import ferroflow
from ferroflow import neural_network as ours
from ferroflow.preprocessing import StandardScaler

RNG = np.random.RandomState(0)
X = RNG.randn(300, 11)
SCORES = X @ RNG.randn(11, 3) + 0.5 * RNG.randn(300, 3)
SMALL = {"hidden_layer_sizes": (17, 9), "max_iter": 8, "random_state": 0}


def frozen(model, y, rows=X):
    pipeline = make_pipeline(StandardScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(rows, y)
        return pipeline, ferroflow.freeze(pipeline, rows, y)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers(classes, activation, dtype):
    y = np.array(["a", "b", "c"])[SCORES[:, :classes].argmax(axis=1)]
    rows = X.astype(dtype)
    for module in (ours, theirs):
        pipeline, model = frozen(module.MLPClassifier(**SMALL, activation=activation), y, rows)
        assert_array_equal(model.predict(rows), pipeline.predict(rows))
        tolerance = 1e-12 if dtype == np.float64 else 1e-4
        assert_allclose(
            model.predict_proba(rows), pipeline.predict_proba(rows), rtol=tolerance, atol=tolerance
        )
        if module is ours:
            assert_array_equal(model.predict_proba(rows), pipeline.predict_proba(rows))
            one = model.predict_proba(rows[:1])
            assert_array_equal(one, pipeline.predict_proba(rows)[:1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("y", "parameters"),
    [(SCORES[:, 0], {}), (SCORES, {"activation": "tanh"}), (np.abs(SCORES), {"loss": "poisson"})],
)
def test_regressors(y, parameters, dtype):
    rows = X.astype(dtype)
    for module in (ours, theirs):
        pipeline, model = frozen(module.MLPRegressor(**SMALL, **parameters), y, rows)
        tolerance = 1e-11 if dtype == np.float64 else 1e-4
        assert_allclose(model.predict(rows), pipeline.predict(rows), rtol=tolerance, atol=tolerance)
        if module is ours:
            assert_array_equal(model.predict(rows), pipeline.predict(rows))


def test_what_is_beyond_scikit_learns():
    y = SCORES.argmax(axis=1)
    for more in ({"batch_norm": True}, {"dropout": 0.2}, {"dtype": "float32"}, {"hidden_layer_sizes": ()}):
        pipeline, model = frozen(ours.MLPClassifier(**SMALL | more), y)
        assert_array_equal(model.predict_proba(X), pipeline.predict_proba(X))
        assert_array_equal(model.predict(X), pipeline.predict(X))


def test_dense_and_sparse_rows_have_the_same_bits():
    for dtype in (np.float64, np.float32):
        rows = np.where(np.abs(X) > 1, X, 0).astype(dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = ours.MLPRegressor(**SMALL | {"hidden_layer_sizes": (37,)}).fit(rows, SCORES)
        expected = model.predict(rows)
        for same in (sparse.csr_matrix(rows), sparse.csc_array(rows), np.asfortranarray(rows)):
            assert_array_equal(model.predict(same), expected)
        for i in range(5):
            assert_array_equal(model.predict(rows[i : i + 1]), expected[i : i + 1])


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
def test_several_labels_a_row_come_as_numbers(module):
    pipeline, model = frozen(module.MLPClassifier(**SMALL), (SCORES > 0).astype(int))
    assert_array_equal(model.predict(X), pipeline.predict(X))
    assert model.task == "regressor"
