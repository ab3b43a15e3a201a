"""What MLPClassifier and MLPRegressor have beyond scikit-learn's, against plain NumPy and against themselves."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.utils.class_weight import compute_sample_weight

from ferroflow.neural_network import MLPClassifier, MLPRegressor
from ferroflow.neural_network._norm import BatchNorm
from ferroflow.neural_network._schedule import share_of_rate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.RandomState(0)
X = RNG.randn(330, 12)
SCORES = X @ RNG.randn(12, 3) + 0.3 * RNG.randn(330, 3)
Y = SCORES.argmax(axis=1)
SMALL = {"hidden_layer_sizes": (9, 7), "max_iter": 5, "random_state": 3}
MORE = [
    {"dropout": 0.3},
    {"batch_norm": True},
    {"optimizer": "adamw", "alpha": 0.1},
    {"learning_rate": "cosine"},
    {
        "dropout": 0.2,
        "batch_norm": True,
        "optimizer": "adamw",
        "dtype": "float32",
        "learning_rate": "one_cycle",
    },
    {"batch_norm": True, "early_stopping": True, "solver": "sgd", "learning_rate": "step"},
    {"early_stopping": True, "dropout": 0.1},
    {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.1},
]


def weights(model):
    return model.coefs_ + model.intercepts_


def assert_equal(a, b):
    for x, y in zip(weights(a), weights(b), strict=True):
        assert_array_equal(x, y)
    assert a.loss_curve_ == b.loss_curve_
    assert (a.n_iter_, a.t_, a.validation_scores_) == (b.n_iter_, b.t_, b.validation_scores_)
    assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@pytest.mark.parametrize("more", MORE[:-1])
def test_the_same_seed_gives_the_same_network_and_it_learns(more):
    long = SMALL | {"max_iter": 40, "learning_rate_init": 0.02} | more
    a, b = MLPClassifier(**long).fit(X, Y), MLPClassifier(**long).fit(X, Y)
    assert_equal(a, b)
    assert a.score(X, Y) > 0.8
    sparse_rows = MLPClassifier(**long).fit(sparse.csr_matrix(X), Y)
    assert sparse_rows.score(sparse.csr_matrix(X), Y) > 0.8


def test_gradients_through_a_normalisation():
    rng = np.random.RandomState(1)
    z, up, scale = rng.randn(7, 3), rng.randn(7, 3), rng.rand(3) + 0.5

    def loss(z, scale):
        norm = BatchNorm(3, np.float64)
        norm.scale[:] = scale
        z = z.copy()
        norm.forward(z)
        return (z * up).sum(), norm

    _, norm = loss(z, scale)
    delta = up.copy()
    norm.backward(delta)
    for at in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[at] = 1e-5
        slope = (loss(z + step, scale)[0] - loss(z - step, scale)[0]) / 2e-5
        assert_allclose(delta[at], slope, rtol=1e-5, atol=1e-7)
    for k in range(3):
        step = np.eye(3)[k] * 1e-5
        slope = (loss(z, scale + step)[0] - loss(z, scale - step)[0]) / 2e-5
        assert_allclose(norm.gradient[k], slope, rtol=1e-6)


def test_predictions_use_running_statistics():
    model = MLPRegressor(**SMALL | {"max_iter": 60}, batch_norm=True, batch_size=330, activation="tanh").fit(
        X, SCORES
    )
    values = X
    for coef, intercept, norm in zip(model.coefs_, model.intercepts_, model._norms, strict=False):
        z = values @ coef
        values = np.tanh((z - norm.mean) / np.sqrt(norm.variance + 1e-5) * norm.scale + intercept)
    assert_allclose(model.predict(X), values @ model.coefs_[-1] + model.intercepts_[-1], rtol=1e-9, atol=1e-9)


def test_adamw_shrinks_apart_from_the_gradient():
    common = SMALL | {"max_iter": 1, "batch_size": 330, "learning_rate_init": 0.01}
    plain = MLPRegressor(**common, alpha=0.0).fit(X, SCORES)
    apart = MLPRegressor(**common, alpha=0.5, optimizer="adamw").fit(X, SCORES)
    begin = theirs.MLPRegressor(**SMALL | {"max_iter": 1, "learning_rate_init": 1e-300}).fit(X, SCORES)
    for a, b, start in zip(apart.coefs_, plain.coefs_, begin.coefs_, strict=True):
        assert_allclose(a, b - 0.01 * 0.5 * start, rtol=1e-12, atol=1e-15)
    for a, b in zip(apart.intercepts_, plain.intercepts_, strict=True):
        assert_array_equal(a, b)
    assert apart.loss_curve_ == plain.loss_curve_


def test_schedules():
    assert [share_of_rate("cosine", d) for d in (0.0, 1.0, 2.0)] == [1.0, 0.0, 0.0]
    assert_allclose(share_of_rate("cosine", 0.5), 0.5)
    assert_allclose([share_of_rate("step", d) for d in (0, 0.49, 0.5, 0.75, 1)], [1, 1, 0.1, 0.01, 0.01])
    assert_allclose([share_of_rate("one_cycle", d) for d in (0, 0.3, 1)], [1 / 25, 1, 1e-4])
    common = SMALL | {
        "batch_size": 330,
        "learning_rate": "cosine",
        "learning_rate_init": 0.05,
        "solver": "sgd",
    }
    whole = MLPClassifier(**common).fit(X, Y)
    parts = MLPClassifier(**common)
    for epoch in range(5):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
        assert_allclose(parts._optimizer.learning_rate, 0.05 * share_of_rate("cosine", epoch / 5))
    assert whole._optimizer.learning_rate == parts._optimizer.learning_rate


def test_class_weights_multiply_those_of_rows():
    rows = RNG.rand(330)
    for given in (None, rows):
        for solver in ("adam", "lbfgs"):
            a = MLPClassifier(**SMALL, class_weight="balanced", solver=solver).fit(X, Y, sample_weight=given)
            w = compute_sample_weight("balanced", Y) * (1 if given is None else given)
            b = theirs.MLPClassifier(**SMALL, solver=solver).fit(X, Y, sample_weight=w)
            for x, y in zip(weights(a), weights(b), strict=True):
                assert_array_equal(x, y)
    with pytest.raises(ValueError, match="compute_class_weight"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_float32_of_float64_rows():
    narrow = X.astype(np.float32)
    for rows, cast in ((X, narrow), (sparse.csr_matrix(X), sparse.csr_matrix(narrow))):
        for shuffle in (True, False):
            a = MLPClassifier(**SMALL, dtype="float32", shuffle=shuffle).fit(rows, Y)
            b = MLPClassifier(**SMALL, shuffle=shuffle).fit(cast, Y)
            for x, y in zip(weights(a), weights(b), strict=True):
                assert x.dtype == np.float32
                assert_array_equal(x, y)
            assert_array_equal(a.predict_proba(rows), b.predict_proba(cast))


@pytest.mark.parametrize("more", MORE)
def test_going_on_from_a_checkpoint_gives_the_same(more, tmp_path, monkeypatch):
    path = tmp_path / "state"
    common = SMALL | {"max_iter": 9} | more
    expected = MLPClassifier(**common).fit(X, Y)

    class Killed(BaseException):
        pass

    from ferroflow.neural_network._checkpoint import Checkpoint

    saves = []

    def save(self, state, save=Checkpoint.save):
        self._took = 0.0
        save(self, state)
        saves.append(1)
        if len(saves) in (2, 5):
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", save)
    for make_state in (lambda: 3, lambda: np.random.RandomState(3), lambda: None):
        saves.clear()
        for _ in range(3):
            try:
                model = MLPClassifier(**common | {"random_state": make_state()}, checkpoint=path).fit(X, Y)
            except Killed:
                assert path.exists()
            else:
                break
        assert saves
        if make_state() is not None:
            assert_equal(model, expected)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_something_else(tmp_path):
    path = tmp_path / "state"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="not a checkpoint of a network"):
        MLPClassifier(**SMALL, checkpoint=path).fit(X, Y)
    path.unlink()
    model = MLPClassifier(**SMALL | {"max_iter": 3}, checkpoint=path)

    def stop(*_):
        raise KeyError

    model._update_no_improvement_count = lambda *_: None if model.n_iter_ < 2 else stop()
    with pytest.raises(KeyError):
        model.fit(X, Y)
    for other in ({"alpha": 0.5}, {"hidden_layer_sizes": (4,)}):
        with pytest.raises(ValueError, match="another training"):
            MLPClassifier(**SMALL | {"max_iter": 3} | other, checkpoint=path).fit(X, Y)
    with pytest.raises(ValueError, match="another training"):
        MLPClassifier(**SMALL | {"max_iter": 3}, checkpoint=path).fit(X + 1, Y)


SCRIPT = """
import sys, warnings
import numpy as np
from ferroflow.neural_network import MLPClassifier
warnings.simplefilter("ignore")
X = np.random.RandomState(0).randn(800, 20)
y = (X[:, 0] > X[:, 1]).astype(int)
model = MLPClassifier((30,), max_iter=60, tol=0, n_iter_no_change=1000, random_state=0, dropout=0.1,
                      early_stopping=True, checkpoint=sys.argv[1]).fit(X, y)
