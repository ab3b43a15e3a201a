"""What a prediction got right and wrong of each label: the one form that scores are computed from."""

from typing import Any, NamedTuple

import numpy as np

from ferroflow import _core
from ferroflow.metrics._indicators import Indicators, are_indicators
from ferroflow.metrics._labels import count, plain_pair, wanted_labels, weights_of
from ferroflow.metrics._rust_first import Foreign
from ferroflow.metrics._shared import counted_once


class Sums(NamedTuple):
    """Rows, or their weights, by label; by row for scores of samples."""

    labels: list[Any]
    """The labels in order."""
    hits: np.ndarray
    """Truly and by prediction."""
    false: np.ndarray
    """By prediction alone."""
    missed: np.ndarray
    """Truly alone."""
    total: Any
    """All rows."""
    multilabel: bool

    @property
    def predicted(self) -> np.ndarray:
        return self.hits + self.false

    @property
    def truly(self) -> np.ndarray:
        return self.hits + self.missed

    def of(self, wanted: list[Any]) -> "Sums":
        """Return the sums of the wanted labels, 0 for one that does not occur."""
        place = {label: i for i, label in enumerate(self.labels)}
        columns = np.array([place.get(label, -1) for label in wanted])

        def chosen(part: np.ndarray) -> np.ndarray:
            sums = part[columns]
            sums[columns < 0] = 0
            return sums

        parts = chosen(self.hits), chosen(self.false), chosen(self.missed)
        return Sums(wanted, *parts, self.total, self.multilabel)

    def selected(self, labels: Any) -> "Sums":
        """Return the sums of the caller's `labels`, all if None."""
        if labels is None:
            return self
        if self.multilabel:
            return self.of(wanted_columns(labels, len(self.labels)).tolist())
        return self.of(wanted_labels(labels, self.labels))


def label_sums(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
    """Count labels in one pass, or add up the weights of their rows; several scorers of one call share it."""
    return counted_once(_label_sums, y_true, y_pred, sample_weight)


def _label_sums(y_true: Any, y_pred: Any, sample_weight: Any) -> Sums:
    if multilabel := are_indicators(y_true, y_pred):
        both = Indicators(y_true, y_pred)
        weights = None if sample_weight is None else weights_of(sample_weight, both.rows)
        found = list(range(both.columns))
        rows = both.rows
        sums = both.label_sums(None if weights is None else weights.astype(np.float64))
    elif sample_weight is None:
        weights = None
        found, sums = count(_core.count_labels, y_true, y_pred, False)
        rows = len(y_true)
    else:
        y_true, y_pred = plain_pair(y_true, y_pred)
        rows = len(y_true)
        weights = weights_of(sample_weight, rows)
        found, sums = count(_core.weigh_labels, y_true, y_pred, False, weights.astype(np.float64))
    if weights is None and not multilabel and not sums[0].any():
        # NumPy has nothing to count then, and scikit-learn goes on with zeros that are floats.
        sums = sums.astype(np.float64)
    hits = sums[0]
    total = rows if weights is None else np.sum(weights)
    return Sums(found, hits, sums[1] - hits, sums[2] - hits, total, multilabel)


def row_sums(y_true: Any, y_pred: Any, labels: Any, sample_weight: Any) -> tuple[Sums, np.ndarray | None]:
    """Count the labels of each row, for scores of samples; the weights come along."""
    if not are_indicators(y_true, y_pred):
        raise Foreign("samples of one label each")
    both = Indicators(y_true, y_pred)
    if labels is not None:
        both.select(wanted_columns(labels, both.columns))
    sums = both.row_sums()
    if sample_weight is None:
        weights, total = None, both.columns
    else:
        weights = weights_of(sample_weight, both.rows)
        if weights.dtype.kind == "f" and weights.dtype != np.float64:
            raise Foreign(f"weights of {weights.dtype}")
        sums, total = sums * weights, weights * both.columns
    hits = sums[0]
    return Sums(list(range(both.rows)), hits, sums[1] - hits, sums[2] - hits, total, True), weights


def wanted_columns(labels: Any, columns: int) -> np.ndarray:
    """Return the caller's `labels` of rows of several labels."""
    try:
        wanted = np.asarray(labels)
    except ValueError as error:
        raise Foreign("labels of ragged lists") from error
    if not (wanted.ndim == 1 and wanted.size and wanted.dtype.kind in "iu"):
        raise Foreign("labels that are not a list of column numbers")
    if wanted.min() < 0 or wanted.max() >= columns:
        raise Foreign("labels that no column has")
    return wanted
