"""Scores of predicted labels on the Rust core.

Everything is computed from one pass over the labels: how many agree, or which label was taken for which.
scikit-learn's own functions word every error, and run what is not plain.
"""

from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import warn_prf
from ferroflow.metrics._documented import documented_as
from ferroflow.metrics._labels import Foreign, count, plain_pair, wanted_labels, weights_of
from ferroflow.metrics._shared import counted_once, is_shared

# Held here, since accelerate() puts ours into scikit-learn's module.
_their_accuracy_score = metrics.accuracy_score
_their_confusion_matrix = metrics.confusion_matrix
_their_f1_score = metrics.f1_score
_their_precision_score = metrics.precision_score
_their_recall_score = metrics.recall_score


@documented_as(_their_accuracy_score)
def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    if sample_weight is None and normalize is True and not is_shared():
        hits = _core.count_equal_labels(y_true, y_pred)
        if hits is not None:
            note_rust("accuracy_score")
            return hits / len(y_true)
    try:
        score = _accuracy(y_true, y_pred, normalize, sample_weight)
    except Foreign as foreign:
        reason = str(foreign)
    else:
        note_rust("accuracy_score")
        return score
    note_sklearn("accuracy_score", reason)
    return _their_accuracy_score(y_true, y_pred, normalize=normalize, sample_weight=sample_weight)


def _sums(y_true: Any, y_pred: Any) -> tuple[list[Any], np.ndarray]:
    return count(_core.count_labels, y_true, y_pred, False)


def _accuracy(y_true: Any, y_pred: Any, normalize: Any, sample_weight: Any) -> float:
    if normalize is not True and normalize is not False:
        raise Foreign("parameters to be checked")
    if is_shared():
        hits = int(counted_once(_sums, y_true, y_pred)[1][0].sum())
    else:
        hits = count(_core.count_equal_labels, y_true, y_pred)
    if sample_weight is None:
        return hits / len(y_true) if normalize else float(hits)
    t, p = plain_pair(y_true, y_pred)
    weights = weights_of(sample_weight, len(t))
    # NumPy's sums, for their bits.
    return float(np.average(t == p, weights=weights) if normalize else np.dot(t == p, weights))


@documented_as(_their_confusion_matrix)
def confusion_matrix(y_true, y_pred, *, labels=None, sample_weight=None, normalize=None):
    try:
        matrix = _confusion(y_true, y_pred, labels, sample_weight, normalize)
    except Foreign as foreign:
        reason = str(foreign)
    else:
        note_rust("confusion_matrix")
        return matrix
    note_sklearn("confusion_matrix", reason)
    return _their_confusion_matrix(
        y_true, y_pred, labels=labels, sample_weight=sample_weight, normalize=normalize
    )


def _confusion(y_true: Any, y_pred: Any, labels: Any, sample_weight: Any, normalize: Any) -> np.ndarray:
    if normalize is not None and not (type(normalize) is str and normalize in ("true", "pred", "all")):
        raise Foreign("parameters to be checked")
    if sample_weight is None:
        found, matrix = count(_core.count_labels, y_true, y_pred, True)
    else:
        y_true, y_pred = plain_pair(y_true, y_pred)
        weights = weights_of(sample_weight, len(y_true))
        weights = weights.astype(np.float64 if weights.dtype.kind == "f" else np.int64)
        found, matrix = count(_core.weigh_labels, y_true, y_pred, True, weights)
    if labels is not None:
        wanted = wanted_labels(labels, found)
        place = {label: i for i, label in enumerate(wanted)}
        kept = [i for i, label in enumerate(found) if label in place]
        truly = matrix if sample_weight is None else count(_core.count_labels, y_true, y_pred, True)[1]
        if not truly[kept].any():
            raise Foreign("no label that is in y_true")
        to = [place[found[i]] for i in kept]
        whole = np.zeros((len(wanted), len(wanted)), matrix.dtype)
        whole[np.ix_(to, to)] = matrix[np.ix_(kept, kept)]
        matrix = whole
    with np.errstate(all="ignore"):
        if normalize == "true":
            matrix = matrix / matrix.sum(axis=1, keepdims=True)
        elif normalize == "pred":
            matrix = matrix / matrix.sum(axis=0, keepdims=True)
        elif normalize == "all":
            matrix = matrix / matrix.sum()
        if matrix.dtype.kind == "f":
            matrix = np.nan_to_num(matrix)
    if matrix.shape == (1, 1):
        # scikit-learn says in its own words that a single label makes a matrix of one cell.
        _their_confusion_matrix([0], [0])
    return matrix


@documented_as(_their_precision_score)
def precision_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    return _score(
        "precision",
        _their_precision_score,
        y_true,
        y_pred,
        labels,
        pos_label,
        average,
        sample_weight,
        zero_division,
    )