np.savez(sys.argv[2], *model.coefs_, np.array(model.loss_curve_))
"""


def test_a_killed_process_goes_on(tmp_path):
    path, out = tmp_path / "state", tmp_path / "out.npz"
    run = [sys.executable, "-c", SCRIPT]
    process = subprocess.Popen([*run, path, out])
    end = time.monotonic() + 300
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert path.exists()
    assert not out.exists()
    subprocess.run([*run, path, out], check=True)
    subprocess.run([*run, tmp_path / "other", tmp_path / "expected.npz"], check=True)
    with np.load(out) as found, np.load(tmp_path / "expected.npz") as expected:
        for name in expected.files:
            assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "lbfgs", "dropout": 0.1}, "dropout needs solver"),
        ({"solver": "lbfgs", "batch_norm": True}, "batch_norm needs solver"),
        ({"solver": "sgd", "optimizer": "adamw"}, "optimizer='adamw' needs solver='adam'"),
        ({"dropout": 1.0}, "The 'dropout' parameter"),
        ({"optimizer": "lion"}, "The 'optimizer' parameter"),
        ({"learning_rate": "linear"}, "The 'learning_rate' parameter"),
    ],
)
def test_what_is_not_possible_is_said(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**parameters).fit(X, SCORES)


def test_the_time_left_is_told(capsys):
    MLPClassifier(**SMALL, verbose=2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("Iteration") and line.endswith(" left") for line in lines)


def test_warm_start_and_partial_fit_go_on_with_normalisation():
    model = MLPClassifier(**SMALL, batch_norm=True, warm_start=True).fit(X, Y)
    batches = model._norms[0].batches
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model.fit(X, Y).partial_fit(X, Y)
    assert model._norms[0].batches > 2 * batches
    assert len(model._optimizer.ms) == 8


def test_switching_parameters_between_fits():
    expected = MLPClassifier(**SMALL).fit(X, Y)
    for more in ({"batch_norm": True}, {"dropout": 0.5}):
        model = MLPClassifier(**SMALL, **more).fit(X, Y)
        model.set_params(batch_norm=False, dropout=0.0).fit(X, Y)
        assert_equal(model, expected)
        model.set_params(warm_start=True, **more).fit(X, Y)
        assert model.score(X, Y) > 0.3
