"""The columns of a frame as arrays, one by one and without a copy."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ferroflow._bridge.fast_path import FLOATS

ColumnOf = Callable[[int], Any]


def column_reader(X: Any) -> ColumnOf | None:
    """Return what gives a column's values (an ndarray, or pandas' own kind of array); None for other containers."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and type(X) is pandas.DataFrame:
        # pandas' own short cut; `iloc` makes a Series of each column, which takes ten times as long.
        return getattr(X, "_get_column_array", None) or (lambda j: X.iloc[:, j].array)
    if polars is not None and type(X) is polars.DataFrame:
        return lambda j: _numbers_of(X.to_series(j))
    return None


def _numbers_of(series: Any) -> Any:
    """A polars column as an array if it is one of numbers, else as it is."""
    return series.to_numpy() if series.dtype.is_numeric() else series


def float_columns(X: Any) -> np.ndarray | list[np.ndarray] | None:
    """Return a frame of float64 or of float32 as the core takes it: its columns, or one array of them; None for others.

    Copied is only what does not lie there: missing values of a polars column, which become NaN.
    """
    column = column_reader(X)
    rows, width = X.shape if column is not None else (0, 0)
    if column is None or rows == 0 or width == 0:
        return None
    first = column(0)
    # scikit-learn makes float64 of polars' float32.
    floats = FLOATS if hasattr(X, "iloc") else FLOATS[:1]
    if type(first) is not np.ndarray or first.dtype not in floats:
        return None
    columns = [first, *(column(j) for j in range(1, width))]
    if not all(type(part) is np.ndarray and part.dtype == first.dtype and part.ndim == 1 for part in columns):
        return None
    if width == 1:
        return first.reshape(-1, 1)  # whose rows are shared among threads
    # pandas keeps an array of rows as it is; its columns would be read a cache line for each value.
    apart = all(part.strides[0] == part.itemsize for part in columns)
    return columns if apart or rows == 1 else np.asarray(X)


def block_of(
    column: ColumnOf, places: list[int], rows: int, *, texts: bool, mixed: bool
) -> np.ndarray | None:
    """Return columns of numbers as one array of their common type, or, if `texts`, columns of texts as objects.

    Only if `mixed` may the numbers be of several types.

    None where scikit-learn might make another array of them.
    """
    parts = [column(j) for j in places]
    if all(type(part) is np.ndarray and part.ndim == 1 for part in parts):
        dtypes = {part.dtype for part in parts}
        kinds = {dtype.kind for dtype in dtypes}
        if len(dtypes) > 1 and not mixed:
            return None
        if kinds <= set("fiu") or kinds == {"b"}:
            dtype = dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes)
        elif texts and kinds == {"O"}:
            dtype = np.dtype(object)
        else:
            return None
    elif texts and all(_is_text(part) for part in parts):
        dtype, parts = np.dtype(object), [np.asarray(part, dtype=object) for part in parts]
    else:
        return None
    # By column, as a frame lies: interleaving many rows takes longer than what is done with them.
    out = np.empty((rows, len(parts)), dtype=dtype, order="F")
    for k, part in enumerate(parts):
        out[:, k] = part
    return out


def _is_text(part: Any) -> bool:
    """Objects, or pandas' texts whose missing value is NaN."""
    if type(part) is np.ndarray:
        return part.dtype.kind == "O"
    dtype = getattr(part, "dtype", None)
    return getattr(dtype, "name", "") == "str" and isinstance(getattr(dtype, "na_value", None), float)
