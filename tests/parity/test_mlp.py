"""Against scikit-learn's own training: the same weights at the same seed.

The core computes each weight by scikit-learn's operations in their order, and the products are the same calls of BLAS, so
float64 weights agree to the last bit. Losses are summed in another order, in float64: they agree to a rounding. In float32,
where scikit-learn computes some steps in float64 (targets or weights of rows in float64), weights agree to float32 roundings.
"""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import ferroflow
from ferroflow import neural_network as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.RandomState(0)
X = RNG.randn(330, 12)
SCORES = X @ RNG.randn(12, 3) + 0.3 * RNG.randn(330, 3)
WEIGHTS = RNG.rand(330)
TARGETS = {
    "two": ("MLPClassifier", (SCORES[:, 0] > 0).astype(int), {}),
    "three": ("MLPClassifier", SCORES.argmax(axis=1), {}),
    "labels": ("MLPClassifier", (SCORES > 0).astype(int), {}),
    "words": ("MLPClassifier", np.array(["x", "y", "z"])[SCORES.argmax(axis=1)], {}),
    "number": ("MLPRegressor", SCORES[:, 0], {}),
    "numbers": ("MLPRegressor", SCORES, {}),
    "counts": ("MLPRegressor", np.abs(SCORES), {"loss": "poisson"}),
}
SMALL = {"hidden_layer_sizes": (9, 7), "max_iter": 5, "random_state": 3}


def thin(X):
    return sparse.csr_matrix(np.where(np.abs(X) > 1, X, 0))


def both(name, *args, sample_weight=None, **parameters):
    given = {} if sample_weight is None else {"sample_weight": sample_weight}
    models = [getattr(m, name)(**copy.deepcopy(SMALL | parameters)) for m in (ours, theirs)]
    return [model.fit(*args, **given) for model in models]


def weights(model):
    return model.coefs_ + model.intercepts_


def assert_same(mine, yours, rtol=0.0):
    for a, b in zip(weights(mine), weights(yours), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert_allclose(a, b, rtol=rtol, atol=rtol)
    loss = 1e-13 if mine.coefs_[0].dtype == np.float64 else 1e-6
    assert_allclose(mine.loss_curve_, yours.loss_curve_, rtol=loss)
    assert_allclose(mine.best_loss_ or 0, yours.best_loss_ or 0, rtol=loss)
    for name in (
        "n_iter_",
        "t_",
        "n_layers_",
        "out_activation_",
        "validation_scores_",
        "_no_improvement_count",
    ):
        assert getattr(mine, name) == getattr(yours, name)
    more = {"dropout", "batch_norm", "optimizer", "dtype", "checkpoint", "class_weight"}
    assert mine.__dict__.keys() - more == yours.__dict__.keys() - more
    assert mine._optimizer.__dict__.keys() == yours._optimizer.__dict__.keys()
    assert mine._optimizer.learning_rate == yours._optimizer.learning_rate


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("target", TARGETS)
def test_someare_scikit_learns(target, activation, solver):
    name, y, more = TARGETS[target]
    for Z in (X, np.asfortranarray(X), X[:, ::-1], thin(X)):
        assert_same(*both(name, Z, y, activation=activation, solver=solver, **more))
    # scikit-learn adds the rows of a CSC batch up in another order.
    assert_same(*both(name, thin(X).tocsc(), y, activation=activation, solver=solver, **more), rtol=1e-12)
    assert_same(*both(name, X, y, sample_weight=WEIGHTS, activation=activation, solver=solver, **more))


@pytest.mark.parametrize("target", TARGETS)
def test_float32(target):
    name, y, more = TARGETS[target]
    Z = X.astype(np.float32)
    y32 = y.astype(np.float32) if name == "MLPRegressor" else y
    for rows in (Z, thin(Z)):
        assert_same(*both(name, rows, y32, **more))
        # scikit-learn computes these in float64 and rounds.
        assert_same(*both(name, rows, y, **more), rtol=2e-5)
        assert_same(*both(name, rows, y, sample_weight=WEIGHTS, **more), rtol=2e-5)


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
        {"solver": "sgd", "learning_rate": "adaptive", "max_iter": 60, "n_iter_no_change": 1, "tol": 0.1},
        {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False, "learning_rate_init": 0.05},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "alpha": 2.0},
        {"alpha": 0.0, "tol": 0.05, "n_iter_no_change": 2, "max_iter": 100},
        {"early_stopping": True, "max_iter": 40, "n_iter_no_change": 3},
        {"early_stopping": True, "validation_fraction": 0.3, "solver": "sgd", "learning_rate": "adaptive"},
        {"shuffle": False, "batch_size": 37},
        {"batch_size": 1, "max_iter": 2},
        {"batch_size": 10_000},
        {"hidden_layer_sizes": 4},
        {"hidden_layer_sizes": (5, 1, 6)},
        {"hidden_layer_sizes": []},
        {"random_state": np.random.RandomState(7)},
    ],
)
@pytest.mark.parametrize("target", ["two", "three", "labels", "number"])
def test_parameters(target, parameters):
    name, y, _ = TARGETS[target]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Got `batch_size`")
        for Z in (X, thin(X)):
            for w in (None, WEIGHTS):
                assert_same(*both(name, Z, y, sample_weight=w, **parameters))


