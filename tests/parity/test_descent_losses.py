"""Losses, averages, schedules and what a fit tells, of the estimators by gradient descent."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    Perceptron,
    PoissonRegressor,
    QuantileRegressor,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR

import ferroflow
from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor
from ferroflow.preprocessing import StandardScaler

CLASSIFIER_LOSSES = [
    "log_loss",
    "modified_huber",
    "hinge",
    "squared_hinge",
    "perceptron",
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
]
REGRESSOR_LOSSES = [
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "quantile",
    "poisson",
]
ALPHA = 0.01


def standard(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def counts():
    rng = np.random.RandomState(0)
    X = rng.randn(400, 5)
    return X, rng.poisson(np.exp(2.0 + X @ [0.3, -0.2, 0.1, 0.0, 0.4])).astype(float)


# One row a step in the rows' own order: the same steps as scikit-learn's, to rounding. Its Huber threshold and tube are
# both called epsilon. Its targets are ours where they have mean 0 and deviation 1.
STEPS = {
    "shuffle": False,
    "tol": None,
    "max_iter": 4,
    "alpha": ALPHA,
    "learning_rate": "constant",
    "eta0": 0.01,
}
OURS = {"optimizer": "sgd", "batch_size": 1}


def same_steps(ours, theirs, X, y):
    ours.fit(X, y)
    theirs.fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8, atol=1e-10)
    # scikit-learn's steps for the intercept of sparse rows are smaller by a factor.
    if not sparse.issparse(X):
        assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("average", [False, True, 700])
@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_single_rows_teach_what_sgd_classifier_learns(load, loss, average):
    X, y = standard(load)
    ours = GradientDescentClassifier(
        loss, delta=0.5, tube=0.5, average=average, multi_class="ovr", **OURS, **STEPS
    )
    same_steps(ours, SGDClassifier(loss, epsilon=0.5, average=average, **STEPS), X, y)


@pytest.mark.parametrize("average", [False, True, 700])
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES[:4])
def test_single_rows_teach_what_sgd_regressor_learns(loss, average):
    X, y = standard(load_diabetes)
    y = (y - y.mean()) / y.std()
    ours = GradientDescentRegressor(loss, delta=0.5, tube=0.5, average=average, **OURS, **STEPS)
    same_steps(ours, SGDRegressor(loss, epsilon=0.5, average=average, **STEPS), X, y)


def test_the_perceptron():
    X, y = standard(load_breast_cancer)
    parameters = {"shuffle": False, "tol": None, "max_iter": 5}
    ours = GradientDescentClassifier(
        "perceptron", penalty=None, learning_rate="constant", eta0=1.0, **OURS, **parameters
    )
    same_steps(ours, Perceptron(**parameters), X, y)


@pytest.mark.parametrize("batch_size", [1, 16, None])
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_sparse_rows_have_the_averages_of_dense_rows(batch_size, optimizer, penalty):
    X, y = standard(load_breast_cancer)
    X = X * (np.abs(X) > 0.5)
    model = GradientDescentClassifier(
        penalty=penalty, optimizer=optimizer, batch_size=batch_size, average=300, max_iter=6, tol=None
    )
    dense = clone(model).set_params(random_state=0).fit(X, y)
    thin = clone(model).set_params(random_state=0).fit(sparse.csr_matrix(X), y)
    assert_allclose(thin.coef_, dense.coef_, rtol=1e-7, atol=1e-9)
    assert_allclose(thin.intercept_, dense.intercept_, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_the_average_is_that_of_the_weights_after_each_update(optimizer):
    X, y = standard(load_breast_cancer)
    steps = {"optimizer": optimizer, "batch_size": None, "eta0": 0.05, "shuffle": False, "tol": None}
    after = [
        np.r_[m.coef_[0], m.intercept_]
        for m in (GradientDescentClassifier(max_iter=n, **steps).fit(X, y) for n in range(1, 9))
    ]
    mean = GradientDescentClassifier(max_iter=8, average=3 * len(y), **steps).fit(X, y)
    assert_allclose(np.r_[mean.coef_[0], mean.intercept_], np.mean(after[2:], axis=0), rtol=1e-12)


def test_partial_fit_goes_on_from_the_last_weights_and_averages_all():
    X, y = standard(load_breast_cancer)
    parameters = {"optimizer": "sgd", "batch_size": 8, "shuffle": False, "eta0": 0.01, "average": 100}
    whole = GradientDescentClassifier(max_iter=5, tol=None, learning_rate="constant", **parameters).fit(X, y)
    parts = GradientDescentClassifier(learning_rate="constant", **parameters)
    for _ in range(5):
        parts.partial_fit(X, y, classes=[0, 1])
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-10)
    assert_allclose(parts.intercept_, whole.intercept_, rtol=1e-10)


def slopes(loss, X, t, delta=0.5, tube=0.2):
    """The mean loss of weights and an intercept, and its gradient, of smooth losses."""

    def objective(theta):
        z = X @ theta[:-1] + theta[-1]
        r, slack = z - t, np.maximum(0, 1 - t * z)
        near, over = np.minimum(slack, 2), np.maximum(0, np.abs(r) - tube)
        values, slope = {
            "squared_hinge": (slack**2, -2 * t * slack),
            "modified_huber": (near * (2 * slack - near), -2 * t * near),
            "squared_epsilon_insensitive": (over**2, 2 * over * np.sign(r)),
            "huber": (
                np.where(np.abs(r) < delta, r**2 / 2, delta * (np.abs(r) - delta / 2)),
                np.clip(r, -delta, delta),
            ),
        }[loss]
        value = values.mean() + ALPHA / 2 * (theta[:-1] ** 2).sum()
        return value, np.r_[X.T @ slope / len(t) + ALPHA * theta[:-1], slope.mean()]

    return objective


@pytest.mark.parametrize("batch_size", [None, 32])
@pytest.mark.parametrize("loss", ["squared_hinge", "modified_huber", "squared_epsilon_insensitive", "huber"])
def test_smooth_losses_reach_the_minimum(loss, batch_size):
    X, y = standard(load_breast_cancer)
    objective = slopes(loss, X, 2.0 * y - 1)
    best = minimize(objective, np.zeros(31), jac=True, tol=1e-12).fun
    model = GradientDescentClassifier(
        loss, delta=0.5, tube=0.2, alpha=ALPHA, batch_size=batch_size, random_state=0, max_iter=5000
    ).fit(X, y)
    # As for the other losses: see test_gradient_descent.py. Those of curvature 2 are twice as large.
    gap = objective(np.r_[model.coef_[0], model.intercept_])[0] - best
    assert -1e-9 < gap < (5e-5 if batch_size is None else 2e-3)
    assert_allclose(model.loss_curve_[-1], best, atol=5e-3)


@pytest.mark.parametrize("batch_size", [None, 32])
def test_poisson_reaches_scikit_learns_minimum(batch_size):
    X, y = counts()
    exact = PoissonRegressor(alpha=ALPHA, tol=1e-10, max_iter=1000).fit(X, y)
    model = GradientDescentRegressor(
        "poisson", alpha=ALPHA, batch_size=batch_size, random_state=0, max_iter=5000
    ).fit(X, y)

    def objective(m):
        mu = m.predict(X)
        deviance = y * np.log(np.where(y > 0, y, 1) / mu) - y + mu
        return deviance.mean() + ALPHA / 2 * (m.coef_**2).sum()

    assert -1e-9 < (objective(model) - objective(exact)) / y.mean() < 1e-4
    assert_allclose(model.loss_curve_[-1], objective(exact), rtol=0.02)
    # A thousand times as many: the weights stay, the intercept grows by the logarithm.
    many = clone(model).set_params(alpha=ALPHA * 1000).fit(X, y * 1000)
    assert_allclose(many.coef_, model.coef_, rtol=1e-9)
    assert_allclose(many.intercept_, model.intercept_ + np.log(1000), rtol=1e-9)
    assert_allclose(many.loss_curve_, np.multiply(model.loss_curve_, 1000), rtol=1e-9)
    with pytest.raises(ValueError, match="out of the valid range"):
        model.fit(X, -y)


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.9])
def test_quantiles_reach_the_linear_programs_minimum(quantile):
    X, y = make_regression(300, 5, noise=20.0, random_state=0)
    exact = QuantileRegressor(quantile=quantile, alpha=0.05, solver="highs").fit(X, y)
    model = GradientDescentRegressor(
        "quantile", quantile=quantile, penalty="l1", alpha=0.05, random_state=0, max_iter=5000
    ).fit(X, y)

    def objective(m):
        r = y - m.predict(X)
        return np.maximum(quantile * r, (quantile - 1) * r).mean() + 0.05 * np.abs(m.coef_).sum()

    assert -1e-9 < (objective(model) - objective(exact)) / y.std() < 2e-3
    assert_allclose((y < model.predict(X)).mean(), quantile, atol=0.03)


def test_the_tube_reaches_the_minimum_of_svr():
    X, y = make_regression(300, 5, noise=20.0, random_state=0)
    alpha, tube = 0.05, 10.0
    exact = SVR(kernel="linear", C=1 / (alpha * len(y)), epsilon=tube, tol=1e-8).fit(X, y)
    model = GradientDescentRegressor(
        "epsilon_insensitive", tube=tube, alpha=alpha, random_state=0, max_iter=5000
    ).fit(X, y)

    def objective(m):
        return (
            np.maximum(0, np.abs(y - m.predict(X)) - tube).mean() + alpha / 2 * (np.ravel(m.coef_) ** 2).sum()
        )

    assert -1e-7 < (objective(model) - objective(exact)) / y.std() < 2e-3


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_one_against_the_rest_has_its_probabilities(loss):
    X, y = standard(load_iris)
    model = GradientDescentClassifier(loss, multi_class="ovr", optimizer="sgd", batch_size=None, max_iter=300)
    model.set_params(tol=None)
    several = clone(model).fit(X, y)
    rest = OneVsRestClassifier(clone(model)).fit(X, y)
    for k, one in enumerate(rest.estimators_):
        assert_allclose(several.coef_[k], one.coef_[0], rtol=1e-9)
    theirs = SGDClassifier(loss).fit(X, y)
    theirs.coef_, theirs.intercept_ = several.coef_, several.intercept_
    assert_allclose(several.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
    two = clone(model).fit(X, y > 0)
    theirs = SGDClassifier(loss).fit(X, y > 0)
    theirs.coef_, theirs.intercept_ = two.coef_, two.intercept_
    assert_allclose(two.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
    with pytest.raises(ValueError, match="needs loss='log_loss'"):
        GradientDescentClassifier("hinge", multi_class="multinomial").fit(X, y)


def test_modified_huber_gives_all_classes_the_same_where_it_knows_nothing():
    X, y = standard(load_iris)
    model = GradientDescentClassifier("modified_huber", random_state=0).fit(X, y)
    model.coef_, model.intercept_ = np.zeros((3, 4)), np.full(3, -2.0)
    assert_array_equal(model.predict_proba(X[:2]), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("rows", ["dense", "sparse"])
def test_long_gradients_are_shortened(rows):
    X, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    Z = sparse.csr_matrix(X * 1e3) if rows == "sparse" else X * 1e3
    step = {"penalty": None, "optimizer": "sgd", "learning_rate": "constant", "max_iter": 1, "tol": None}
    for fit_intercept in (True, False):
        clipped = GradientDescentRegressor(
            batch_size=None, eta0=1.0, clip_norm=0.25, fit_intercept=fit_intercept, **step
        ).fit(Z, y)
        gradient = -(X * 1e3).T @ y / len(y)
        assert_allclose(clipped.coef_, -0.25 * gradient / np.linalg.norm(gradient), rtol=1e-9)
    free = GradientDescentRegressor(batch_size=1, eta0=1e-9, shuffle=False, **step)
    assert_array_equal(
        free.fit(Z, y).coef_.round(15), clone(free).set_params(clip_norm=1e9).fit(Z, y).coef_.round(15)
    )


def rates(**parameters):
    X, y = standard(load_breast_cancer)
    seen = []
    model = GradientDescentClassifier(
        eta0=0.1, tol=None, callback=lambda *told: seen.append(told), **parameters
    ).fit(X, y)
    assert [told[0] for told in seen] == list(range(1, model.n_iter_ + 1))
    assert [told[1] for told in seen] == model.loss_curve_
    return model, seen


def test_schedules():
    batches = 3  # 569 rows by 256
    _, seen = rates(learning_rate="step", step_size=4, gamma=0.5, max_iter=10)
    assert_allclose([told[3] for told in seen], 0.1 * 0.5 ** np.repeat([0, 1, 2], 4)[:10])
    at = (np.arange(1, 11) * batches - 1) / (10 * batches)
    _, seen = rates(learning_rate="cosine", max_iter=10)
    assert_allclose([told[3] for told in seen], 0.1 * (1 + np.cos(np.pi * at)) / 2)
    _, seen = rates(learning_rate="one_cycle", max_iter=10)
    up = 0.1 * (1 + 24 * (1 - np.cos(np.pi * at / 0.3)) / 2) / 25
    down = 0.1 * (4e-6 + (1 - 4e-6) * (1 + np.cos(np.pi * (at - 0.3) / 0.7)) / 2)
    assert_allclose([told[3] for told in seen], np.where(at < 0.3, up, down))


@pytest.mark.parametrize("schedule", ["step", "cosine", "one_cycle"])
def test_schedules_end_at_the_optimum(schedule):
    X, y = standard(load_breast_cancer)
    parameters = {"alpha": ALPHA, "random_state": 0}
    end = GradientDescentClassifier(
        learning_rate=schedule,
        batch_size=32,
        max_iter=60,
        eta0=0.05,
        tol=None,
        step_size=20,
        **parameters,
    ).fit(X, y)
    exact = GradientDescentClassifier(batch_size=None, max_iter=5000, **parameters).fit(X, y)
    assert end.loss_curve_[-1] - exact.loss_curve_[-1] < 1e-3


def test_callbacks_see_the_validation_rows_and_stop_the_fit():
    X, y = standard(load_breast_cancer)
    model, seen = rates(early_stopping=True, max_iter=8, random_state=0)
    assert [told[2] for told in seen] == model.validation_curve_ and len(seen) == 8
    model, seen = rates(max_iter=3)
    assert model.validation_curve_ is None and all(told[2] is None for told in seen)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stopped = GradientDescentClassifier(callback=lambda epoch, *_: epoch == 4).fit(X, y)
    assert stopped.n_iter_ == 4

    def fails(*told):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        GradientDescentClassifier(callback=fails).fit(X, y)
    seen = []
    parts = GradientDescentRegressor(callback=lambda *told: seen.append(told))
    for _ in range(3):
        parts.partial_fit(X, y)
    assert [told[0] for told in seen] == [1, 2, 3]
    assert [told[1] for told in seen] == parts.loss_curve_


def test_verbose_tells_the_rate_and_the_time_left(capsys):
    X, y = standard(load_breast_cancer)
    GradientDescentClassifier(max_iter=2, tol=None, verbose=1, early_stopping=True, eta0=0.01).fit(X, y)
    out = capsys.readouterr().out
    assert "Validation loss: 0." in out and "Learning rate: 0.01, Time left at most: 0.0 s" in out


@pytest.mark.parametrize("sparse_rows", [False, True])
@pytest.mark.parametrize("batch_size", [1, 16, None])
@pytest.mark.parametrize("loss", sorted({*CLASSIFIER_LOSSES, *REGRESSOR_LOSSES}))
def test_divergence_names_the_rate_and_the_columns(loss, batch_size, sparse_rows):
    X, y = standard(load_breast_cancer)
    X = X.copy()
    X[:, 3] *= 1e6
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(30)])
    rows = sparse.csr_matrix(X) if sparse_rows else frame
    column = "3" if sparse_rows else "'c3'"
    kind = GradientDescentClassifier if loss in CLASSIFIER_LOSSES else GradientDescentRegressor
    model = kind(
        loss, optimizer="sgd", eta0=1e306, learning_rate="constant", batch_size=batch_size, max_iter=50
    )
    with pytest.raises(ValueError, match=r"overflow occurred at epoch #\d+") as told:
        model.fit(rows, y)
    for part in ("learning rate of 1e+306", "learning_rate='constant'", f"far from the others: {column}."):
        assert part in str(told.value)
    assert not hasattr(model, "coef_")
    model.eta0 = 1.7e308
    with pytest.raises(ValueError, match="No column differs"):
        model.fit(rows[:, :3] if sparse_rows else frame[["c0", "c1"]], y)


def test_unscaled_columns_are_named_in_the_warning():
    X, y = standard(load_breast_cancer)
    frame = pd.DataFrame(X * np.r_[1e4, np.ones(28), 1e-5], columns=[f"c{j}" for j in range(30)])
    with pytest.warns(ConvergenceWarning, match="far from the others: 'c29', 'c0'"):
        GradientDescentClassifier(max_iter=1, tol=None).fit(frame, y)


OPTIONS = {
    "average": 50,
    "clip_norm": 0.5,
    "step_size": 3,
    "gamma": 0.4,
    "tube": 0.3,
    "learning_rate": "step",
    "callback": print,
}


@pytest.mark.parametrize("loss", sorted({*CLASSIFIER_LOSSES, *REGRESSOR_LOSSES}))
def test_pickles_clones_and_frozen_models(loss, capsys):
    X, y = standard(load_breast_cancer)
    classifier = loss in CLASSIFIER_LOSSES
    kind = GradientDescentClassifier if classifier else GradientDescentRegressor
    model = kind(loss, max_iter=5, tol=None, random_state=0, **OPTIONS)
    assert clone(model).get_params() == model.get_params()
    model.fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    again.partial_fit(X, y)
    model.partial_fit(X, y)
    assert_array_equal(again.coef_, model.coef_)
    for dtype in (np.float64, np.float32):
        Z = X.astype(dtype)
        pipeline = make_pipeline(StandardScaler(), clone(model)).fit(Z, y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it warns where bits differ
            frozen = ferroflow.freeze(pipeline, Z, y)
        assert_array_equal(frozen.predict(Z), pipeline.predict(Z))


def test_one_against_the_rest_is_frozen():
    X, y = standard(load_iris)
    model = GradientDescentClassifier(multi_class="ovr", random_state=0).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns where bits differ
        frozen = ferroflow.freeze(model, X, y)
    assert_array_equal(frozen.decision_function(X), model.decision_function(X))
    assert_array_equal(frozen.predict_proba(X), model.predict_proba(X))
