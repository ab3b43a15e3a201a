"""Metrics of scores that rank rows, on the Rust core.

Scores are sorted once, the positive rows' apart from the others', and merged; areas under curves are counted in
integers. scikit-learn's own functions word every error and warning, and run what is not plain.
"""

from math import isnan
from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow.metrics._numbers import as_numbers, as_weights
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._targets import classes_of, columns_of, positive


@rust_first(metrics.auc)
def auc(x, y):
    found = _core.trapezoids(x, y)
    if found is None:
        raise Foreign("points that are not two plain columns of float64")
    area, rises, falls = found
    if rises and falls:
        raise Foreign("x that neither rises nor falls")
    return -area if falls else area


@rust_first(metrics.roc_auc_score)
def roc_auc_score(
    y_true,
    y_score,
    *,
    average="macro",
    sample_weight=None,
    max_fpr=None,
    multi_class="raise",
    labels=None,
):
    scores = as_scores(y_score)
    if getattr(y_true, "ndim", 1) == 2:
        if max_fpr is not None or sample_weight is not None:
            raise Foreign("partial or weighted areas of several columns")
        return _averaged_over_columns(y_true, scores, average, precision=False)
    classes = classes_of(y_true)
    if len(classes.labels) > 2 or (scores.ndim == 2 and scores.shape[1] > 2):
        if max_fpr is not None:
            raise Foreign("partial areas of several classes")
        return _area_of_classes(classes, scores, average, multi_class, labels, sample_weight)
    _check_average(average, micro=True)
    if len(classes.labels) != 2 or multi_class not in ("raise", "ovr", "ovo"):
        raise Foreign("a single class, or parameters to be checked")
    if sample_weight is None and max_fpr is None:
        area = _core.ranking_score(classes, 1, _column(scores), 0, False)
        if area is None:
            raise Foreign("scores that are odd arrays, of another length, or not finite")
        return area
    _, up, down = _points(classes, 1, scores, sample_weight, "straight")
    return _area(_rate(down), _rate(up), max_fpr)


@rust_first(metrics.average_precision_score)
def average_precision_score(y_true, y_score, *, average="macro", pos_label=1, sample_weight=None):
    scores = as_scores(y_score)
    if getattr(y_true, "ndim", 1) == 2:
        if sample_weight is not None or type(pos_label) is not int or pos_label != 1:
            raise Foreign("weighted columns, or a positive label beside them")
        return _averaged_over_columns(y_true, scores, average, precision=True)
    classes = classes_of(y_true)
    found = classes.labels
    if len(found) > 2:
        if not hasattr(y_score, "shape"):
            raise Foreign("lists of scores of several classes")
        if sample_weight is not None or type(pos_label) is not int or pos_label != 1:
            raise Foreign("weighted classes, or a positive label beside them")
        return _precision_of_classes(classes, scores, average)
    _check_average(average, micro=True)
    if len(found) < 2 or pos_label is None:
        raise Foreign("a single class, or parameters to be checked")
    code = found.index(positive(found, pos_label))
    if sample_weight is None:
        score = _core.ranking_score(classes, code, _column(scores), 0, True)
        if score is None:
            raise Foreign("scores that are odd arrays, of another length, or not finite")
        return score
    _, up, down = _points(classes, code, scores, sample_weight, "nothing")
    if not up[-1] > 0:
        raise Foreign("positive rows without weight")
    whole = up + down
    precision = np.divide(up, whole, out=np.zeros_like(up), where=whole != 0)
    return float(max(0.0, np.sum(np.diff(up, prepend=0.0) * precision) / up[-1]))


@rust_first(metrics.roc_curve)
def roc_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=True):
    _check_flag(drop_intermediate)
    classes, code = _binary(y_true, pos_label)
    drop = "straight" if drop_intermediate else "nothing"
    thresholds, up, down = _points(classes, code, as_scores(y_score), sample_weight, drop)
    return _rate(down), _rate(up), np.concatenate(((np.inf,), thresholds))


