import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as theirs
from threadpoolctl import threadpool_limits

from ferroflow.metrics import evaluate, expected_calibration_error

RNG = np.random.RandomState(0)
ROWS = 400
BINARY = RNG.randint(0, 2, ROWS)
ONE = np.clip(0.4 * BINARY + 0.6 * RNG.rand(ROWS), 0, 1)
SEVERAL = RNG.randint(0, 3, ROWS)
MANY = RNG.dirichlet(np.ones(3), ROWS)
MANY[np.arange(ROWS), SEVERAL] += 0.5
MANY /= 1.5
VALUES = RNG.normal(size=ROWS) * 3 + 10
PREDICTED = VALUES + RNG.normal(size=ROWS)
WORDS = np.array(["ant", "bee", "cat"], dtype=object)


def labels_by_hand(y, p, **options):
    return {
        "accuracy_score": theirs.accuracy_score(y, p),
        "balanced_accuracy_score": theirs.balanced_accuracy_score(y, p),
        "precision_score": theirs.precision_score(y, p, **options),
        "recall_score": theirs.recall_score(y, p, **options),
        "f1_score": theirs.f1_score(y, p, **options),
        "matthews_corrcoef": theirs.matthews_corrcoef(y, p),
        "cohen_kappa_score": theirs.cohen_kappa_score(y, p),
    }


def probabilities_by_hand(y, p):
    several = p.ndim == 2
    return {
        "log_loss": theirs.log_loss(y, p),
        "brier_score_loss": theirs.brier_score_loss(y, p),
        "roc_auc_score": theirs.roc_auc_score(y, p, multi_class="ovr" if several else "raise"),
        "average_precision_score": theirs.average_precision_score(y, p),
        "expected_calibration_error": expected_calibration_error(y, p),
    }


def values_by_hand(t, p):
    names = ("r2_score", "explained_variance_score", "mean_squared_error", "root_mean_squared_error")
    names += ("mean_absolute_error", "median_absolute_error", "mean_absolute_percentage_error", "max_error")
    return {name: getattr(theirs, name)(t, p) for name in names}


def assert_values(result, expected):
    assert set(result) == set(expected)
    np.testing.assert_allclose([result[name].value for name in expected], list(expected.values()), rtol=1e-9)
    for name, estimate in result.items():
        if name != "max_error":
            assert estimate.low <= estimate.high
            wide = estimate.high - estimate.low
            assert estimate.low - wide <= estimate.value <= estimate.high + wide


def test_two_classes():
    hard = (ONE > 0.5).astype(int)
    of_labels = labels_by_hand(BINARY, hard)
    result = evaluate(BINARY, hard)
    assert (result.task, result.n_samples, result.confidence) == ("binary", ROWS, 0.95)
    assert_values(result, of_labels)
    assert_values(evaluate(BINARY, ONE), of_labels | probabilities_by_hand(BINARY, ONE))
    assert_values(evaluate(BINARY, y_proba=np.column_stack((1 - ONE, ONE))), evaluate_values(BINARY, ONE))
    assert_values(evaluate(WORDS[BINARY], y_proba=ONE), evaluate_values(BINARY, ONE))


def evaluate_values(y, p):
    return {name: estimate.value for name, estimate in evaluate(y, y_proba=p).items()}


def test_several_classes():
    hard = MANY.argmax(axis=1)
    expected = labels_by_hand(SEVERAL, hard, average="macro") | probabilities_by_hand(SEVERAL, MANY)
    result = evaluate(SEVERAL, y_proba=MANY)
    assert result.task == "multiclass"
    assert_values(result, expected)
    assert_values(evaluate(WORDS[SEVERAL], MANY), expected)
    assert_values(evaluate(pd.Series(WORDS[SEVERAL]), WORDS[hard], MANY), expected)


def test_values():
    result = evaluate(VALUES, PREDICTED)
    assert result.task == "regression"
    assert_values(result, values_by_hand(VALUES, PREDICTED))
    assert np.isnan(result["max_error"].low)


@pytest.mark.parametrize(
    ("y", "p", "task"),
    [
        (np.arange(100), np.arange(100) + 0.5, "regression"),
        (np.arange(100.0), np.arange(100.0), "regression"),
        (BINARY, PREDICTED, "regression"),
        (SEVERAL.astype(float), SEVERAL.astype(float), "multiclass"),
        (BINARY > 0, ONE, "binary"),
        (SEVERAL, MANY, "multiclass"),
    ],
)
def test_what_kind_of_predictions(y, p, task):
    assert evaluate(y, p, n_resamples=5).task == task


def test_the_task_may_be_said():
    assert evaluate(BINARY, ONE, task="regression", n_resamples=5).task == "regression"
    assert evaluate(BINARY, BINARY, task="multiclass", n_resamples=5).task == "multiclass"


def test_the_positive_class():
    other = evaluate(BINARY, y_proba=1 - ONE, pos_label=0)
    np.testing.assert_allclose(other["roc_auc_score"], evaluate(BINARY, y_proba=ONE)["roc_auc_score"])
    hard = (ONE > 0.5).astype(int)
    expected = theirs.precision_score(BINARY, hard, pos_label=0)
    assert other["precision_score"].value == pytest.approx(expected)


