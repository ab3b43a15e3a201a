"""How often predicted labels agree with the true ones."""

from typing import Any

import numpy as np
from sklearn import metrics

from ferroflow import _core
from ferroflow.metrics._indicators import Indicators, are_indicators
from ferroflow.metrics._labels import count, plain_pair, weights_of
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._shared import is_shared
from ferroflow.metrics._sums import label_sums


@rust_first(metrics.accuracy_score)
def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    if sample_weight is None and normalize is True and not is_shared():
        hits = _core.count_equal_labels(y_true, y_pred)
        if hits is not None:
            return hits / len(y_true)
    return _accuracy(y_true, y_pred, normalize, sample_weight)


@rust_first(metrics.zero_one_loss)
def zero_one_loss(y_true, y_pred, *, normalize=True, sample_weight=None):
    score = _accuracy(y_true, y_pred, normalize, sample_weight)
    if normalize:
        return 1 - score
    rows = y_true.shape[0] if hasattr(y_true, "shape") else len(y_true)
    return (rows if sample_weight is None else np.sum(sample_weight)) - score


@rust_first(metrics.hamming_loss)
def hamming_loss(y_true, y_pred, *, sample_weight=None):
    if are_indicators(y_true, y_pred):
        both = Indicators(y_true, y_pred)
        hits, predicted, truly = both.row_sums()
        different = predicted + truly - 2 * hits
        cells = both.rows * both.columns
        if sample_weight is None:
            return float(different.sum()) / cells
        weights = weights_of(sample_weight, both.rows)
        return float(np.dot(different, weights)) / (cells * np.average(weights))
    if sample_weight is None:
        hits = _hits(y_true, y_pred)
        return (len(y_true) - hits) / len(y_true)
    t, p = _checked_pair(y_true, y_pred)
    return float(np.average(t != p, weights=weights_of(sample_weight, len(t))))


def _accuracy(y_true: Any, y_pred: Any, normalize: Any, sample_weight: Any) -> float:
    if normalize is not True and normalize is not False:
        raise Foreign("parameters to be checked")
    if are_indicators(y_true, y_pred):
        hits, predicted, truly = Indicators(y_true, y_pred).row_sums()
        equal = (hits == predicted) & (hits == truly)
        rows = len(equal)
        agreeing = np.count_nonzero(equal) if sample_weight is None else equal
    elif sample_weight is None:
        agreeing = _hits(y_true, y_pred)
        rows = len(y_true)
    else:
        t, p = _checked_pair(y_true, y_pred)
        agreeing, rows = t == p, len(t)
    if sample_weight is None:
        return float(agreeing / rows if normalize else agreeing)
    weights = weights_of(sample_weight, rows)
    # NumPy's sums, for their bits.
    return float(np.average(agreeing, weights=weights) if normalize else np.dot(agreeing, weights))


def _hits(y_true: Any, y_pred: Any) -> int:
    if is_shared():
        return int(label_sums(y_true, y_pred).hits.sum())
    return count(_core.count_equal_labels, y_true, y_pred)


def _checked_pair(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays of labels that NumPy compares as scikit-learn does."""
    count(_core.count_equal_labels, y_true, y_pred)
    return plain_pair(y_true, y_pred)
