"""What SimpleImputer keeps of rows that it sees part by part: enough to go on, and to merge.

The mean, the most frequent value and the constants are exact, as if all rows had been there at once. The median is that
of a sketch: exact up to 4,095 values a column, and of `n` values its rank is wrong by at most
``(1 + log2(n / 4096)) / 4096`` of `n` (see :mod:`ferroflow._bridge.quantile_sketch`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ferroflow._bridge.fast_path import FLOATS
from ferroflow._bridge.frame_columns import Floats, dtype_of, rows_of
from ferroflow._bridge.quantile_sketch import counts, merge_sketches, quantiles, sketch_rows
from ferroflow.impute._markers import missing_mask

_BLOCK = 1 << 17
"""Values that are laid out, or marked, at a time."""


class Seen(NamedTuple):
    """Rows seen, missing values of each column, and what the strategy needs of the others."""

    rows: int
    missing: np.ndarray
    kept: Any


def seen_of(X: Floats, strategy: str, missing_values: Any) -> Seen:
    """Return what there is to keep of checked rows: an array, or a frame's columns."""
    rows = rows_of(X)
    if strategy == "median" and dtype_of(X) in FLOATS and missing_values != missing_values:
        sketch, _ = sketch_rows(X)  # as it is: NaN is passed over
        return Seen(rows, rows - counts(sketch), sketch)
    columns: Any = X.T if isinstance(X, np.ndarray) else X
    if strategy == "most_frequent":
        found = [_counted(column, missing_values) for column in columns]
        return Seen(rows, np.array([float(missing) for missing, _ in found]), [kept for _, kept in found])
    if strategy == "median":
        so_far: Any = None
        step = max(_BLOCK // len(columns), 1)
        for begin in range(0, rows, step):
            part = np.array([column[begin : begin + step] for column in columns]).T
            part = np.where(missing_mask(part, missing_values), np.nan, part)
            so_far, _ = sketch_rows(part.astype(np.float64, copy=False), so_far)
        return Seen(rows, rows - counts(so_far), so_far)
    X = np.asarray(columns).T
    mask = missing_mask(X, missing_values)
    kept = np.where(mask, 0, X).sum(axis=0, dtype=np.float64) if strategy == "mean" else None
    return Seen(rows, mask.sum(axis=0).astype(np.float64), kept)


def _counted(column: np.ndarray, missing_values: Any) -> tuple[int, Any]:
    """Return how many values are missing, and the others with their counts."""
    there = column[~missing_mask(column[:, np.newaxis], missing_values)[:, 0]]
    kept = Counter(there) if column.dtype == object else np.unique(there, return_counts=True)
    return len(column) - len(there), kept


def dense_parts(X: Any) -> Iterator[np.ndarray]:
    """Return sparse rows, a part at a time."""
    X = X.tocsr()
    step = max(_BLOCK // max(X.shape[1], 1), 1)
    return (X[begin : begin + step].toarray() for begin in range(0, X.shape[0], step))


def merge(a: Seen, b: Seen, strategy: str) -> Seen:
    """Return what there is to keep of the rows of both."""
    if strategy == "mean":
        kept = a.kept + b.kept
    elif strategy == "median":
        kept = merge_sketches(a.kept, b.kept)
    elif strategy == "most_frequent":
        kept = [_merge_counts(*both) for both in zip(a.kept, b.kept, strict=True)]
    else:
        kept = None
    return Seen(a.rows + b.rows, a.missing + b.missing, kept)


def statistics(seen: Seen, strategy: str, dtype: np.dtype) -> np.ndarray | None:
    """Return the statistic of each column, NaN for one without values; None for constants."""
    if strategy == "mean":
        with np.errstate(invalid="ignore"):
            return seen.kept / (seen.rows - seen.missing)
    if strategy == "median":
        return quantiles(seen.kept, np.array([0.5]))[0].astype(dtype, copy=False)
    if strategy == "most_frequent":
        out = np.empty(len(seen.kept), dtype=object if dtype.kind == "O" else np.float64)
        for j, counts in enumerate(seen.kept):
            out[j] = _most_frequent(counts)
        return out
    return None


def _merge_counts(a, b):
    if isinstance(a, Counter):
        return a + b
    values, place = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
    counts = np.bincount(place, weights=np.concatenate([a[1], b[1]]), minlength=len(values))
    return values, counts.astype(np.int64)


def _most_frequent(counts):
    """Return the most frequent value, the smallest of several, as scikit-learn does."""
    if not isinstance(counts, Counter):
        values, counts = counts
        return values[counts.argmax()] if len(values) else np.nan
    if not counts:
        return np.nan
    most = max(counts.values())
    values = [value for value, count in counts.items() if count == most]
    try:
        return min(values)
    except TypeError:
        return min(values, key=lambda value: (str(type(value)), str(value)))