def test_intervals_are_those_of_resampled_rows():
    # Drawn by NumPy, so another sample of the same distribution.
    rng = np.random.RandomState(5)
    result = evaluate(BINARY, y_proba=ONE, n_resamples=4000)
    aucs, losses, f1s = [], [], []
    for _ in range(2000):
        rows = rng.randint(0, ROWS, ROWS)
        aucs.append(theirs.roc_auc_score(BINARY[rows], ONE[rows]))
        losses.append(theirs.log_loss(BINARY[rows], ONE[rows]))
        f1s.append(theirs.f1_score(BINARY[rows], ONE[rows] > 0.5))
    for name, drawn in (("roc_auc_score", aucs), ("log_loss", losses), ("f1_score", f1s)):
        low, high = np.quantile(drawn, (0.025, 0.975))
        np.testing.assert_allclose(result[name][1:], (low, high), atol=0.25 * (high - low) / 2)


def test_the_seed_alone_decides():
    results = []
    for threads in (1, 3):
        with threadpool_limits(threads):
            results.append(
                [dict(evaluate(y, p, n_resamples=200)) for y, p in ((BINARY, ONE), (SEVERAL, MANY))]
            )
    assert results[0] == results[1]
    assert dict(evaluate(BINARY, ONE, random_state=1)) != dict(evaluate(BINARY, ONE))
    narrow, wide = (evaluate(VALUES, PREDICTED, confidence=c)["r2_score"] for c in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_class_has_no_ranking():
    result = evaluate(np.zeros(20, int), y_proba=ONE[:20], labels=[0, 1], n_resamples=10)
    assert "roc_auc_score" not in result
    assert result["log_loss"].value > 0


def test_a_table_to_print_and_to_work_with():
    result = evaluate(BINARY, ONE)
    frame = result.to_frame()
    assert list(frame.columns) == ["value", "low", "high"]
    assert frame.loc["log_loss", "value"] == result["log_loss"].value
    text = repr(result)
    assert text.startswith(f"binary, {ROWS} rows, 95% confidence intervals\naccuracy_score ")
    assert len(text.splitlines()) == len(result) + 1


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        ((BINARY,), {}, "needs predictions"),
        ((BINARY, BINARY[:-1]), {}, "inconsistent"),
        ((BINARY, BINARY), {"confidence": 1}, "confidence"),
        ((BINARY, BINARY), {"n_resamples": 0}, "n_resamples"),
        ((BINARY, BINARY), {"random_state": -1}, "random_state"),
        ((BINARY, BINARY), {"task": "clustering"}, "task must be"),
        ((SEVERAL, SEVERAL), {"task": "binary"}, "3 classes"),
        ((BINARY, None, ONE * 2), {}, "outside"),
        ((SEVERAL, None, MANY[:, :2]), {}, "for 2 classes, but there are 3"),
        ((SEVERAL, SEVERAL), {"labels": [0, 1]}, "not among those given"),
        ((SEVERAL, SEVERAL), {"labels": [2, 1, 0]}, "ascending"),
        ((SEVERAL, WORDS[SEVERAL]), {}, "all numbers or all strings"),
        ((BINARY, BINARY), {"pos_label": 5}, "pos_label"),
        ((VALUES, None, PREDICTED), {"task": "regression"}, "y_pred"),
        ((VALUES * np.nan, PREDICTED), {}, "finite"),
        ((np.array([None, "a"], object), WORDS[:2]), {}, "labels must be"),
    ],
)
def test_bad_input(args, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate(*args, **options)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("weights", [None, np.arange(ROWS) % 4])
@pytest.mark.parametrize("bins", [1, 7, 40])
def test_calibration_error_by_hand(strategy, weights, bins):
    confident = MANY.max(axis=1)
    cases = [
        (BINARY, ONE, ONE, BINARY == 1),
        (BINARY.astype(bool), ONE[:, None], ONE, BINARY == 1),
        (BINARY * 0.5, ONE, ONE, BINARY == 1),
        (SEVERAL, MANY, confident, MANY.argmax(axis=1) == SEVERAL),
        (WORDS[SEVERAL], MANY.tolist(), confident, MANY.argmax(axis=1) == SEVERAL),
        (SEVERAL, np.round(MANY), np.round(MANY).max(axis=1), np.round(MANY).argmax(axis=1) == SEVERAL),
    ]
    w = np.ones(ROWS) if weights is None else weights
    for y, p, confidence, hit in cases:
        shares = np.linspace(0, 1, bins + 1)
        edges = shares if strategy == "uniform" else np.percentile(confidence, shares * 100)
        at = np.searchsorted(edges[1:-1], confidence)
        expected = np.abs(np.bincount(at, weights=w * (hit - confidence))).sum() / w.sum()
        found = expected_calibration_error(y, p, n_bins=bins, strategy=strategy, sample_weight=weights)
        assert found == pytest.approx(expected, rel=1e-12)
