"""The search: deterministic, resumable, prepared once per fold, and honest about what failed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer

from ferroflow.workflow.train import build_preparation, plain_names, train
from ferroflow.workflow.tune import grid, tune

GRID = grid({"eta0": [0.01, 0.1], "alpha": [1e-4, 1e-2], "batch_size": [16]})


def data(n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {"a": rng.normal(size=n), "b": rng.normal(size=n) * 100, "c": rng.choice(list("xyz"), n)}
    )
    X["c"] = X["c"].astype(object)
    X.loc[::7, "a"] = np.nan
    signal = X["a"].fillna(0) + X["b"] / 100 + (X["c"] == "x")
    y = (signal + rng.normal(size=n) * 0.3 > 0.3).astype(int).to_numpy()
    return X, y, signal.to_numpy()


def preparation(X):
    return build_preparation(X, ["a", "b"], ["c"], min_frequency=2)


def test_grid_is_in_the_order_written():
    assert grid({"a": [1, 2], "b": ["x", "y"]})[:3] == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
    ]


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "log_loss", "accuracy", "f1"])
def test_classes(scoring):
    X, y, _ = data()
    search = tune(X, y, preparation(X), GRID, folds=3, scoring=scoring)
    assert search.params in GRID
    means = [c.mean for c in search.candidates]
    best = min(means) if scoring == "log_loss" else max(means)
    assert search.candidates[search.best].mean == best
    assert search.ranked()[0].mean == best


@pytest.mark.parametrize("scoring", ["r2", "mean_squared_error", "mean_absolute_error"])
def test_quantities(scoring):
    X, _, signal = data()
    y = 5000 + 1000 * signal
    search = tune(X, y, preparation(X), GRID, task="regression", folds=3, scoring=scoring)
    best = search.candidates[search.best].mean
    # The target is linear in the features but for the filled values of `a`.
    limit = {"r2": best > 0.8, "mean_squared_error": best < 4e5, "mean_absolute_error": best < 450}
    assert limit[scoring]


def test_three_classes():
    X, _, signal = data(150)
    y = np.digitize(signal, [-0.5, 0.8]).astype(str)
    assert tune(X, y, preparation(X), GRID, folds=3).candidates[0].mean > 0.75


def test_each_fit_is_recorded_and_none_is_run_twice():
    X, y, _ = data()
    seen = []
    whole = tune(X, y, preparation(X), GRID, folds=3, record=seen.append)
    assert len(seen) == 3 * len(GRID)
    for stop in (1, 5, len(seen) - 1, len(seen)):
        more = []
        again = tune(X, y, preparation(X), GRID, folds=3, done=seen[:stop], record=more.append)
        assert len(more) == len(seen) - stop
        assert [c.scores for c in again.candidates] == [c.scores for c in whole.candidates]
        assert again.best == whole.best


def test_a_fold_is_prepared_once(monkeypatch):
    X, y, _ = data()
    fits = []
    original = ColumnTransformer.fit_transform
    monkeypatch.setattr(
        ColumnTransformer,
        "fit_transform",
        lambda self, *a, **k: fits.append(len(a[0])) or original(self, *a, **k),
    )
    tune(X, y, preparation(X), GRID, folds=3)
    assert fits == [80, 80, 80]


def test_large_tables_are_searched_on_a_part():
    X, y, _ = data()
    search = tune(X, y, preparation(X), GRID, folds=2, max_rows=60)
    assert search.rows == 60
    assert "60 of 120" in search.notes[0]


def test_folds_follow_the_rarest_class():
    X, y, _ = data()
    y = np.where(np.arange(len(y)) < 3, "rare", y.astype(str))
    search = tune(X, y, preparation(X), GRID, folds=5)
    assert search.folds == 3
    assert "3 folds instead of 5" in search.notes[0]


def test_wrong_names():
    X, y, _ = data()
    with pytest.raises(ValueError, match="no score is called 'auc'"):
        tune(X, y, preparation(X), GRID, scoring="auc")
    with pytest.raises(ValueError, match="no parameter 'eta'"):
        tune(X, y, preparation(X), [{"eta": 1}])


def test_a_quantity_is_predicted_on_its_own_scale():
    X, _, signal = data()
    y = 5e6 + 1e6 * signal
    fitted = train(X, y, preparation(X), {"eta0": 0.05, "batch_size": 16}, task="regression")
    predicted = fitted.pipeline.predict(X)
    assert abs(predicted.mean() - y.mean()) < 0.1 * y.std()
    assert np.corrcoef(predicted, y)[0, 1] > 0.9


def test_names_for_people():
    names = [
        "numbers__a",
        "categories__a_b_c",
        "categories__town_infrequent_sklearn",
        "numbers__missingindicator_a",
    ]
    assert plain_names(names, ["a", "a_b", "town"]) == ["a", "a_b = c", "town = (rare)", "missing: a"]
