"""A table's columns as the cells of expressions: numbers with NaN, or texts with None."""

from typing import Any

import numpy as np

from ferroflow.preprocessing._expressions.parse import NUMBER, TEXT


def cells_of(name: str, column: np.ndarray, kind: str | None = None) -> Any:
    """Return float64 numbers, or a list of texts; of the kind that is needed, or else the kind of the cells.

    Raises
    ------
    TypeError
        The column has cells of several kinds, of another kind, or of a type that is neither number nor text.
    """
    if column.dtype.kind in "biuf":
        if kind == TEXT and not (column.dtype.kind == "f" and np.isnan(column).all()):
            raise TypeError(f"column {name!r} holds numbers, and held texts when the expressions were read")
        if kind == TEXT:
            return [None] * len(column)
        return np.ascontiguousarray(column, dtype=np.float64)
    if column.dtype.kind not in "OUT":
        raise TypeError(
            f"column {name!r} has the type {column.dtype}; expressions take numbers and texts (dates as ISO texts)"
        )
    cells = [None if _is_missing(cell) else cell for cell in column.tolist()]
    there = [cell for cell in cells if cell is not None]
    if kind != NUMBER and all(isinstance(cell, str) for cell in there):
        return cells
    if kind == TEXT or any(isinstance(cell, str) for cell in there):
        needed = f"{kind}s" if kind else "cells of one kind"
        raise TypeError(f"column {name!r} must have {needed}: texts or numbers")
    try:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"column {name!r} has cells that are neither numbers nor texts") from None


def kind_of(cells: Any) -> str:
    return NUMBER if isinstance(cells, np.ndarray) else TEXT


def _is_missing(cell: Any) -> bool:
    return (
        cell is None
        or (isinstance(cell, float) and cell != cell)
        or type(cell).__name__ in ("NAType", "NaTType")
    )
