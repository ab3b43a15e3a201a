"""Against scikit-learn's exact solvers, whose objective is the same: the same optimum within what `tol` promises."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    make_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import ferroflow
from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor
from ferroflow.preprocessing import StandardScaler

ALPHA = 0.01
# adamw decays weights beside the gradient: its fixed point is no minimum of the objective.
DESCENTS = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
BATCHES = [None, 1, 32]


def scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def log_loss(z, y):
    if z.ndim == 1:
        return np.logaddexp(0, np.where(y == 1, -z, z)).mean()
    return (np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]).mean()


def penalty(coef, alpha=ALPHA, l1_ratio=0.0):
    return alpha * (l1_ratio * np.abs(coef).sum() + (1 - l1_ratio) / 2 * (coef**2).sum())


def logistic(X, y, alpha=ALPHA):
    model = LogisticRegression(C=1 / (alpha * len(y)), tol=1e-10, max_iter=100_000).fit(X, y)
    return log_loss(model.decision_function(X), y) + penalty(model.coef_, alpha)


# What is left of the objective at the end: with all rows, the gradient is below tol = 1e-4, and the objective at most
# |gradient|^2 / (2 alpha) above its minimum: 30 weights of 1e-4 make 1.5e-5. With batches the fit stops when a rate
# five times smaller brings no more than tol = 1e-4 in five epochs; then some multiple of tol is left. Adagrad's rate
# falls by itself, so that it stalls sooner.
def allowed(optimizer, batch_size):
    if batch_size is None:
        return 2e-5
    return 3e-3 if optimizer == "adagrad" else 1e-3


@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("optimizer", DESCENTS)
@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_logistic_regression(load, optimizer, batch_size):
    X, y = scaled(load)
    parameters = {"optimizer": optimizer, "batch_size": batch_size, "alpha": ALPHA}
    model = GradientDescentClassifier(max_iter=5000, random_state=0, **parameters).fit(X, y)
    ours = log_loss(model.decision_function(X), y) + penalty(model.coef_)
    assert -1e-9 < ours - logistic(X, y) < allowed(optimizer, batch_size)
    assert_allclose(
        model.loss_curve_[-1], ours, rtol=0.02
    )  # means over an epoch, in which weights still move


@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("optimizer", DESCENTS)
def test_ridge(optimizer, batch_size):
    X, y = scaled(load_diabetes)
    parameters = {"optimizer": optimizer, "batch_size": batch_size, "alpha": ALPHA}
    model = GradientDescentRegressor(max_iter=5000, random_state=0, **parameters).fit(X, y)
    exact = Ridge(alpha=ALPHA * len(y), tol=1e-10).fit(X, y)

    def objective(model):
        return ((model.predict(X) - y) ** 2).mean() / 2 + penalty(model.coef_)

    # The objective is in units of y^2, and tol in those of its variance.
    gap = (objective(model) - objective(exact)) / y.var()
    assert -1e-9 < gap < allowed(optimizer, batch_size)


@pytest.mark.parametrize("optimizer", DESCENTS)
@pytest.mark.parametrize("sparse_rows", [False, True])
def test_elastic_net_finds_the_zeros(optimizer, sparse_rows):
    X, y = make_regression(400, 30, n_informative=5, noise=5.0, random_state=0)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    rows = sparse.csr_matrix(X) if sparse_rows else X
    exact = ElasticNet(alpha=0.1, l1_ratio=0.7, tol=1e-10).fit(X, y)
    parameters = {"penalty": "elasticnet", "alpha": 0.1, "l1_ratio": 0.7, "tol": 1e-6, "max_iter": 5000}
    model = GradientDescentRegressor(optimizer=optimizer, batch_size=None, **parameters).fit(rows, y)
    assert_allclose(model.coef_, exact.coef_, atol=1e-5)  # a gradient below 1e-6, over a curvature above 0.1
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    model = GradientDescentRegressor(optimizer="sgd", batch_size=8, random_state=0, **parameters).fit(rows, y)
    assert_allclose(model.coef_, exact.coef_, atol=5e-3)


@pytest.mark.parametrize("loss", ["hinge", "huber", "squared_error"])
@pytest.mark.parametrize("batch_size", BATCHES)
def test_other_losses_reach_the_minimum_that_scipy_finds(loss, batch_size):
    from scipy.optimize import minimize

    X, y = make_classification(300, 6, n_informative=4, random_state=0)
    X, t = StandardScaler().fit_transform(X), 2.0 * y - 1

    def objective(theta):
        z = X @ theta[:-1] + theta[-1]
        r = np.abs(z - t)
        losses = {
            "hinge": np.maximum(0, 1 - t * z),
            "huber": np.where(r <= 0.5, r**2 / 2, 0.5 * (r - 0.25)),
            "squared_error": r**2 / 2,
        }
        return losses[loss].mean() + penalty(theta[:-1])

    options = {"xtol": 1e-10, "ftol": 1e-14, "maxiter": 10**5}
    best = minimize(objective, np.zeros(7), method="Powell", options=options).fun
    model = GradientDescentClassifier(
        loss, delta=0.5, alpha=ALPHA, batch_size=batch_size, random_state=0, max_iter=5000
    ).fit(X, y)
    ours = objective(np.r_[model.coef_[0], model.intercept_])
    # The hinge's slopes do not vanish at its minimum: its steps end only with the rate.
    assert ours - best < (2e-3 if loss == "hinge" else allowed("adam", batch_size) + 1e-9)
    assert not hasattr(model, "predict_proba")


def test_one_class_against_the_rest():
    X, y = scaled(load_iris)
    parameters = {"loss": "hinge", "optimizer": "sgd", "batch_size": 16, "shuffle": False}
    rest = {"learning_rate": "constant", "eta0": 0.01, "max_iter": 20, "tol": None}
    model = GradientDescentClassifier(**parameters, **rest).fit(X, y)
    for k in range(3):
        one = GradientDescentClassifier(**parameters, **rest).fit(X, y == k)
        # The same steps, summed in another order.
        assert_allclose(model.coef_[k], one.coef_[0], rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_defaults_work(dtype):
    X, y = load_breast_cancer(return_X_y=True)
    for batch_size in (1, 32, "auto", None):
        model = make_pipeline(
            StandardScaler(), GradientDescentClassifier(batch_size=batch_size, random_state=0)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            assert cross_val_score(model, X.astype(dtype), y).mean() > 0.96  # the exact solver's is 0.965
        assert model.fit(X.astype(dtype), y)[-1].coef_.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_a_frozen_model_gives_the_same_bits(load, loss, dtype):
    X, y = load(return_X_y=True)
    X = X.astype(dtype)
    model = make_pipeline(
        StandardScaler(), GradientDescentClassifier(loss, max_iter=20, tol=None, random_state=0)
    )
    model.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns where bits differ
        frozen = ferroflow.freeze(model, X, y)
    assert_array_equal(frozen.decision_function(X), model.decision_function(X))
    if loss == "log_loss":
        assert_array_equal(frozen.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_frozen_regressor_gives_the_same_bits(dtype):
    X, y = load_diabetes(return_X_y=True)
    X = X.astype(dtype)
    model = make_pipeline(StandardScaler(), GradientDescentRegressor(random_state=0)).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frozen = ferroflow.freeze(model, X, y)
    assert_array_equal(frozen.predict(X), model.predict(X))


def test_probabilities():
    X, y = scaled(load_iris)
    model = GradientDescentClassifier(random_state=0).fit(X, y)
    z = model.decision_function(X)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    assert_allclose(model.predict_proba(X), e / e.sum(axis=1, keepdims=True), rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), rtol=1e-12)
    two = GradientDescentClassifier(random_state=0).fit(X, y > 0)
    assert_allclose(two.predict_proba(X)[:, 1], 1 / (1 + np.exp(-two.decision_function(X))), rtol=1e-12)
    assert_array_equal(two.predict(X), two.predict_proba(X)[:, 1] > 0.5)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_partial_fit_goes_on_where_fit_would_have(optimizer):
    X, y = scaled(load_breast_cancer)
    parameters = {"optimizer": optimizer, "batch_size": 64, "shuffle": False, "eta0": 0.01, "tol": None}
    whole = GradientDescentClassifier(**parameters, max_iter=6, learning_rate="invscaling").fit(X, y)
    parts = GradientDescentClassifier(**parameters, learning_rate="invscaling")
    for _ in range(6):
        parts.partial_fit(X, y, classes=[0, 1])
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-12)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)
    assert parts.t_ == whole.t_ == 6 * 9 + 1


def test_partial_fit_learns_a_regression_in_blocks():
    X, y = make_regression(2000, 10, noise=1.0, random_state=0)
    model = GradientDescentRegressor(random_state=0)
    for _ in range(50):
        for part in np.array_split(np.arange(2000), 4):
            model.partial_fit(X[part], y[part])
    assert model.score(X, y) > 0.999


def test_warm_start_begins_with_the_last_weights():
    X, y = scaled(load_breast_cancer)
    model = GradientDescentClassifier(warm_start=True, random_state=0, batch_size=32).fit(X, y)
    first = model.loss_curve_
    model.fit(X, y)
    assert model.loss_curve_[0] < first[3]
    X, y = scaled(load_diabetes)
    model = GradientDescentRegressor(warm_start=True, random_state=0, batch_size=32).fit(X, y)
    first = model.loss_curve_
    assert model.fit(X, y).loss_curve_[0] < first[0]
    with pytest.raises(ValueError, match="warm_start=False"):
        model.fit(X[:, :3], y)


def test_class_weight_is_sample_weight():
    X, y = scaled(load_breast_cancer)
    parameters = {"batch_size": None, "max_iter": 50, "tol": None, "optimizer": "nesterov"}
    balanced = GradientDescentClassifier(class_weight="balanced", **parameters).fit(X, y)
    weights = len(y) / (2 * np.bincount(y))[y]
    weighted = GradientDescentClassifier(**parameters).fit(X, y, sample_weight=7 * weights)
    assert_allclose(balanced.coef_, weighted.coef_, rtol=1e-9)


def test_early_stopping_keeps_the_best_weights():
    X, y = make_classification(400, 100, n_informative=5, flip_y=0.3, random_state=0)
    parameters = {"alpha": 0.0, "random_state": 0, "learning_rate": "constant", "eta0": 0.05}
    model = GradientDescentClassifier(early_stopping=True, validation_fraction=0.3, **parameters).fit(X, y)
    assert model.n_iter_ < 1000
    with pytest.raises(ValueError, match="early_stopping should be False with partial_fit"):
        model.partial_fit(X, y)
    regression = GradientDescentRegressor(early_stopping=True, **parameters).fit(X, X[:, 0])
    assert regression.score(X, X[:, 0]) > 0.99


def test_unscaled_columns_warn_and_scaled_do_not():
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="differ in scale by a factor"):
        GradientDescentClassifier(random_state=0).fit(X, y)
    onehot = sparse.random(5000, 50, 0.01, format="csr", random_state=0)
    onehot.data[:] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GradientDescentClassifier(random_state=0).fit(onehot, np.arange(5000) % 2)
        GradientDescentClassifier(random_state=0).fit(StandardScaler().fit_transform(X), y)


def test_too_few_epochs_warn():
    X, y = scaled(load_breast_cancer)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration reached before convergence"):
        GradientDescentClassifier(max_iter=2).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GradientDescentClassifier(max_iter=2, tol=None).fit(X, y)


def test_overflow_is_an_error_and_leaves_the_estimator_as_it_was():
    X, y = scaled(load_diabetes)
    model = GradientDescentRegressor(random_state=0).fit(X, y)
    before = model.coef_.copy()
    model.set_params(optimizer="sgd", eta0=1e6, learning_rate="constant", batch_size=1)
    with pytest.raises(ValueError, match=r"Floating-point under-/overflow occurred at epoch #\d+"):
        model.fit(X, y)
    assert_array_equal(model.coef_, before)
    model.predict(X)


@pytest.mark.parametrize("estimator", [GradientDescentClassifier, GradientDescentRegressor])
@pytest.mark.parametrize(
    "X, y, message",
    [
        (np.array([[1.0], [np.nan]]), [0, 1], "Input X contains NaN"),
        (np.array([[1.0], [np.inf]]), [0, 1], "Input X contains infinity"),
        (np.ones((2, 1)), [0.0, np.nan], "Input y contains NaN"),
        (np.ones((2, 1)), [0, 1, 0], "inconsistent numbers of samples"),
        (np.empty((0, 3)), [], "Found array with 0 sample"),
        (np.empty((2, 0)), [0, 1], "0 feature"),
        (np.array([["a"], ["b"]]), [0, 1], "could not convert string to float"),
    ],
)
def test_bad_input(estimator, X, y, message):
    with pytest.raises(ValueError, match=message):
        estimator().fit(X, y)


def test_bad_rows_to_predict():
    X, y = scaled(load_breast_cancer)
    model = GradientDescentClassifier(random_state=0).fit(X, y)
    for bad, message in [
        (np.full((2, 30), np.nan), "Input X contains NaN"),
        (np.full((2, 30), np.inf), "Input X contains infinity"),
        (X[:, :3], "X has 3 features, but GradientDescentClassifier is expecting 30 features"),
        (X[0], "Expected 2D array, got 1D array instead"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict(bad)
    with pytest.raises(NotFittedError):
        GradientDescentClassifier().predict(X)
    with pytest.raises(AttributeError, match="predict_proba"):
        GradientDescentClassifier("hinge").fit(X, y).predict_proba(X)


def test_bad_targets_and_parameters():
    X, y = scaled(load_breast_cancer)
    with pytest.raises(ValueError, match="number of classes has to be greater than one"):
        GradientDescentClassifier().fit(X, np.ones(len(y)))
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        GradientDescentClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        GradientDescentClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="not among classes"):
        GradientDescentClassifier().partial_fit(X, y + 1, classes=[0, 1])
    with pytest.raises(ValueError, match="at least one non-zero"):
        GradientDescentClassifier().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="alpha must be > 0"):
        GradientDescentClassifier(alpha=0, learning_rate="optimal").fit(X, y)
    for bad in (
        {"loss": "absolute"},
        {"optimizer": "lbfgs"},
        {"batch_size": 0},
        {"eta0": -1.0},
        {"alpha": -1.0},
        {"learning_rate": "pa1"},
        {"penalty": "l0"},
        {"beta_1": 1.0},
    ):
        with pytest.raises(ValueError, match=f"The '{next(iter(bad))}' parameter"):
            GradientDescentClassifier(**bad).fit(X, y)


def test_verbose_prints_what_sgd_prints(capsys):
    X, y = scaled(load_breast_cancer)
    GradientDescentClassifier(max_iter=2, tol=None, verbose=1).fit(X, y)
    out = capsys.readouterr().out
    assert "-- Epoch 1\nNorm: " in out and "-- Epoch 2" in out and "T: 6, Avg. loss: 0." in out
    assert "Total training time:" in out


def test_texts_frames_pickles_and_clones():
    X, y = scaled(load_iris)
    frame, names = pd.DataFrame(X, columns=list("abcd")), np.array(["x", "y", "z"])[y]
    model = GradientDescentClassifier(random_state=0).fit(frame, names)
    assert_array_equal(model.feature_names_in_, list("abcd"))
    assert set(model.predict(frame)) == {"x", "y", "z"}
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))
    assert clone(model).get_params() == model.get_params()
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert_array_equal(model.predict(X), model.predict(frame))


def test_the_ledger_says_rust(capsys):
    X, y = scaled(load_breast_cancer)
    ferroflow.explain(clear=True, file=None)
    capsys.readouterr()
    GradientDescentClassifier(random_state=0).fit(X, y).predict(X)
    ferroflow.explain()
    out = capsys.readouterr().out
    assert "GradientDescentClassifier.fit" in out and "scikit-learn" not in out


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "y",
    [
        np.arange(60) % 2,
        np.arange(60) % 2 == 0,
        (np.arange(60) % 2).astype(np.uint8) + np.uint8(254),
        (np.arange(60) % 3 - 128).astype(np.int8),
        (np.arange(60) % 3).astype(np.uint64) * 2**62,
        np.arange(60) % 3 * 4.0 - 2,
        np.arange(60) % 2 + 0.0,
        np.arange(60) % 3 * 1000,
    ],
    ids=lambda y: f"{y.dtype}-{y.max()}",
)
def test_plain_arrays_fit_as_validated_ones_do(y, dtype):
    X = np.random.RandomState(0).randn(60, 4).astype(dtype)
    classifier = GradientDescentClassifier(random_state=0, max_iter=5)
    fast = clone(classifier).fit(X, y)
    slow = clone(classifier).fit(pd.DataFrame(X), pd.Series(y))
    assert_array_equal(fast.coef_, slow.coef_)
    assert_array_equal(fast.classes_, slow.classes_)
    assert fast.coef_.dtype == slow.coef_.dtype == dtype
    assert fast.classes_.dtype == slow.classes_.dtype == y.dtype
    assert (fast.n_features_in_, fast.n_iter_) == (slow.n_features_in_, slow.n_iter_)
    assert_array_equal(fast.predict(X[:1]), slow.predict(pd.DataFrame(X[:1])))
    regressor = GradientDescentRegressor(random_state=0, max_iter=5)
    fast, slow = clone(regressor).fit(X, y), clone(regressor).fit(pd.DataFrame(X), y)
    assert_array_equal(fast.coef_, slow.coef_)
    assert_array_equal(fast.intercept_, slow.intercept_)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_sums_that_overflow_say_nothing_of_finite_numbers():
    y = np.tile([1, 0], 20)
    X = np.where(y, 1e308, 0.0)[:, None]
    fitted = GradientDescentClassifier(max_iter=1, tol=None).fit(np.c_[y * 1.0], y)
    assert np.isfinite(fitted.decision_function(X)).all()
    bad = np.where(y, np.inf, 0.0)[:, None]
    for method in (fitted.fit, lambda X, y: fitted.predict(X)):
        with pytest.raises(ValueError, match="Input X contains infinity"):
            method(bad, y)
    for bad in ([np.inf, 1.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="Input y contains"):
            GradientDescentRegressor().fit(y[:, None] * 1.0, np.tile(bad, 20))


def test_names_of_an_earlier_fit_are_forgotten():
    X, y = np.random.RandomState(0).randn(30, 2), np.arange(30) % 2
    for estimator in (GradientDescentClassifier(), GradientDescentRegressor()):
        estimator.fit(pd.DataFrame(X, columns=["a", "b"]), y)
        assert not hasattr(estimator.fit(X, y), "feature_names_in_")


def test_warnings_name_the_line_that_fits():
    X, y = np.random.RandomState(0).randn(30, 2), np.arange(30) % 2
    for estimator in (GradientDescentClassifier(max_iter=1), GradientDescentRegressor(max_iter=1)):
        for rows in (X, X.tolist()):
            with pytest.warns(ConvergenceWarning, match="Maximum number") as told:
                estimator.fit(rows, y)
            assert told[0].filename == __file__


@pytest.mark.parametrize(
    "name, value",
    [
        ("alpha", -1.0),
        ("alpha", np.nan),
        ("l1_ratio", 2.0),
        ("max_iter", 0),
        ("max_iter", 2.5),
        ("tol", -1.0),
        ("eta0", "odd"),
        ("eta0", 0.0),
        ("batch_size", 0),
        ("batch_size", "odd"),
        ("loss", "odd"),
        ("penalty", "odd"),
        ("optimizer", ["sgd"]),
        ("learning_rate", None),
        ("momentum", 1.0),
        ("beta_1", 1),
        ("epsilon", 0.0),
        ("delta", 0.0),
        ("power_t", -1),
        ("fit_intercept", "yes"),
        ("shuffle", 2),
        ("verbose", -1),
        ("early_stopping", None),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("average", -1),
        ("clip_norm", 0.0),
        ("tube", -1.0),
        ("step_size", 0),
        ("gamma", 2.0),
        ("callback", 3),
        ("random_state", -1),
        ("warm_start", 2),
    ],
)
@pytest.mark.parametrize("estimator", [GradientDescentClassifier, GradientDescentRegressor])
def test_plain_arrays_do_not_hide_bad_parameters(estimator, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        estimator(**{name: value}).fit(np.ones((4, 2)), np.arange(4) % 2)


@pytest.mark.parametrize("parameters", [{"optimizer": "sgd", "batch_size": 1}, {"batch_size": 32}])
@pytest.mark.parametrize("thin", [False, True])
def test_tables_that_are_shuffled_by_blocks_may_be_sorted(parameters, thin):
    rng = np.random.RandomState(0)
    X = rng.randn(30_000, 40) * (rng.rand(30_000, 40) < 0.6 if thin else 1)
    y = (X @ rng.randn(40) + 3 * rng.randn(30_000) > 0).astype(int)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    rows = sparse.csr_matrix(X) if thin else X
    model = GradientDescentClassifier(alpha=ALPHA, random_state=0, **parameters).fit(rows, y)
    ours = log_loss(model.decision_function(rows), y) + penalty(model.coef_)
    assert ours - logistic(X, y) < allowed("sgd", 1)
