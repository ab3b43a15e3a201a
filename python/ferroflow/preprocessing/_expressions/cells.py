"""A table's columns as the cells of expressions: numbers with NaN, or texts, missing or not."""

import sys
from typing import Any

import numpy as np

from ferroflow import _core
from ferroflow.frozen._columns import array_of
from ferroflow.preprocessing._expressions.parse import NUMBER, TEXT

Cells = np.ndarray | _core.ArrowColumn


def cells_of(name: str, column: Any, kind: str | None = None) -> Cells:
    """Return float64 numbers, or texts; of the kind that is needed, or else the kind of the cells.

    Raises
    ------
    TypeError
        The column has cells of several kinds, of another kind, or of a type that is neither number nor text.
    ValueError
        A text is not valid Unicode.
    """
    if kind != NUMBER and (texts := _arrow_texts(column)) is not None:
        return texts
    column = array_of(column)
    if column.dtype.kind in "biuf":
        if kind == TEXT and not (column.dtype.kind == "f" and np.isnan(column).all()):
            raise TypeError(f"column {name!r} holds numbers, and held texts when the expressions were read")
        if kind != TEXT:
            return np.ascontiguousarray(column, dtype=np.float64)
        column = np.full(len(column), None, dtype=object)
    if column.dtype.kind not in "OUT":
        raise TypeError(
            f"column {name!r} has the type {column.dtype}; expressions take numbers and texts (dates as ISO texts)"
        )
    if column.dtype.kind != "O":
        column = column.astype(object)
    if kind != NUMBER and (texts := _core.ArrowColumn.of_objects(column)) is not None:
        return texts
    cells = [None if _is_missing(cell) else cell for cell in column.tolist()]
    there = [cell for cell in cells if cell is not None]
    if kind != NUMBER and all(isinstance(cell, str) for cell in there):
        cells = [None if cell is None else str(cell) for cell in cells]
        texts = _core.ArrowColumn.of_objects(np.array(cells, dtype=object))
        if texts is None:
            raise ValueError(
                f"column {name!r} has a text that is not valid Unicode (it holds half a surrogate pair)"
            )
        return texts
    if kind == TEXT or any(isinstance(cell, str) for cell in there):
        needed = f"{kind}s" if kind else "cells of one kind"
        raise TypeError(f"column {name!r} must have {needed}: texts or numbers")
    try:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"column {name!r} has cells that are neither numbers nor texts") from None


def kind_of(cells: Cells) -> str:
    return NUMBER if isinstance(cells, np.ndarray) else TEXT


def _arrow_texts(column: Any) -> "_core.ArrowColumn | None":
    """Return a column of Arrow's texts, as pandas, polars and pyarrow have them, without a copy; else None."""
    module = type(column).__module__.partition(".")[0]
    if module == "pandas" and getattr(column.dtype, "storage", None) == "pyarrow":
        column = column.array.__arrow_array__()
    elif module not in ("polars", "pyarrow") or str(getattr(column, "dtype", "")) in ("Categorical", "Enum"):
        return None
    try:
        texts = _core.ArrowColumn(column, False)
    except (AttributeError, TypeError):
        return None
    return None if texts.dictionary else texts


def _is_missing(cell: Any) -> bool:
    return (
        cell is None
        or (isinstance(cell, float) and cell != cell)
        or type(cell).__name__ in ("NAType", "NaTType")
    )


def texts_like(X: Any, texts: "_core.ArrowColumn") -> Any:
    """Return texts as a column for a frame or an array of X's kind, with what it has for missing ones."""
    module = type(X).__module__.partition(".")[0]
    if module == "polars":
        return sys.modules["polars"].Series(texts)
    if module == "pyarrow":
        return sys.modules["pyarrow"].array(texts)
    if module == "pandas" and (strings := _pandas_strings(texts)) is not None:
        return strings
    # NaN is what scikit-learn's imputers look for.
    return np.array([np.nan if text is None else text for text in texts.tolist()], dtype=object)


def _pandas_strings(texts: "_core.ArrowColumn") -> Any:
    """Return pandas' own strings, where these are what it makes of texts; else None."""
    pandas = sys.modules["pandas"]
    if int(pandas.__version__.partition(".")[0]) < 3:
        return None
    try:
        import pyarrow
    except ImportError:
        return pandas.array(texts.tolist(), dtype="str")
    return pandas.array(pyarrow.array(texts), dtype="str")
