"""Losses of predicted probabilities on the Rust core.

Each is one pass over classes and probabilities, which also tells whether these are probabilities; scikit-learn's own
functions word every error and warning, and run what is not plain.
"""

from math import log
from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow.metrics._numbers import as_numbers, as_weights
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._targets import classes_of, columns_of, positive


@rust_first(metrics.log_loss)
def log_loss(y_true, y_proba=None, *, normalize=True, sample_weight=None, labels=None, y_pred="deprecated"):
    _check_flags(normalize)
    if type(y_pred) is not str or y_pred != "deprecated":
        raise Foreign("the deprecated y_pred")
    classes, columns, proba = _probabilities(y_true, y_proba, labels)
    loss, weight = _charged("log", classes, columns, proba, sample_weight)
    return loss / weight if normalize else loss


@rust_first(metrics.d2_log_loss_score)
def d2_log_loss_score(y_true, y_proba=None, *, sample_weight=None, labels=None, y_pred="deprecated"):
    if type(y_pred) is not str or y_pred != "deprecated":
        raise Foreign("the deprecated y_pred")
    classes, columns, proba = _probabilities(y_true, y_proba, labels)
    loss, weight = _charged("log", classes, columns, proba, sample_weight)
    eps = np.finfo(np.float64).eps
    null = -sum(w * log(min(max(w / weight, eps), 1 - eps)) for w in _weights(classes, sample_weight))
    return 1 - loss / null


@rust_first(metrics.brier_score_loss)
def brier_score_loss(
    y_true, y_proba, *, sample_weight=None, pos_label=None, labels=None, scale_by_half="auto"
):
    if scale_by_half != "auto":
        _check_flags(scale_by_half)
    classes, columns, proba = _probabilities_of_one(y_true, y_proba, pos_label, labels)
    loss, weight = _charged("brier", classes, columns, proba, sample_weight)
    # Of one column only half of the sum over both classes was taken.
    one = proba.ndim == 1 or proba.shape[1] == 1
    half = (one or proba.shape[1] < 3) if scale_by_half == "auto" else scale_by_half
    return loss / weight * ((1.0 if half else 2.0) if one else (0.5 if half else 1.0))


# New in scikit-learn 1.8.
if hasattr(metrics, "d2_brier_score"):

    @rust_first(metrics.d2_brier_score)
    def d2_brier_score(y_true, y_proba, *, sample_weight=None, pos_label=None, labels=None):
        classes, columns, proba = _probabilities_of_one(y_true, y_proba, pos_label, labels)
        loss, weight = _charged("brier", classes, columns, proba, sample_weight)
        if proba.ndim == 1 or proba.shape[1] == 1:
            loss *= 2
        shares = [w / weight for w in _weights(classes, sample_weight)]
        null = sum(share * (1 - share) for share in shares)
        if len(shares) < 2 or not null > 0:
            raise Foreign("a single class")
        return 1 - loss / weight / null


@rust_first(metrics.hinge_loss)
def hinge_loss(y_true, pred_decision, *, labels=None, sample_weight=None):
    classes, decisions = classes_of(y_true), as_numbers(pred_decision)
    if decisions.ndim == 1 or decisions.shape[1] == 1:
        if labels is not None:
            raise Foreign("labels of two classes")
        columns = columns_of(classes, None, 2)
    elif decisions.shape[1] < 3:
        raise Foreign("two columns")
    else:
        columns = columns_of(classes, labels, decisions.shape[1])
    loss, weight = _charged("hinge", classes, columns, decisions, sample_weight)
    return loss / weight


def _check_flags(*flags: Any) -> None:
    if not all(type(flag) is bool for flag in flags):
        raise Foreign("parameters to be checked")


def _probabilities(y_true, y_proba, labels) -> tuple[_core.TargetClasses, list[int], np.ndarray]:
    classes, proba = classes_of(y_true), as_numbers(y_proba)
    if len(classes) < 2:
        raise Foreign("a single row")
    return classes, columns_of(classes, labels, max(2, proba.shape[1] if proba.ndim == 2 else 2)), proba


def _probabilities_of_one(y_true, y_proba, pos_label, labels):
    """Return the same; one column is the positive label's."""
    classes, proba = classes_of(y_true), as_numbers(y_proba)
    if proba.ndim == 2 and proba.shape[1] > 1:
        if pos_label is not None:
            raise Foreign("a positive label beside several columns")
        return _probabilities(y_true, proba, labels)
    found = classes.labels
    if len(found) > 2 or labels is not None or len(classes) < 2:
        raise Foreign("targets that are not binary, or parameters to be checked")
    chosen = positive(found, pos_label, or_last=True)
    return classes, [int(label == chosen) for label in found], proba


def _charged(loss, classes, columns, scores, sample_weight) -> tuple[float, float]:
    """Return the sums of losses and of weights."""
    sums = _core.probability_losses(classes, columns, scores, as_weights(sample_weight), loss)
    if sums is None or sums[1] == 0:
        raise Foreign("scores or weights that are odd arrays, not finite, or not probabilities")
    return sums


def _weights(classes: _core.TargetClasses, sample_weight: Any) -> list[float]:
    """Return each class's weight."""
    if sample_weight is None:
        return list(map(float, classes.counts))
    sums = _core.class_weights(classes, as_weights(sample_weight))
    if sums is None:
        raise Foreign("weights that are odd arrays")
    return sums.tolist()
