"""How far predicted probabilities are from the frequencies that come."""

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from ferroflow import _core
from ferroflow.metrics._rust_first import Foreign
from ferroflow.metrics._targets import classes_of


def expected_calibration_error(
    y_true, y_proba, *, n_bins=15, strategy="uniform", sample_weight=None, pos_label=None, labels=None
):
    """Expected calibration error.

    Rows are put into bins by the confidence of the prediction; each bin's gap between mean confidence and
    accuracy counts by its share of the rows::

        ECE = sum_b (n_b / n) * | accuracy_b - confidence_b |

    With one probability per row (binary targets) the confidence is that probability, and the accuracy the
    share of positive rows: the mean gap of the calibration curve. With a column per class the confidence is
    the highest probability of the row, and the accuracy the share of rows whose class has it.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_proba : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the positive class, or of each class in the order of the labels.
    n_bins : int, default=15
        Number of bins.
    strategy : {"uniform", "quantile"}, default="uniform"
        Bins of one width between 0 and 1, or of as many rows each.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    pos_label : int, str or bool, default=None
        The positive class of binary targets; the greater label if None.
    labels : array-like of shape (n_classes,), default=None
        The labels that the columns stand for, in order; those of `y_true` if None.

    Returns
    -------
    float
        Between 0 (calibrated) and 1.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger (2017). On Calibration of Modern Neural Networks.

    Examples
    --------
    >>> from ferroflow.metrics import expected_calibration_error
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.9]), 3)
    0.225
    """
    if isinstance(n_bins, bool) or not isinstance(n_bins, int | np.integer) or n_bins < 1:
        raise ValueError(f"n_bins must be a positive integer, got {n_bins!r}.")
    if strategy not in ("uniform", "quantile"):
        raise ValueError(f"strategy must be 'uniform' or 'quantile', got {strategy!r}.")
    y, proba = column_or_1d(y_true), _probabilities(y_true, y_proba)
    try:
        classes = classes_of(y)
        found = classes.labels
    except Foreign:
        values, codes = np.unique(y, return_inverse=True)
        classes, found = classes_of(codes), values.tolist()
    columns = _columns(found, proba, pos_label, labels)
    weights = None
    if sample_weight is not None:
        weights = np.asarray(column_or_1d(sample_weight), dtype=np.float64)
        check_consistent_length(weights, y)
    edges = inner_edges(int(n_bins), strategy, proba if proba.ndim == 1 else proba.max(axis=1))
    gaps = _core.calibration_gaps(classes, columns, proba, weights, edges.tolist())
    if gaps is None:
        raise ValueError("y_proba has values outside [0, 1], or NaN.")
    sums, total = gaps
    if not (np.isfinite(total) and total > 0):
        raise ValueError("sample_weight must be finite, with a positive sum.")
    return float(np.abs(sums).sum() / total)


def _probabilities(y: Any, y_proba: Any) -> np.ndarray:
    proba = np.asarray(y_proba, dtype=np.float64)
    check_consistent_length(y, proba)
    if len(proba) == 0 or proba.ndim not in (1, 2):
        raise ValueError("y_proba must have one or two dimensions, and at least one row.")
    return proba[:, 0] if proba.ndim == 2 and proba.shape[1] == 1 else proba


def _columns(found: list[Any], proba: np.ndarray, pos_label: Any, labels: Any) -> list[int]:
    """Return the column of each label that occurs; of one column, 1 for the positive label."""
    classes = found if labels is None else np.asarray(labels).tolist()
    if proba.ndim == 1:
        if len(found) > 2:
            raise ValueError("y_true has more than two classes: y_proba must have a column for each.")
        positive = classes[-1] if pos_label is None else pos_label
        return [int(label == positive) for label in found]
    if len(classes) != proba.shape[1]:
        raise ValueError(
            f"y_proba has {proba.shape[1]} columns for {len(classes)} classes; pass all of them as labels."
        )
    # A label without a column is never hit.
    return [classes.index(label) if label in classes else len(classes) for label in found]


def inner_edges(n_bins: int, strategy: str, confidence: np.ndarray) -> np.ndarray:
    """Return the edges between the bins; each belongs to the bin below."""
    shares = np.linspace(0.0, 1.0, n_bins + 1)
    return (shares if strategy == "uniform" else np.percentile(confidence, shares * 100))[1:-1]