@documented_as(_their_recall_score)
def recall_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    return _score(
        "recall",
        _their_recall_score,
        y_true,
        y_pred,
        labels,
        pos_label,
        average,
        sample_weight,
        zero_division,
    )


@documented_as(_their_f1_score)
def f1_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    return _score(
        "f-score",
        _their_f1_score,
        y_true,
        y_pred,
        labels,
        pos_label,
        average,
        sample_weight,
        zero_division,
    )


# What a metric lacks where its denominator is zero.
_MODIFIERS = {"precision": "predicted", "recall": "true", "f-score": "true nor predicted"}


def _score(metric, theirs, y_true, y_pred, labels, pos_label, average, sample_weight, zero_division):
    name = theirs.__name__
    try:
        score = _ours(metric, y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    except Foreign as foreign:
        reason = str(foreign)
    else:
        note_rust(name)
        return score
    note_sklearn(name, reason)
    return theirs(
        y_true,
        y_pred,
        labels=labels,
        pos_label=pos_label,
        average=average,
        sample_weight=sample_weight,
        zero_division=zero_division,
    )


def _ours(metric, y_true, y_pred, labels, pos_label, average, sample_weight, zero_division):
    if not _plain_parameters(labels, pos_label, average, zero_division):
        raise Foreign("parameters to be checked, or that scikit-learn warns of")
    if sample_weight is None:
        found, sums = counted_once(_sums, y_true, y_pred)
    else:
        y_true, y_pred = plain_pair(y_true, y_pred)
        weights = weights_of(sample_weight, len(y_true)).astype(np.float64)
        found, sums = count(_core.weigh_labels, y_true, y_pred, False, weights)
        # scikit-learn goes through false positives and negatives, which rounds.
        sums[1:] = sums[0] + (sums[1:] - sums[0])
    if average == "binary":
        return _binary(metric, found, sums, pos_label, zero_division)
    if labels is not None:
        sums = _selected(sums, found, wanted_labels(labels, found))
    if average == "micro":
        sums = sums.sum(axis=1, keepdims=True)
    hits, predicted, truly = sums
    if metric == "f-score":
        numerator, denominator = 2.0 * hits, truly.astype(np.float64) + predicted
    else:
        numerator, denominator = hits, (predicted if metric == "precision" else truly)
    undefined = denominator == 0
    if undefined.any():
        scores = numerator / np.where(undefined, 1.0, denominator)
        scores[undefined] = 0.0 if zero_division == "warn" else zero_division
        if zero_division == "warn":
            warn_prf(average, _MODIFIERS[metric], f"{metric.capitalize()} is", scores.shape[0])
    else:
        scores = numerator / denominator
    if average is None:
        return scores
    return _averaged(scores, truly if average == "weighted" else None)


def _plain_parameters(labels: Any, pos_label: Any, average: Any, zero_division: Any) -> bool:
    """Are they valid, and such that scikit-learn would not warn?"""
    if type(average) is str and average == "binary":
        plain = isinstance(pos_label, int | str) and (labels is None or type(labels) is list)
    else:
        plain = (
            average is None or (type(average) is str and average in ("micro", "macro", "weighted"))
        ) and (pos_label is None or (type(pos_label) is int and pos_label == 1))
    if type(zero_division) is str:
        return plain and zero_division == "warn"
    valid = type(zero_division) in (int, float) and (
        zero_division in (0, 1) or zero_division != zero_division
    )
    return plain and valid


def _binary(metric: str, found: list[Any], sums: np.ndarray, pos_label: Any, zero_division: Any) -> float:
    if pos_label in found and len(found) <= 2:
        hits, predicted, truly = sums[:, found.index(pos_label)].tolist()
    elif len(found) == 1 and isinstance(found[0], str) == isinstance(pos_label, str):
        hits = predicted = truly = 0
    else:
        raise Foreign("targets that are not two labels, pos_label one of them")
    if metric == "f-score":
        hits, denominator = 2 * hits, truly + predicted
    else:
        denominator = predicted if metric == "precision" else truly
    if denominator == 0:
        if zero_division != "warn":
            return float(zero_division)
        warn_prf("binary", _MODIFIERS[metric], f"{metric.capitalize()} is", 1)
        return 0.0
    return hits / denominator


def _selected(sums: np.ndarray, found: list[Any], wanted: list[Any]) -> np.ndarray:
    """The sums of the wanted labels, 0 for one that does not occur."""
    place = {label: i for i, label in enumerate(found)}
    columns = np.array([place.get(label, -1) for label in wanted])
    selected = sums[:, columns]
    selected[:, columns < 0] = 0
    return selected


def _averaged(scores: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean of the scores that are defined."""
    defined = ~np.isnan(scores)
    if not defined.all():
        if not defined.any():
            return np.nan
        scores = scores[defined]
        weights = weights if weights is None else weights[defined]
    if weights is not None:
        try:
            return float(np.average(scores, weights=weights))
        except ZeroDivisionError:
            pass
    return float(scores.mean())