def test_hundreds_of_columns_and_classes():
    rng = np.random.RandomState(1)
    wide, y = rng.randn(450, 300), rng.randint(0, 150, 450)
    assert_same(*both("MLPClassifier", wide, y, hidden_layer_sizes=(200,), max_iter=3))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("target", TARGETS)
def test_partial_fit_and_warm_start(target, solver):
    name, y, more = TARGETS[target]
    mine, yours = (getattr(m, name)(**SMALL | more, solver=solver) for m in (ours, theirs))
    classes = {"classes": np.arange(3) if target == "labels" else np.unique(y)}
    classes = classes if name == "MLPClassifier" else {}
    for part in (slice(0, 100), slice(100, 101), slice(101, 330)):
        for model in (mine, yours):
            model.partial_fit(X[part], y[part], **classes)
        assert_same(mine, yours)
    mine, yours = pickle.loads(pickle.dumps(mine)), pickle.loads(pickle.dumps(yours))
    for model in (mine, yours):
        model.partial_fit(X, y)
    assert_same(mine, yours)
    mine, yours = both(name, X, y, warm_start=True, solver=solver, **more)
    for _ in range(2):
        mine.fit(X, y)
        yours.fit(X, y)
        assert_same(mine, yours)


def test_scikit_learns_goes_on_as_ours():
    mine = ours.MLPClassifier(**SMALL).fit(X, TARGETS["three"][1])
    yours = theirs.MLPClassifier(**SMALL).fit(X, TARGETS["three"][1])
    as_ours = ours.MLPClassifier(**SMALL)
    as_ours.__dict__.update(yours.__dict__)
    yours = as_ours
    for model in (mine, yours):
        model.partial_fit(X, TARGETS["three"][1])
    assert_same(mine, yours)


def test_what_scikit_learn_runs_is_noted():
    y = TARGETS["three"][1]
    ferroflow.explain(clear=True)
    for more in ({"solver": "lbfgs"}, {"warm_start": True}):
        mine, yours = (m.MLPClassifier(**SMALL | more) for m in (ours, theirs))
        for model in (mine, yours):
            model.fit(X, y)
            if more.get("warm_start"):
                model.fit(X.astype(np.float32), y)
        for a, b in zip(weights(mine), weights(yours), strict=True):
            assert_array_equal(a, b)
    with ferroflow.config(strict=True), pytest.raises(RuntimeError, match=r"MLPClassifier.fit.*L-BFGS"):
        ours.MLPClassifier(solver="lbfgs").fit(X, y)


def test_the_same_words(capsys):
    y = TARGETS["three"][1]
    said = []
    for module in (ours, theirs):
        for more in ({"early_stopping": True}, {"solver": "sgd", "learning_rate": "adaptive"}, {}):
            model = module.MLPClassifier(
                **SMALL | {"max_iter": 50}, n_iter_no_change=1, tol=0.2, verbose=True, **more
            )
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.fit(X, y)
                with pytest.raises(ValueError, match=r"early_stopping|too small") as raised:
                    model.set_params(validation_fraction=0.003, early_stopping=True).fit(X, y)
            said.append((capsys.readouterr().out, [str(w.message) for w in caught], str(raised.value)))
    assert said[:3] == said[3:]


def test_a_batch_without_weight_is_scikit_learns_error():
    some = np.where(np.arange(330) < 10, 0.0, 1.0)
    for module in (ours, theirs):
        with pytest.raises(ZeroDivisionError, match="Weights sum to zero, can't be normalized"):
            module.MLPRegressor(**SMALL, batch_size=10, shuffle=False).fit(X, SCORES, sample_weight=some)


def test_divergence_names_the_rate_and_the_columns():
    far = X.copy()
    far[:, 4] *= 1e150
    for module in (ours, theirs):
        model = module.MLPRegressor(**SMALL, solver="sgd", learning_rate_init=1e3)
        with (
            np.errstate(all="ignore"),
            pytest.raises(ValueError, match="Solver produced non-finite") as raised,
        ):
            model.fit(far, SCORES)
        if module is ours:
            assert "learning_rate_init=1000.0" in str(raised.value)
            assert "Unscaled columns: 4;" in str(raised.value)
            assert len(model.loss_curve_) < 5


def test_rows_from_a_memory_map(tmp_path):
    mapped = np.memmap(tmp_path / "rows", dtype=np.float64, mode="w+", shape=X.shape)
    mapped[:] = X
    mapped.flush()
    mapped = np.memmap(tmp_path / "rows", dtype=np.float64, mode="r", shape=X.shape)
    y = TARGETS["three"][1]
    assert_same(ours.MLPClassifier(**SMALL).fit(mapped, y), theirs.MLPClassifier(**SMALL).fit(X, y))


def test_parameters_are_scikit_learns():
    for name in ("MLPClassifier", "MLPRegressor"):
        mine, yours = getattr(ours, name)(), getattr(theirs, name)()
        assert yours.get_params().items() <= mine.get_params().items()
        assert list(mine._get_param_names())
        assert clone(mine).get_params() == mine.get_params()
        assert isinstance(mine, getattr(theirs, name))


def test_the_end_of_epochs_warns():
    for module in (ours, theirs):
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\) reached"):
            module.MLPRegressor(**SMALL).fit(X, SCORES)
