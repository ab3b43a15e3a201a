"""The calibration curve on the Rust core."""

import numpy as np
from sklearn import calibration

from ferroflow import _core
from ferroflow.metrics._numbers import as_numbers
from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._targets import classes_of, positive


@rust_first(calibration.calibration_curve)
def calibration_curve(y_true, y_prob, *, pos_label=None, n_bins=5, strategy="uniform"):
    if type(n_bins) is not int or not 1 <= n_bins < 2**15 or strategy not in ("uniform", "quantile"):
        raise Foreign("parameters to be checked")
    classes, proba = classes_of(y_true), as_numbers(y_prob)
    found = classes.labels
    if len(found) > 2 or proba.ndim != 1:
        raise Foreign("more classes than two, or several columns")
    chosen = positive(found, pos_label)
    code = found.index(chosen) if chosen in found else None
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    if strategy == "quantile":
        edges = np.percentile(proba, edges * 100)
    bins = _core.probability_bins(classes, code, proba, edges[1:-1].tolist())
    if bins is None:
        raise Foreign("probabilities that are odd arrays, of another length, or not within 0 and 1")
    probability, positives, rows = map(np.array, bins)
    there = rows != 0
    return positives[there] / rows[there], probability[there] / rows[there]
