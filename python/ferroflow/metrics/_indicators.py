"""Targets of several labels a row, 1 or 0 each, as the core takes them: dense arrays, or sparse ones of ones."""

import sys
from typing import Any

import numpy as np
from scipy import sparse

from ferroflow import _core
from ferroflow.metrics._rust_first import Foreign


def are_indicators(y_true: Any, y_pred: Any) -> bool:
    """Do both look like rows of several labels?"""
    return _columns(y_true) > 1 and _columns(y_pred) > 1


def _columns(y: Any) -> int:
    if type(y) is list and y and type(y[0]) is list:
        return len(y[0])
    shape: tuple[int, ...] = getattr(y, "shape", ())
    return shape[1] if len(shape) == 2 else 0


class Indicators:
    """The truth and the prediction, of one shape."""

    def __init__(self, y_true: Any, y_pred: Any) -> None:
        pair = [_plain(y) for y in (y_true, y_pred)]
        if pair[0].shape != pair[1].shape:
            raise Foreign("targets of two shapes")
        self.sparse = any(map(sparse.issparse, pair))
        if self.sparse:
            pair = [_of_ones(y) for y in pair]
        self._pair = pair
        self.rows, self.columns = pair[0].shape

    def select(self, labels: np.ndarray) -> None:
        """Leave the other labels out."""
        self._pair = [y[:, labels] for y in self._pair]
        self.columns = len(labels)

    def label_sums(self, weights: np.ndarray | None) -> np.ndarray:
        """Return, with a column for each label, the rows that both have it in, the prediction, and the truth."""
        return self._counted(weights=weights)

    def row_sums(self) -> np.ndarray:
        """Return, with a column for each row, the labels that both have, the prediction, and the truth."""
        return self._counted(by_row=True).T

    def _counted(self, **options: Any) -> np.ndarray:
        t, p = self._pair
        if self.sparse:
            counted = _core.count_sparse_indicators(_parts(t), _parts(p), self.columns, **options)
        else:
            counted = _core.count_indicators(_flat(t), _flat(p), self.columns, **options)
        if counted is None:
            raise Foreign("targets that are not rows of labels, 0 or 1 each")
        return counted


def _flat(y: np.ndarray) -> np.ndarray:
    return np.require(y, y.dtype.newbyteorder("="), ("C", "A")).reshape(-1)


def _parts(y: Any) -> tuple[np.ndarray, np.ndarray]:
    return y.indptr.astype(np.int64, copy=False), y.indices.astype(np.int32, copy=False)


def _plain(y: Any) -> Any:
    kind = type(y)
    if kind is list:
        try:
            return np.asarray(y)
        except ValueError as error:
            raise Foreign("targets of ragged lists") from error
    if (pandas := sys.modules.get("pandas")) and kind is pandas.DataFrame:
        if all(isinstance(dtype, np.dtype) for dtype in y.dtypes):
            return y.to_numpy()
    elif kind is np.ndarray or sparse.issparse(y):
        return y
    raise Foreign(f"targets of type {kind.__name__}")


def _of_ones(y: Any) -> Any:
    """`y` as CSR, if it stores each place once and 1 there."""
    if y.dtype.kind not in "biuf" or y.shape[0] == 0 or y.shape[1] > np.iinfo(np.int32).max:
        raise Foreign(f"sparse targets of {y.dtype}")
    if not sparse.issparse(y):
        y = sparse.csr_array(y)
    elif y.format in ("lil", "dok"):
        y = y.tocsr()
    rows = y.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if rows.nnz != y.nnz or not (y.data == 1).all():
        raise Foreign("sparse targets that store a place twice, or values other than 1")
    return rows
