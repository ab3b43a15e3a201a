"""Precision, recall, F-scores and the Jaccard index from :class:`Sums`."""

from typing import Any

import numpy as np

from ferroflow._bridge.sklearn_compat import warn_prf
from ferroflow.metrics._rust_first import Foreign
from ferroflow.metrics._sums import Sums, label_sums, row_sums

# What a score lacks where its denominator is zero.
_MODIFIERS = {
    "precision": "predicted",
    "recall": "true",
    "f-score": "true nor predicted",
    "jaccard": "true or predicted",
}


class Asked:
    """What of the labels' scores was asked for: the sums of the labels chosen, and how to average over them."""

    def __init__(self, y_true, y_pred, labels, pos_label, average, sample_weight, zero_division):
        if not _plain_parameters(labels, pos_label, average, zero_division):
            raise Foreign("parameters to be checked, or that scikit-learn warns of")
        self.average = average
        self.zero_division = zero_division
        self._weights = None
        if average == "samples":
            self.sums, self._weights = row_sums(y_true, y_pred, labels, sample_weight)
            return
        sums = label_sums(y_true, y_pred, sample_weight)
        self.found = sums.labels
        self.sums = sums.of([_positive(sums, pos_label)]) if average == "binary" else sums.selected(labels)

    def averaged_as(self, average: str | None) -> "Asked":
        """Ask for another average over the same labels."""
        other = object.__new__(Asked)
        other.__dict__ = {**self.__dict__, "average": average}
        return other

    def score(self, metric: str, *, warn: bool, beta: float = 1.0) -> Any:
        """Return one score, averaged or for each label, with scikit-learn's warning where it is undefined."""
        sums = self.sums
        hits, predicted, truly = sums.hits, sums.predicted, sums.truly
        if metric == "jaccard":
            union = hits + sums.false + sums.missed
            if self.average == "micro":
                hits, union = hits.sum(keepdims=True), union.sum(keepdims=True)
            numerator, denominator = hits, union
        else:
            if self.average == "micro":
                hits, predicted, truly = (
                    hits.sum(keepdims=True),
                    predicted.sum(keepdims=True),
                    truly.sum(keepdims=True),
                )
            if metric == "f-score":
                beta2 = beta**2
                numerator = (1 + beta2) * hits.astype(np.float64)
                denominator = beta2 * truly.astype(np.float64) + predicted.astype(np.float64)
            else:
                numerator, denominator = hits, (predicted if metric == "precision" else truly)
        scores = self._divided(numerator, denominator, metric, warn)
        if self.average is None:
            return scores
        weights = truly if self.average == "weighted" else self._weights
        if metric == "jaccard":
            if self.average == "weighted" and not truly.any():
                weights = None
            return float(np.average(scores, weights=weights))
        return _averaged(scores, weights)

    def _divided(self, numerator: np.ndarray, denominator: np.ndarray, metric: str, warn: bool) -> np.ndarray:
        undefined = denominator == 0
        if not undefined.any():
            return numerator / denominator
        scores = numerator / np.where(undefined, 1.0, denominator)
        scores[undefined] = 0.0 if self.zero_division == "warn" else self.zero_division
        if self.zero_division == "warn" and warn:
            warn_prf(self.average, _MODIFIERS[metric], f"{metric.capitalize()} is", scores.shape[0])
        return scores


def _plain_parameters(labels: Any, pos_label: Any, average: Any, zero_division: Any) -> bool:
    """Are they valid, and such that scikit-learn would not warn?"""
    if type(average) is str and average == "binary":
        plain = isinstance(pos_label, int | str) and (labels is None or type(labels) is list)
    else:
        plain = (
            average is None or (type(average) is str and average in ("micro", "macro", "weighted", "samples"))
        ) and (pos_label is None or (type(pos_label) is int and pos_label == 1))
    if type(zero_division) is str:
        return plain and zero_division == "warn"
    valid = type(zero_division) in (int, float) and (
        zero_division in (0, 1) or zero_division != zero_division
    )
    return plain and valid


def _positive(sums: Sums, pos_label: Any) -> Any:
    """Return the label whose scores "binary" means."""
    found = sums.labels
    if not sums.multilabel:
        if pos_label in found and len(found) <= 2:
            return pos_label
        if len(found) == 1 and isinstance(found[0], str) == isinstance(pos_label, str):
            return pos_label
    raise Foreign("targets that are not two labels, pos_label one of them")


def _averaged(scores: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the mean of the scores that are defined."""
    defined = ~np.isnan(scores)
    if not defined.all():
        if not defined.any():
            return np.nan
        if weights is None:
            return float(np.nanmean(scores))
        scores, weights = scores[defined], weights[defined]
    if weights is not None:
        try:
            return float(np.average(scores, weights=weights))
        except ZeroDivisionError:
            pass
    return float(scores.mean())
