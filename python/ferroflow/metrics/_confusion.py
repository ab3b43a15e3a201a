"""Which label was taken for which, and what follows from that alone."""

import warnings
from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow.metrics._labels import count, plain_pair, wanted_labels, weights_of
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._shared import counted_once
from ferroflow.metrics._sums import label_sums, row_sums

# Held here, since accelerate() puts ours into scikit-learn's module.
_their_confusion_matrix = metrics.confusion_matrix


@rust_first(metrics.confusion_matrix)
def confusion_matrix(y_true, y_pred, *, labels=None, sample_weight=None, normalize=None):
    if normalize is not None and not (type(normalize) is str and normalize in ("true", "pred", "all")):
        raise Foreign("parameters to be checked")
    matrix = _arranged(y_true, y_pred, labels, sample_weight)[1]
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


def _arranged(y_true: Any, y_pred: Any, labels: Any, sample_weight: Any) -> tuple[list[Any], np.ndarray]:
    """Return the labels that occur, and a square table of the caller's `labels`, or of those."""
    if sample_weight is None:
        found, matrix = count(_core.count_labels, y_true, y_pred, True)
    else:
        y_true, y_pred = plain_pair(y_true, y_pred)
        weights = weights_of(sample_weight, len(y_true))
        weights = weights.astype(np.float64 if weights.dtype.kind == "f" else np.int64)
        found, matrix = count(_core.weigh_labels, y_true, y_pred, True, weights)
    if labels is None:
        return found, matrix
    wanted = wanted_labels(labels, found)
    place = {label: i for i, label in enumerate(wanted)}
    kept = [i for i, label in enumerate(found) if label in place]
    truly = matrix if sample_weight is None else count(_core.count_labels, y_true, y_pred, True)[1]
    if not truly[kept].any():
        raise Foreign("no label that is in y_true")
    to = [place[found[i]] for i in kept]
    whole = np.zeros((len(wanted), len(wanted)), matrix.dtype)
    whole[np.ix_(to, to)] = matrix[np.ix_(kept, kept)]
    return found, whole


@rust_first(metrics.multilabel_confusion_matrix)
def multilabel_confusion_matrix(y_true, y_pred, *, sample_weight=None, labels=None, samplewise=False):
    if samplewise is True:
        sums, _ = row_sums(y_true, y_pred, labels, sample_weight)
    elif samplewise is False:
        sums = label_sums(y_true, y_pred, sample_weight).selected(labels)
    else:
        raise Foreign("parameters to be checked")
    neither = sums.total - sums.hits - sums.false - sums.missed
    return np.stack([neither, sums.false, sums.missed, sums.hits]).T.reshape(-1, 2, 2)


@rust_first(metrics.balanced_accuracy_score)
def balanced_accuracy_score(y_true, y_pred, *, sample_weight=None, adjusted=False):
    if adjusted is not True and adjusted is not False:
        raise Foreign("parameters to be checked")
    hits, truly, _ = _margins(y_true, y_pred, sample_weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        recalls = hits / truly
    undefined = np.isnan(recalls)
    if undefined.any():
        warnings.warn("y_pred contains classes not in y_true", stacklevel=3)
        recalls = recalls[~undefined]
    score = recalls.mean()
    if adjusted:
        chance = 1 / len(recalls)
        score -= chance
        score /= 1 - chance
    return float(score)


@rust_first(metrics.matthews_corrcoef)
def matthews_corrcoef(y_true, y_pred, *, sample_weight=None):
    hits, truly, predicted = _margins(y_true, y_pred, sample_weight)
    correct, rows = hits.sum(), predicted.sum()
    spread = (rows**2 - np.dot(predicted, predicted)) * (rows**2 - np.dot(truly, truly))
    if spread == 0:
        return 0.0
    return float((correct * rows - np.dot(truly, predicted)) / np.sqrt(spread))


def _margins(y_true: Any, y_pred: Any, sample_weight: Any) -> list[np.ndarray]:
    """Return, by label and as floats, the rows that agree, those truly so, those predicted so."""
    if sample_weight is None:
        sums = label_sums(y_true, y_pred)
        if sums.multilabel:
            raise Foreign("rows of several labels")
        margins = [sums.hits, sums.truly, sums.predicted]
    else:
        # Summed over the table, as scikit-learn does, for its bits.
        table = counted_once(_arranged, y_true, y_pred, None, sample_weight)[1]
        margins = [table.diagonal(), table.sum(axis=1), table.sum(axis=0)]
    if len(margins[0]) == 1:
        raise Foreign("a single label, of which scikit-learn warns")
    return [margin.astype(np.float64) for margin in margins]


@rust_first(metrics.cohen_kappa_score)
def cohen_kappa_score(y1, y2, *, labels=None, weights=None, sample_weight=None, replace_undefined_by=np.nan):
    plain = weights is None or (type(weights) is str and weights in ("linear", "quadratic"))
    value = replace_undefined_by
    if not (plain and type(value) in (int, float) and (-1 <= value <= 1 or value != value)):
        raise Foreign("parameters to be checked")
    table = _arranged(y1, y2, labels, sample_weight)[1].astype(np.float64)
    labels_predicted, labels_true = table.sum(axis=0), table.sum(axis=1)
    rows = labels_predicted.sum()
    if len(table) == 1 or rows == 0:
        raise Foreign("a single label, or none, of which scikit-learn warns")
    places = np.arange(len(table), dtype=np.float64)
    distance = np.abs(places - places[:, None])
    if weights is None:
        distance = (distance > 0).astype(np.float64)
    elif weights == "quadratic":
        distance = distance**2
    expected = (distance * (np.outer(labels_predicted, labels_true) / rows)).sum()
    if expected == 0:
        raise Foreign("one label in common, of which scikit-learn warns")
    return float(1 - (distance * table).sum() / expected)


@rust_first(metrics.class_likelihood_ratios)
def class_likelihood_ratios(y_true, y_pred, *, labels=None, sample_weight=None, replace_undefined_by=np.nan):
    if not (
        type(replace_undefined_by) is float
        and (replace_undefined_by == 1.0 or np.isnan(replace_undefined_by))
    ):
        raise Foreign("parameters to be checked")
    found, table = _arranged(y_true, y_pred, labels, sample_weight)
    if len(found) > 2 or table.shape != (2, 2):
        raise Foreign("targets that are not two labels")
    tn, fp, fn, tp = table.ravel()
    positive, negative = tp + fn, tn + fp
    if positive == 0 or fp == 0 or tn == 0:
        raise Foreign("ratios that are undefined, of which scikit-learn warns")
    return float(tp * negative / (fp * positive)), float(fn * negative / (tn * positive))
