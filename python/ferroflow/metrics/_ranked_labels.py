"""Metrics that each row has for itself, of how its labels are ranked by their scores, on the Rust core."""

from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow.metrics._numbers import as_numbers, as_weights
from ferroflow.metrics._ranking import as_indicator, as_scores
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._targets import classes_of, columns_of


@rust_first(metrics.coverage_error)
def coverage_error(y_true, y_score, *, sample_weight=None):
    return _mean(as_indicator(y_true), y_score, sample_weight, "coverage")


@rust_first(metrics.label_ranking_loss)
def label_ranking_loss(y_true, y_score, *, sample_weight=None):
    return _mean(as_indicator(y_true), y_score, sample_weight, "ranking loss")


@rust_first(metrics.label_ranking_average_precision_score)
def label_ranking_average_precision_score(y_true, y_score, *, sample_weight=None):
    return _mean(as_indicator(y_true), y_score, sample_weight, "ranking precision")


@rust_first(metrics.dcg_score)
def dcg_score(y_true, y_score, *, k=None, log_base=2, sample_weight=None, ignore_ties=False):
    _check_ranks(k, ignore_ties)
    if type(log_base) not in (int, float) or not log_base > 0 or log_base == 1:
        raise Foreign("parameters to be checked")
    gains = _gains(y_true)
    return _mean(gains, y_score, sample_weight, "gain", _discounts(gains.shape[1], k, log_base))


@rust_first(metrics.ndcg_score)
def ndcg_score(y_true, y_score, *, k=None, sample_weight=None, ignore_ties=False):
    _check_ranks(k, ignore_ties)
    gains = _gains(y_true)
    if gains.min() < 0:
        raise Foreign("negative gains")
    return _mean(gains, y_score, sample_weight, "normal gain", _discounts(gains.shape[1], k, 2))


@rust_first(metrics.top_k_accuracy_score)
def top_k_accuracy_score(y_true, y_score, *, k=2, normalize=True, sample_weight=None, labels=None):
    classes, scores, weights = classes_of(y_true), as_scores(y_score), as_weights(sample_weight)
    if type(k) is not int or type(normalize) is not bool or scores.ndim != 2:
        raise Foreign("binary targets, or parameters to be checked")
    if not 1 <= k < scores.shape[1] or scores.shape[1] < 3:
        raise Foreign("binary targets, or a k that takes in every class")
    columns = columns_of(classes, labels, scores.shape[1])
    hits = _core.top_k_hits(classes, columns, scores, k)
    if hits is None:
        raise Foreign("scores that are odd arrays, of another length, or not finite")
    if normalize:
        return _average(hits, weights)
    return float(np.sum(hits) if weights is None else np.dot(hits, weights))


def _check_ranks(k: Any, ignore_ties: Any) -> None:
    if not (k is None or (type(k) is int and k >= 1)) or ignore_ties is not False:
        raise Foreign("ties to be ignored, or parameters to be checked")


def _gains(y_true: Any) -> np.ndarray:
    gains = as_numbers(y_true)
    if gains.ndim != 2 or gains.shape[1] < 2 or not len(gains):
        raise Foreign("gains that are not several columns")
    return gains


def _discounts(ranks: int, k: Any, log_base: float) -> list[float]:
    discounts = 1 / (np.log(np.arange(ranks) + 2) / np.log(log_base))
    if k is not None:
        discounts[k:] = 0
    return discounts.tolist()


def _mean(truth, y_score, sample_weight, what: str, discounts: Any = ()) -> float:
    """Average what the rows score."""
    rows = _core.row_scores(truth, as_numbers(y_score), what, list(discounts))
    if rows is None:
        raise Foreign("arrays of different shapes or odd types, or values that may not occur")
    return _average(rows, as_weights(sample_weight))


def _average(rows: np.ndarray, weights: np.ndarray | None) -> float:
    if weights is None:
        return float(np.average(rows))
    if len(weights) != len(rows) or not weights.any() or not np.isfinite(weights).all():
        raise Foreign("weights that are not a column of finite numbers")
    return float(np.average(rows, weights=weights))