@rust_first(metrics.precision_recall_curve)
def precision_recall_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=False):
    _check_flag(drop_intermediate)
    classes, code = _binary(y_true, pos_label)
    scores = as_scores(y_score)
    drop = "flat" if drop_intermediate else "nothing"
    thresholds, up, down = _points(classes, code, scores, sample_weight, drop)
    if not up[-1] > 0:
        raise Foreign("positive rows without weight")
    precision, recall = np.empty(len(up) + 1), np.empty(len(up) + 1)
    whole = up + down
    if sample_weight is None:
        np.divide(up, whole, out=precision[-2::-1])
    else:
        precision[-2::-1] = np.divide(up, whole, out=np.zeros_like(up), where=whole != 0)
    np.divide(up, up[-1], out=recall[-2::-1])
    precision[-1], recall[-1] = 1.0, 0.0
    return precision, recall, np.flip(thresholds.astype(scores.dtype, copy=False))


@rust_first(metrics.det_curve)
def det_curve(y_true, y_score, pos_label=None, sample_weight=None, drop_intermediate=False):
    _check_flag(drop_intermediate)
    classes, code = _binary(y_true, pos_label)
    if len(classes.labels) != 2:
        raise Foreign("more classes than two")
    thresholds, up, down = _points(classes, code, as_scores(y_score), sample_weight, "nothing")
    thresholds, up, down = (
        np.concatenate(((first,), values)) for first, values in ((np.inf, thresholds), (0.0, up), (0.0, down))
    )
    if drop_intermediate and len(up) > 2:
        kept = np.concatenate(((True,), (np.diff(up[:-1]) != 0) | (np.diff(up[1:]) != 0), (True,)))
        thresholds, up, down = thresholds[kept], up[kept], down[kept]
    if not (up[-1] > 0 and down[-1] > 0):
        raise Foreign("a class without weight")
    part = slice(np.searchsorted(down, down[0], side="right") - 1, np.searchsorted(up, up[-1]) + 1)
    missed = up[-1] - up
    return (
        np.flip(down[part]) / down[-1],
        np.flip(missed[part]) / up[-1],
        np.flip(thresholds[part]),
    )


# Integers up to which all are floats too.
_EXACT = 2**53


def as_scores(y_score: Any) -> np.ndarray:
    """Return scores as an array whose order is the same in float64."""
    scores = as_numbers(y_score)
    wide = scores.dtype.kind in "iu" and scores.dtype.itemsize == 8 and scores.size > 0
    if wide and (scores.max() > _EXACT or scores.min() < -_EXACT):
        raise Foreign("integers too large for float64")
    return scores


def _column(scores: np.ndarray) -> np.ndarray:
    if scores.ndim != 1 and scores.shape[1] != 1:
        raise Foreign("several columns of scores")
    return scores


def _check_flag(flag: Any) -> None:
    if type(flag) is not bool:
        raise Foreign("parameters to be checked")


def _check_average(average: Any, *, micro: bool) -> None:
    if average is None or (type(average) is str and average in ("macro", "weighted")):
        return
    if not (micro and type(average) is str and average in ("micro", "samples")):
        raise Foreign("averages over rows, or parameters to be checked")


def _binary(y_true: Any, pos_label: Any) -> tuple[_core.TargetClasses, int]:
    """Return the classes and the number of the positive one, which occurs and is not alone."""
    classes = classes_of(y_true)
    found = classes.labels
    if len(found) < 2 or (len(found) > 2 and pos_label is None):
        raise Foreign("a single class, or several without a positive one")
    return classes, found.index(positive(found, pos_label))


