"""Judge a model on rows that nothing was fitted on.

Every measure comes with the interval of a bootstrap over the held-out rows (percentiles of draws with
replacement) and beside the score of the class prior (the training mean, for quantities): what one gets
without looking at any feature.

Curves are computed once, on scores sorted once; a resample only changes the rows' weights, so that an interval
costs one pass per draw.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ferroflow import metrics
from ferroflow.workflow.clean import CLASSIFICATION

_CURVE_POINTS = 400
_CALIBRATION_BINS = 10
# Probabilities are kept this far from 0 and 1 in the log loss.
_CLIP = float(np.finfo(np.float64).eps)


@dataclass
class Measure:
    """One score on the held-out rows."""

    value: float | None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "baseline": self.baseline}


@dataclass
class Evaluation:
    """All that is known about a model on the held-out rows.

    `curves` holds, for each class that is judged against the rest (the second one alone, where there are two),
    the ROC curve, the precision-recall curve and the calibration, thinned for drawing.
    """

    task: str
    rows: int
    measures: dict[str, Measure]
    classes: list[str] = field(default_factory=list)
    positive: str | None = None
    confusion: list[list[int]] = field(default_factory=list)
    curves: dict[str, dict[str, Any]] = field(default_factory=dict)
    residuals: dict[str, Any] = field(default_factory=dict)
    resamples: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "rows": self.rows,
            "measures": {name: m.as_dict() for name, m in self.measures.items()},
            "classes": self.classes,
            "positive": self.positive,
            "confusion_matrix": self.confusion,
            "curves": self.curves,
            "residuals": self.residuals,
            "resamples": self.resamples,
        }


def evaluate(
    y_train: np.ndarray,
    y_test: np.ndarray,
    predicted: np.ndarray,
    *,
    task: str = CLASSIFICATION,
    classes: np.ndarray | None = None,
    probabilities: np.ndarray | None = None,
    decision: np.ndarray | None = None,
    positive: Any = None,
    resamples: int = 200,
    confidence: float = 0.95,
    random_state: int = 0,
) -> Evaluation:
    """Judge predictions on held-out rows.

    Parameters
    ----------
    y_train : ndarray
        Only the class shares (or mean) are used: they are the baseline.
    y_test, predicted : ndarray of shape (n_rows,)
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,)
        In the order of the columns of `probabilities`.
    probabilities : ndarray of shape (n_rows, n_classes), default=None
        None for a model that has none (hinge); log loss, Brier score and calibration are left out then.
    decision : ndarray of shape (n_rows,) or (n_rows, n_classes), default=None
        Ranks rows where there are no probabilities.
    positive : object, default=None
        The class, of two, that precision, recall and the curves are about; the second one if None.
    resamples : int, default=200
        Draws of the bootstrap; 0 leaves the intervals out.
    confidence : float, default=0.95
        The share of the draws that an interval covers.
    random_state : int, default=0
        Seeds the bootstrap.

    Returns
    -------
    Evaluation
    """
    draw = _Bootstrap(np.random.default_rng(random_state), resamples, confidence)
    if task != CLASSIFICATION:
        return _evaluate_quantity(y_train, y_test, predicted, draw)
    if classes is None:
        classes = np.unique(y_train)
    at = len(classes) - 1
    if positive is not None:
        at = int(np.flatnonzero(classes == positive)[0])
    return _evaluate_classes(y_train, y_test, predicted, classes, at, probabilities, decision, draw)


@dataclass
class _Bootstrap:
    """Draws of rows with replacement, as weights, and the intervals of what they give."""

    rng: np.random.Generator
    resamples: int
    confidence: float

    def weights(self, n: int) -> Iterator[np.ndarray]:
        for _ in range(self.resamples):
            yield np.bincount(self.rng.integers(0, n, n), minlength=n).astype(np.float64)

    def set_intervals(self, measures: dict[str, Measure], draws: dict[str, list[float]]) -> None:
        tail = 50 * (1 - self.confidence)
        for name, values in draws.items():
            array = np.asarray(values)
            array = array[np.isfinite(array)]
            if len(array):
                low, high = np.percentile(array, [tail, 100 - tail])
                measures[name].low, measures[name].high = float(low), float(high)
        for measure in measures.values():
            for part in ("value", "low", "high", "baseline"):
                number = getattr(measure, part)
                if number is not None and not np.isfinite(number):
                    setattr(measure, part, None)


def _evaluate_classes(
    y_train: np.ndarray,
    y_test: np.ndarray,
    predicted: np.ndarray,
    classes: np.ndarray,
    at: int,
    probabilities: np.ndarray | None,
    decision: np.ndarray | None,
    draw: _Bootstrap,
) -> Evaluation:
    n = len(y_test)
    binary = len(classes) == 2
    positive = classes[at] if binary else None
    average: dict[str, Any] = {"pos_label": positive} if binary else {"average": "macro"}
    prior = np.array([np.mean(y_train == c) for c in classes])
    usual = np.full(n, classes[int(np.argmax(prior))], dtype=np.asarray(classes).dtype)

    measures = {
        "accuracy": Measure(
            float(metrics.accuracy_score(y_test, predicted)),
            baseline=float(metrics.accuracy_score(y_test, usual)),
        ),
    }
    for name in ("precision", "recall", "f1"):
        function = getattr(metrics, f"{name}_score")
        measures[name] = Measure(
            float(function(y_test, predicted, zero_division=0, **average)),
            baseline=float(function(y_test, usual, zero_division=0, **average)),
        )
    matrix = np.asarray(metrics.confusion_matrix(y_test, predicted, labels=classes))
    result = Evaluation(
        CLASSIFICATION,
        n,
        measures,
        [str(c) for c in classes],
        None if positive is None else str(positive),
        matrix.tolist(),
        resamples=draw.resamples,
    )

    truth = y_test[:, None] == np.asarray(classes)[None, :]
    ranks = probabilities if probabilities is not None else decision
    if ranks is not None and ranks.ndim == 1 and at == 0:
        ranks = -ranks  # a decision is for the second class
    judged = [at] if binary else [k for k in range(len(classes)) if 0 < truth[:, k].sum() < n]
    tables: list[_Ranked] = []
    if ranks is not None and judged:
        for k in judged:
            values = ranks if ranks.ndim == 1 else ranks[:, k]
            if 0 < truth[:, k].sum() < n:
                tables.append(_Ranked(values, truth[:, k]))
                curve = tables[-1].curves()
                if probabilities is not None:
                    curve["calibration"] = _calibration(probabilities[:, k], truth[:, k])
                result.curves[str(classes[k])] = curve
    if tables:
        shares = [float(t.truth.mean()) for t in tables]
        areas = [t.areas(np.ones(n)) for t in tables]
        measures["roc_auc"] = Measure(float(np.mean([a[0] for a in areas])), baseline=0.5)
        measures["average_precision"] = Measure(
            float(np.mean([a[1] for a in areas])), baseline=float(np.mean(shares))
        )
    losses: dict[str, np.ndarray] = {}
    if probabilities is not None:
        losses["log_loss"] = _row_log_loss(truth, probabilities)
        losses["brier"] = _row_brier(truth, probabilities, binary)
        plain = np.broadcast_to(prior, truth.shape)
        measures["log_loss"] = Measure(
            float(losses["log_loss"].mean()), baseline=float(_row_log_loss(truth, plain).mean())
        )
        measures["brier"] = Measure(
            float(losses["brier"].mean()), baseline=float(_row_brier(truth, plain, binary).mean())
        )

    draws: dict[str, list[float]] = {name: [] for name in measures}
    true_code = np.argmax(truth, axis=1)
    guess_code = np.searchsorted(classes, predicted)
    cell = true_code * len(classes) + guess_code
    for weights in draw.weights(n):
        counts = np.bincount(cell, weights=weights, minlength=len(classes) ** 2).reshape(matrix.shape)
        for name, value in zip(
            ("accuracy", "precision", "recall", "f1"),
            _count_scores(counts, at if binary else None),
            strict=True,
        ):
            draws[name].append(value)
        if tables:
            areas = [t.areas(weights) for t in tables]
            draws["roc_auc"].append(float(np.mean([a[0] for a in areas])))
            draws["average_precision"].append(float(np.mean([a[1] for a in areas])))
        for name, row_losses in losses.items():
            draws[name].append(float(np.dot(weights, row_losses)) / n)
    draw.set_intervals(measures, draws)
    return result


def _evaluate_quantity(
    y_train: np.ndarray, y_test: np.ndarray, predicted: np.ndarray, draw: _Bootstrap
) -> Evaluation:
    n = len(y_test)
    mean = np.full(n, float(np.mean(y_train)))
    error = predicted - y_test
    squared, absolute = error * error, np.abs(error)

    def all_scores(guess: np.ndarray) -> dict[str, float]:
        return {
            "r2": float(metrics.r2_score(y_test, guess)) if n > 1 else float("nan"),
            "mse": float(metrics.mean_squared_error(y_test, guess)),
            "rmse": float(np.sqrt(metrics.mean_squared_error(y_test, guess))),
            "mae": float(metrics.mean_absolute_error(y_test, guess)),
        }

    plain = all_scores(mean)
    measures = {name: Measure(value, baseline=plain[name]) for name, value in all_scores(predicted).items()}
    draws: dict[str, list[float]] = {name: [] for name in measures}
    for weights in draw.weights(n):
        mse = float(np.dot(weights, squared)) / n
        centre = float(np.dot(weights, y_test)) / n
        spread = float(np.dot(weights, (y_test - centre) ** 2)) / n
        draws["mse"].append(mse)
        draws["rmse"].append(float(np.sqrt(mse)))
        draws["mae"].append(float(np.dot(weights, absolute)) / n)
        draws["r2"].append(1 - mse / spread if spread > 0 else float("nan"))
    draw.set_intervals(measures, draws)
    shown = np.sort(draw.rng.permutation(n)[:1500])
    return Evaluation(
        "regression",
        n,
        measures,
        residuals={"true": y_test[shown].tolist(), "predicted": predicted[shown].tolist()},
        resamples=draw.resamples,
    )


class _Ranked:
    """Rows in the order of falling score, with the places where equal scores end."""

    def __init__(self, values: np.ndarray, truth: np.ndarray) -> None:
        self.order = np.argsort(-values, kind="stable")
        self.truth = truth
        self.values = values[self.order]
        self.sorted_truth = truth[self.order].astype(np.float64)
        self.ends = np.append(np.flatnonzero(np.diff(self.values)), len(values) - 1)

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weight of true and of false positives at each threshold."""
        w = weights[self.order]
        true = np.cumsum(w * self.sorted_truth)[self.ends]
        false = np.cumsum(w)[self.ends] - true
        return true, false

    def areas(self, weights: np.ndarray) -> tuple[float, float]:
        """Return the area under the ROC curve (trapezoids) and the average precision (steps)."""
        true, false = self.counts(weights)
        if true[-1] <= 0 or false[-1] <= 0:
            return float("nan"), float("nan")
        before = np.concatenate(([0.0], true[:-1]))
        gained = true - before
        fell = np.diff(false, prepend=0.0)
        area = float(np.dot(fell, (true + before) * 0.5)) / (true[-1] * false[-1])
        total = np.maximum(true + false, 1e-300)
        return area, float(np.dot(gained, true / total)) / true[-1]

    def curves(self) -> dict[str, Any]:
        true, false = self.counts(np.ones(len(self.values)))
        thresholds = self.values[self.ends]
        recall, fall_out = true / true[-1], false / false[-1]
        precision = true / (true + false)
        keep = _thin(np.arange(len(true)), _CURVE_POINTS)
        return {
            "roc": [[0.0, *fall_out[keep].tolist()], [0.0, *recall[keep].tolist()]],
            "precision_recall": [recall[keep].tolist(), precision[keep].tolist()],
            "thresholds": thresholds[keep].tolist(),
            "share": float(self.truth.mean()),
        }


