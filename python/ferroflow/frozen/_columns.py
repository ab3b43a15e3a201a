"""Tables of any kind as named columns, without importing the library that they come from."""

from numbers import Number
from types import NoneType
from typing import Any

import numpy as np

NUMERIC = "biuf"


def names_of(X: Any) -> list[str] | None:
    """Return the column names of a frame (pandas, polars, pyarrow); None for an array, or if not all are texts."""
    names = getattr(X, "column_names", None)
    if names is None:
        names = getattr(X, "columns", None)
    names = None if names is None else list(names)
    return names if names is not None and all(isinstance(name, str) for name in names) else None


def rows_of(X: Any) -> np.ndarray:
    """Return an array, or rows given as lists or tuples, as an array whose numbers and texts stay what they are.

    Raises
    ------
    ValueError
        X is one bare row, given as a list or a tuple of cells.
    """
    if isinstance(X, list | tuple) and X and all(isinstance(cell, str | Number | NoneType) for cell in X):
        raise ValueError("one row is given in a list of rows, [row], or as a dict {column: value}")
    array = np.asarray(X)
    return np.asarray(X, dtype=object) if array.dtype.kind == "U" and array is not X else array


def columns_of(X: Any) -> tuple[list[str] | None, list[np.ndarray]]:
    """Return the names (None for an array) and the columns of a frame or a 2-d array, as arrays.

    Raises
    ------
    TypeError
        X is sparse.
    ValueError
        X is an array with other than two dimensions.
    """
    names, columns = own_columns_of(X)
    return names, [array_of(column) for column in columns]


def own_columns_of(X: Any) -> tuple[list[str] | None, list[Any]]:
    """Return what `columns_of` returns, but a frame's columns as they are."""
    names = names_of(X)
    if names is not None:
        return names, [X[name] for name in names]
    if hasattr(X, "tocsr"):
        raise TypeError("a sparse matrix cannot be taken as rows of a frozen model; pass X.toarray()")
    if hasattr(X, "iloc"):  # a frame whose columns have no texts as names: by order
        return None, [X.iloc[:, j] for j in range(X.shape[1])]
    X = rows_of(X)
    if X.ndim != 2:
        raise ValueError(
            f"a table with two dimensions is needed, found {X.ndim}; X.reshape(1, -1) makes one row"
        )
    return None, [X[:, j] for j in range(X.shape[1])]


def array_of(column: Any) -> np.ndarray:
    """Return a column as an array; pandas' nullable numbers as objects."""
    if hasattr(column, "to_numpy") and getattr(getattr(column, "dtype", None), "kind", "") in tuple(NUMERIC):
        dtype = column.dtype
        if not isinstance(dtype, np.dtype):  # pandas' nullable numbers: NA as None, types kept
            return np.asarray(column.astype(object), dtype=object)
    return np.asarray(column)