def _points(classes, code, scores, sample_weight, drop) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distinct scores, falling, and the weights of positive and of negative rows from each on."""
    weights = as_weights(sample_weight)
    if weights is not None and weights.size and weights.min() < 0:
        raise Foreign("negative weights")
    points = _core.score_curve(classes, code, _column(scores), weights, drop)
    if points is None or not len(points[0]):
        raise Foreign("scores or weights that are odd arrays, of another length, or not finite")
    return points


def _rate(counts: np.ndarray) -> np.ndarray:
    """Shares of the last count, with none before the first."""
    if not counts[-1] > 0:
        raise Foreign("a class without weight")
    rate = np.empty(len(counts) + 1)
    rate[0] = 0.0
    np.divide(counts, counts[-1], out=rate[1:])
    return rate


def _area(fpr: np.ndarray, tpr: np.ndarray, max_fpr: Any) -> float:
    """The area under a curve, or under its first part, rescaled so that chance has 0.5 (McClish 1989)."""
    if max_fpr is None or (type(max_fpr) in (int, float) and max_fpr == 1):
        return _under(fpr, tpr)
    if type(max_fpr) is not float or not 0 < max_fpr < 1:
        raise Foreign("parameters to be checked")
    stop = int(np.searchsorted(fpr, max_fpr, "right"))
    height = np.interp(max_fpr, fpr[stop - 1 : stop + 1], tpr[stop - 1 : stop + 1])
    part = _under(np.append(fpr[:stop], max_fpr), np.append(tpr[:stop], height))
    least = 0.5 * max_fpr**2
    return 0.5 * (1 + (part - least) / (max_fpr - least))


def _under(x: np.ndarray, y: np.ndarray) -> float:
    found = _core.trapezoids(x, y)
    if found is None:
        raise Foreign("a curve of a single point")
    return found[0]


def _average(scores: np.ndarray, average: Any, supports: Any) -> Any:
    if average is None:
        return scores
    return float(np.average(scores, weights=supports if average == "weighted" else None))


def _area_of_classes(classes, scores, average, multi_class, labels, sample_weight) -> Any:
    if multi_class not in ("ovr", "ovo"):
        raise Foreign("parameters to be checked")
    _check_average(average, micro=False)
    n_classes = scores.shape[1] if scores.ndim == 2 else 0
    columns_of(classes, labels, n_classes)
    if len(classes.labels) != n_classes:
        raise Foreign("a class without rows")
    if sample_weight is not None:
        if multi_class != "ovr":
            raise Foreign("weights of pairs of classes")
        if not np.allclose(1, scores.sum(axis=1)):
            raise Foreign("scores that do not sum to one")
        curves = [_points(classes, c, scores[:, c], sample_weight, "straight") for c in range(n_classes)]
        found = [_area(_rate(down), _rate(up), None) for _, up, down in curves]
        return _average(np.array(found), average, [up[-1] for _, up, _ in curves])
    areas = _core.areas_of_pairs(classes, scores)
    if areas is None:
        raise Foreign("scores that are odd arrays, not finite, or do not sum to one")
    pairs, counts = np.array(areas), np.array(classes.counts, dtype=np.float64)
    np.fill_diagonal(pairs, 0.0)
    if multi_class == "ovr":
        return _average(pairs @ counts / (counts.sum() - counts), average, counts)
    if average is None:
        raise Foreign("parameters to be checked")
    upper = np.triu_indices(n_classes, 1)
    both = (counts[:, None] + counts) / counts.sum()
    return np.average(((pairs + pairs.T) / 2)[upper], weights=both[upper] if average == "weighted" else None)


def _precision_of_classes(classes, scores, average) -> Any:
    _check_average(average, micro=False)
    n_classes = len(classes.labels)
    if scores.ndim != 2 or scores.shape[1] != n_classes:
        raise Foreign("as many columns as classes are not there")
    found = [_core.ranking_score(classes, c, scores, c, True) for c in range(n_classes)]
    if None in found:
        raise Foreign("scores that are odd arrays, of another length, or not finite")
    return _average(np.array(found), average, np.array(classes.counts, dtype=np.float64))


def _averaged_over_columns(y_true: Any, scores: np.ndarray, average: Any, *, precision: bool) -> Any:
    truth = as_indicator(y_true)
    if truth.shape != scores.shape:
        raise Foreign("different shapes")
    _check_average(average, micro=True)
    if average == "samples":
        truth, scores = truth.T, scores.T
    if average == "micro":
        truth, scores = truth.reshape(-1, 1), scores.reshape(-1, 1)
    found = _core.ranking_scores_of_columns(truth, scores, precision)
    if found is None or any(map(isnan, found)):
        raise Foreign("columns with a single class, or values that may not occur")
    if average == "micro":
        return found[0]
    return _average(np.array(found), average, truth.sum(axis=0) if average == "weighted" else None)


def as_indicator(y: Any) -> np.ndarray:
    """Return labels that are there (1) or not (0), column by column, as numbers."""
    if type(y) is np.ndarray and y.dtype.kind == "b":
        y = y.view(np.uint8)
    indicator = as_numbers(y)
    if indicator.ndim != 2 or indicator.shape[1] < 2:
        raise Foreign("targets that are not several columns")
    return indicator