def _thin(positions: np.ndarray, most: int) -> np.ndarray:
    if len(positions) <= most:
        return positions
    # Denser at the start, where the precision-recall curve moves fastest.
    steps = np.linspace(0, 1, most) ** 2
    return np.unique((steps * (len(positions) - 1)).astype(np.intp))


def _calibration(probability: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """Group rows by predicted probability, as many in each group, and compare with what came true."""
    order = np.argsort(probability, kind="stable")
    out = []
    for group in np.array_split(order, min(_CALIBRATION_BINS, len(order))):
        if len(group):
            share = float(truth[group].mean())
            half = 1.96 * float(np.sqrt(max(share * (1 - share), 1e-12) / len(group)))
            out.append(
                {
                    "predicted": float(probability[group].mean()),
                    "observed": share,
                    "low": max(0.0, share - half),
                    "high": min(1.0, share + half),
                    "rows": len(group),
                }
            )
    return out


def _row_log_loss(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    chosen = np.clip(np.where(truth, probabilities, 0.0).sum(axis=1), _CLIP, 1.0)
    return -np.log(chosen)


def _row_brier(truth: np.ndarray, probabilities: np.ndarray, binary: bool) -> np.ndarray:
    if binary:
        return (probabilities[:, 1] - truth[:, 1]) ** 2
    return ((probabilities - truth) ** 2).sum(axis=1)


def _count_scores(counts: np.ndarray, at: int | None) -> tuple[float, float, float, float]:
    hits = np.diag(counts)
    guessed, there = counts.sum(axis=0), counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(guessed > 0, hits / guessed, 0.0)
        recall = np.where(there > 0, hits / there, 0.0)
        f1 = np.where(guessed + there > 0, 2 * hits / (guessed + there), 0.0)
    accuracy = float(hits.sum() / counts.sum())
    if at is not None:
        return accuracy, float(precision[at]), float(recall[at]), float(f1[at])
    present = guessed + there > 0
    return (
        accuracy,
        float(precision[present].mean()),
        float(recall[present].mean()),
        float(f1[present].mean()),
    )
