"""Evaluation against scikit-learn's measures, and intervals that mean something."""

import numpy as np
import pytest
from sklearn import metrics

from ferroflow.workflow.evaluate import _Ranked, evaluate


def binary(n=400, ties=False):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, n)
    p = np.clip(0.5 + 0.25 * (y - 0.5) + rng.normal(size=n) * 0.2, 0.01, 0.99)
    if ties:
        p = np.round(p, 1)
    return y, np.column_stack([1 - p, p])


@pytest.mark.parametrize("ties", [False, True])
def test_two_classes(ties):
    y, p = binary(ties=ties)
    guess = (p[:, 1] > 0.5).astype(int)
    found = evaluate(y, y, guess, classes=np.array([0, 1]), probabilities=p)
    wanted = {
        "accuracy": metrics.accuracy_score(y, guess),
        "precision": metrics.precision_score(y, guess),
        "recall": metrics.recall_score(y, guess),
        "f1": metrics.f1_score(y, guess),
        "roc_auc": metrics.roc_auc_score(y, p[:, 1]),
        "average_precision": metrics.average_precision_score(y, p[:, 1]),
        "log_loss": metrics.log_loss(y, p),
        "brier": metrics.brier_score_loss(y, p[:, 1]),
    }
    assert set(found.measures) == set(wanted)
    for name, value in wanted.items():
        m = found.measures[name]
        # Sums in another order than scikit-learn's: a few units in the last place.
        assert m.value == pytest.approx(value, rel=1e-12), name
        assert m.low < m.value < m.high
    assert found.confusion == metrics.confusion_matrix(y, guess).tolist()
    assert found.measures["accuracy"].baseline == max(y.mean(), 1 - y.mean())
    bins = found.curves["1"]["calibration"]
    assert sum(b["rows"] for b in bins) == len(y)


def test_weights_are_repeated_rows():
    y, p = binary(60, ties=True)
    weights = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    area, precision = _Ranked(p[:, 1], y == 1).areas(weights)
    assert area == pytest.approx(metrics.roc_auc_score(y, p[:, 1], sample_weight=weights), rel=1e-12)
    assert precision == pytest.approx(
        metrics.average_precision_score(y, p[:, 1], sample_weight=weights), rel=1e-12
    )


def test_three_classes():
    rng = np.random.default_rng(2)
    y = rng.choice(["a", "b", "c"], 300, p=[0.5, 0.3, 0.2])
    p = rng.dirichlet([1, 1, 1], 300) + 0.6 * (y[:, None] == np.array(["a", "b", "c"]))
    p /= p.sum(axis=1, keepdims=True)
    guess = np.array(["a", "b", "c"])[p.argmax(axis=1)]
    found = evaluate(y, y, guess, classes=np.array(["a", "b", "c"]), probabilities=p).measures
    assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(y, p, multi_class="ovr"), rel=1e-12)
    assert found["f1"].value == pytest.approx(metrics.f1_score(y, guess, average="macro"), rel=1e-12)
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(y, p), rel=1e-12)


def test_quantities():
    rng = np.random.default_rng(3)
    y = rng.normal(size=200) * 50 + 10
    guess = y + rng.normal(size=200) * 5
    found = evaluate(y, y, guess, task="regression").measures
    assert found["r2"].value == pytest.approx(metrics.r2_score(y, guess))
    assert found["mse"].value == pytest.approx(metrics.mean_squared_error(y, guess))
    assert found["mae"].value == pytest.approx(metrics.mean_absolute_error(y, guess))
    assert found["r2"].baseline == pytest.approx(0)
    assert all(m.low < m.value < m.high for m in found.values())


def test_without_probabilities():
    y, p = binary()
    found = evaluate(y, y, (p[:, 1] > 0.5).astype(int), classes=np.array([0, 1]), decision=p[:, 1] - 0.5)
    assert "log_loss" not in found.measures
    assert found.measures["roc_auc"].value == pytest.approx(metrics.roc_auc_score(y, p[:, 1]), rel=1e-12)


def test_the_same_seed_gives_the_same_intervals():
    y, p = binary()
    guess = (p[:, 1] > 0.5).astype(int)
    one, two = (evaluate(y, y, guess, classes=np.array([0, 1]), probabilities=p).as_dict() for _ in range(2))
    assert one == two


def test_a_held_out_part_without_a_class():
    y, p = binary()
    guess = (p[:, 1] > 0.5).astype(int)
    zero = y == 0
    found = evaluate(y, y[zero], guess[zero], classes=np.array([0, 1]), probabilities=p[zero])
    assert "roc_auc" not in found.measures
    assert found.measures["log_loss"].value > 0
