"""Linear models by stochastic gradient descent, ours and scikit-learn's, frozen."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import linear_model as theirs
from sklearn.pipeline import make_pipeline

import ferroflow
from ferroflow import linear_model as ours
from ferroflow.preprocessing import StandardScaler

RNG = np.random.RandomState(0)
X = RNG.randn(300, 6)
SCORES = X @ RNG.randn(6, 3) + 0.5 * RNG.randn(300, 3)


def frozen(model, y):
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pipeline, ferroflow.freeze(pipeline, X, y)


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("SGDClassifier", {"loss": "log_loss"}), ("SGDClassifier", {}), ("Perceptron", {})],
)
def test_classifiers(module, name, parameters, classes):
    y = SCORES[:, :classes].argmax(axis=1)
    pipeline, model = frozen(getattr(module, name)(random_state=0, **parameters), y)
    assert_array_equal(model.predict(X), pipeline.predict(X))
    assert_allclose(model.decision_function(X), pipeline.decision_function(X), rtol=1e-12, atol=1e-12)
    if module is ours:
        assert_array_equal(model.decision_function(X), pipeline.decision_function(X))
    if "loss" in parameters:
        assert_allclose(model.predict_proba(X), pipeline.predict_proba(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
def test_regressors(module):
    pipeline, model = frozen(module.SGDRegressor(random_state=0), SCORES[:, 0])
    assert_allclose(model.predict(X), pipeline.predict(X), rtol=1e-12, atol=1e-12)
    if module is ours:
        assert_array_equal(model.predict(X), pipeline.predict(X))


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
def test_outlier_detectors(module):
    pipeline, model = frozen(module.SGDOneClassSVM(nu=0.2, random_state=0), None)
    assert_array_equal(model.predict(X), pipeline.predict(X))
    assert set(model.predict(X)) == {-1, 1}


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_that_are_cut_off(classes):
    y = SCORES[:, :classes].argmax(axis=1)
    for cls in (ours.SGDClassifier, ours.GradientDescentClassifier):
        pipeline, model = frozen(cls(loss="modified_huber", random_state=0), y)
        assert_array_equal(model.predict_proba(X), pipeline.predict_proba(X))
        assert_array_equal(model.decision_function(X), pipeline.decision_function(X))
