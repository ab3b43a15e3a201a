"""Searches that are killed, stopped by Ctrl-C, or told to go on with something else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ferroflow.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    OptunaSearchCV,
    RandomizedSearchCV,
)

X = np.random.RandomState(0).randn(90, 3)
Y = (X[:, 0] + 0.5 * np.random.RandomState(1).randn(90) > 0).astype(int)
C = {"logisticregression__C": [0.01, 0.1, 1.0]}


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_random_moments(tmp_path, jobs):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path), str(jobs)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr + done.stdout


def model(**params):
    return make_pipeline(StandardScaler(), LogisticRegression(**params))


class Interrupts(ClassifierMixin, BaseEstimator):
    """Presses Ctrl-C at one of its fits."""

    fits, at = 0, None

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        Interrupts.fits += 1
        if Interrupts.fits == Interrupts.at:
            raise KeyboardInterrupt
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > self.shift).astype(int)


GRID = {"interrupts__shift": [2.0, 0.0, 1.0]}


def interrupted(at, search):
    Interrupts.fits, Interrupts.at = 0, at
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    Interrupts.at = None
    return search


@pytest.mark.parametrize(
    "at, candidates, folds",
    [(2, 1, 1), (3, 2, 1), (4, 3, 1), (5, 3, 1), (7, 3, 2), (9, 3, 2)],
)
def test_ctrl_c_keeps_the_best_so_far(at, candidates, folds):
    pipe = make_pipeline(StandardScaler(), Interrupts())
    search = interrupted(at, GridSearchCV(pipe, GRID, cv=3))
    assert len(search.cv_results_["params"]) == candidates
    assert search.n_splits_ == folds
    assert search.best_params_ == {"interrupts__shift": 2.0 if candidates == 1 else 0.0}
    assert search.predict(X).shape == Y.shape
    assert search.best_estimator_[-1].shift == search.best_params_["interrupts__shift"]
    assert search.score(X, Y) == np.mean(search.predict(X) == Y)


def test_ctrl_c_before_the_first_fit_is_done():
    search = interrupted(1, GridSearchCV(make_pipeline(Interrupts()), GRID, cv=3))
    assert not hasattr(search, "cv_results_")


def test_ctrl_c_with_several_metrics_and_in_later_rounds():
    pipe = make_pipeline(StandardScaler(), Interrupts())
    search = interrupted(8, GridSearchCV(pipe, GRID, cv=3, scoring=["accuracy", "f1"], refit="f1"))
    assert search.best_params_ == {"interrupts__shift": 0.0}
    assert {"mean_test_accuracy", "mean_test_f1"} <= set(search.cv_results_)
    halving = HalvingGridSearchCV(
        pipe, {"interrupts__shift": [2.0, 0.0, 1.0, 0.5]}, cv=3, factor=2, random_state=0
    )
    interrupted(14, halving)
    assert set(halving.cv_results_["iter"]) == {0}
    assert halving.predict(X).shape == Y.shape


def test_ctrl_c_in_an_optuna_search():
    optuna = pytest.importorskip("optuna")
    pipe = make_pipeline(StandardScaler(), Interrupts())
    space = {"interrupts__shift": optuna.distributions.FloatDistribution(-1, 1)}
    search = interrupted(11, OptunaSearchCV(pipe, space, cv=3, random_state=0))
    assert len(search.cv_results_["params"]) == 3
    assert search.best_score_ == search.study_.best_value
    assert search.predict(X).shape == Y.shape


def scores(search):
    return {k: v for k, v in search.cv_results_.items() if k.endswith("score") or k == "params"}


def searches(path):
    optuna = pytest.importorskip("optuna")
    log = optuna.distributions.FloatDistribution(1e-3, 10, log=True)
    yield lambda: GridSearchCV(model(), C, cv=3, checkpoint=path("grid"), return_train_score=True)
    yield lambda: GridSearchCV(
        model(), C, cv=3, checkpoint=path("jobs"), n_jobs=2, scoring=["r2", "f1"], refit="f1"
    )
    yield lambda: RandomizedSearchCV(model(), C, n_iter=2, random_state=0, cv=3, checkpoint=path("random"))
    yield lambda: HalvingGridSearchCV(model(), C, cv=3, random_state=0, checkpoint=path("halving"))
    yield lambda: OptunaSearchCV(
        model(), {"logisticregression__C": log}, cv=3, random_state=0, n_trials=7, checkpoint=path("optuna"),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
    )  # fmt: skip


def test_a_finished_search_comes_back_from_its_checkpoint(tmp_path, monkeypatch):
    for make in searches(tmp_path.joinpath):
        first = make().fit(X, Y)
        with monkeypatch.context() as patch:
            patch.setattr(LogisticRegression, "fit", forbidden)
            again = make().set_params(refit=False, n_jobs=1).fit(X, Y)
        np.testing.assert_equal(scores(first), scores(again))
        np.testing.assert_array_equal(first.cv_results_["mean_fit_time"], again.cv_results_["mean_fit_time"])


def forbidden(self, *args, **kwargs):
    raise AssertionError("a fit that the checkpoint has")


@pytest.mark.parametrize(
    "part, change",
    [
        ("rows", lambda s: s.fit(X + 1e-9, Y)),
        ("target", lambda s: s.fit(X, 1 - Y)),
        ("estimator", lambda s: s.set_params(estimator=model(max_iter=50)).fit(X, Y)),
        ("scoring", lambda s: s.set_params(scoring="f1").fit(X, Y)),
        ("parameters of fit", lambda s: s.fit(X, Y, logisticregression__sample_weight=np.ones(90))),
        (
            "candidates of round 0",
            lambda s: s.set_params(param_grid={"logisticregression__C": [5.0]}).fit(X, Y),
        ),
        ("folds of round 0", lambda s: s.set_params(cv=KFold(3, shuffle=True, random_state=1)).fit(X, Y)),
    ],
)
def test_another_search_is_refused(tmp_path, part, change):
    search = GridSearchCV(model(), C, cv=3, checkpoint=tmp_path / "search").fit(X, Y)
    with pytest.raises(ValueError, match=f"is of another search: not the same {part}"):
        change(search)


def test_files_that_are_no_checkpoint(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("something else " * 100)
    with pytest.raises(ValueError, match="is not a checkpoint of a search"):
        GridSearchCV(model(), C, cv=3, checkpoint=other).fit(X, Y)
    assert other.read_text().startswith("something else")
    with pytest.raises(OSError, match="cannot be used"):
        GridSearchCV(model(), C, cv=3, checkpoint=tmp_path / "no folder" / "search").fit(X, Y)


def test_progress_goes_to_the_error_stream(capsys):
    GridSearchCV(model(), C, cv=3, verbose=1).fit(X, Y)
    said = capsys.readouterr()
    assert said.out == "Fitting 3 folds for each of 3 candidates, totalling 9 fits\n"
    assert said.err.startswith("search     9 fits")
    GridSearchCV(model(), C, cv=3).fit(X, Y)
    assert capsys.readouterr() == ("", "")
