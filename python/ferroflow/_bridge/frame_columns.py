"""The columns of a frame as arrays, one by one and without a copy; and frames made of arrays."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ferroflow import _core
from ferroflow._bridge.fast_path import FLOATS, is_plain_float_matrix, is_whole_matrix
from ferroflow._bridge.fresh import empty
from ferroflow._bridge.sklearn_compat import (
    assume_finite,
    check_feature_names,
    dense_output,
    wrap_output,
)


class Mixed(list[tuple[np.ndarray, np.ndarray | None]]):
    """Columns of numbers of several types, which the core reads as float64: values, and bytes that mark missing ones or None."""

    exact: np.dtype | None = None
    """The type of scikit-learn's array of them where it is asked for none; None where some are bool."""


Floats = np.ndarray | list[np.ndarray] | Mixed | _core.ArrowNumbers
"""A table of floats as the core takes it: an array, or a frame's columns."""
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


def float_columns(X: Any) -> Floats | None:
    """Return a frame of float64 or of float32 as the core takes it: its columns, or one array of them; None for others.

    Copied is only what does not lie there: missing values of a polars column, which become NaN.
    """
    if (table := _arrow_floats(X)) is not None:
        return table
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


def _arrow_floats(X: Any) -> "_core.ArrowNumbers | None":
    """A polars frame of float64 at once, which takes less time than its columns one by one; None for others."""
    polars = sys.modules.get("polars")
    if polars is None or type(X) is not polars.DataFrame or X.width == 0 or X.height == 0:
        return None
    if X.width == 1 and X.n_chunks() == 1 and not X.to_series(0).null_count():
        return None  # rather an array, whose rows are shared among threads
    double = polars.Float64
    # By identity: polars' own comparison takes as long as a column does.
    plain = all(type(dtype) is double or dtype is double for dtype in X.dtypes)
    return _arrow_numbers(X) if plain else None


def _arrow_numbers(X: Any) -> "_core.ArrowNumbers | None":
    try:
        return _core.ArrowNumbers(X)
    except (TypeError, AttributeError):  # not all numbers, or of a library too old for Arrow's streams
        return None


def _arrow_mixed(X: Any) -> "_core.ArrowNumbers | None":
    """A frame whose numbers Arrow hands over: of polars, a pyarrow table, or one of pandas' own on Arrow; None for others."""
    pandas, polars, pyarrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if polars is not None and type(X) is polars.DataFrame:
        plain = all(dtype.is_numeric() for dtype in X.dtypes)
    elif pyarrow is None:
        return None
    elif type(X) is pyarrow.Table:
        plain = True
    elif pandas is not None and type(X) is pandas.DataFrame:
        plain = all(isinstance(dtype, pandas.ArrowDtype) for dtype in X.dtypes)
        if plain and 0 not in X.shape:
            # pandas' own stream has the index too.
            arrays = [X.iloc[:, j].array.__arrow_array__() for j in range(X.shape[1])]
            X = pyarrow.table(arrays, [str(j) for j in range(len(arrays))])
    else:
        return None
    return _arrow_numbers(X) if plain and 0 not in X.shape else None


def mixed_columns(X: Any) -> "Mixed | _core.ArrowNumbers | None":
    """Return the columns of a frame of numbers that scikit-learn makes float64 of; None for others."""
    table = _arrow_mixed(X)
    return table if table is not None else numpy_columns(X)


def numpy_columns(X: Any) -> Mixed | None:
    """The same by NumPy's arrays, which have the types of scikit-learn's, for frames of polars of one type only."""
    column = column_reader(X)
    if not hasattr(X, "iloc") and len(set(X.dtypes if column is not None else ())) > 1:
        return None
    if column is None or 0 in X.shape:
        return None
    columns = Mixed()
    for j in range(X.shape[1]):
        values, marks = column(j), None
        if type(values) is not np.ndarray:  # pandas' own
            values, marks = getattr(values, "_data", None), getattr(values, "_mask", None)
            if type(values) is not np.ndarray or type(marks) is not np.ndarray or not _is_column(marks):
                return None
            marks = marks.view(np.uint8)
        if not _is_column(values):
            return None
        columns.append((values, marks))
    dtypes = {values.dtype for values, _ in columns}
    if all(marks is None for _, marks in columns):
        columns.exact = np.result_type(*dtypes)
        if columns.exact == FLOATS[1] and hasattr(X, "iloc"):
            return None  # pandas' stay float32
    else:
        columns.exact = FLOATS[0]
    if np.dtype(bool) in dtypes:
        columns.exact = None
        columns[:] = [(v.view(np.uint8) if v.dtype.kind == "b" else v, marks) for v, marks in columns]
    return columns


def _is_column(x: np.ndarray) -> bool:
    """Do its values lie one after the other, as the core reads them? Others would be read a cache line for each value."""
    dtype = x.dtype
    return (
        x.ndim == 1
        and dtype.kind in "iufb"
        and dtype.isnative
        and (dtype.kind != "f" or dtype in FLOATS)
        and x.flags.c_contiguous
        and x.flags.aligned
    )


def float_table(X: Any) -> Floats | None:
    """X as the core takes it without validation: itself if a plain array, the columns of a frame; None for others."""
    if is_plain_float_matrix(X) or is_whole_matrix(X):
        return X
    if type(X) is np.ndarray:
        X = X.view(np.uint8) if X.dtype.kind == "b" else None
        return X if is_whole_matrix(X) else None
    table = float_columns(X)
    return mixed_columns(X) if table is None else table


def finite_table(X: Any) -> Floats | None:
    """What :func:`float_table` gives where no infinity is in it, or nobody will look for one; None otherwise."""
    table = float_table(X)
    if table is None or assume_finite() or _is_whole(table):
        return table
    return None if _core.column_extrema(table)[2] else table


def _is_whole(table: Floats) -> bool:
    return isinstance(table, np.ndarray) and table.dtype.kind != "f"


def finite_or_nan(X: Any) -> bool | str:
    """What to tell scikit-learn's validation of `ensure_all_finite` where NaN is allowed.

    That is False where X was found without infinities here: scikit-learn makes a mask of a byte a value to look for them
    once there is a NaN. Otherwise "allow-nan", so that it words the error.
    """
    return False if assume_finite() or finite_table(X) is not None else "allow-nan"


def rows_of(table: Floats) -> int:
    """How many rows a :func:`float_table` has."""
    if isinstance(table, Mixed):
        return len(table[0][0])
    return len(table[0] if isinstance(table, list) else table)


def dtype_of(table: Floats) -> np.dtype:
    """The type of its values, as the core reads them."""
    if isinstance(table, Mixed | _core.ArrowNumbers) or _is_whole(table):
        return FLOATS[0]
    first: Any = table[0] if isinstance(table, list) else table
    return first.dtype


def labels_of(X: Any) -> list[str] | None:
    """The labels of a frame of pandas, polars or pyarrow if all are texts, no two of them equal; None for others."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and type(X) is pandas.DataFrame:
        labels = X.columns.tolist()
        plain = set(map(type, labels)) == {str} and len(set(labels)) == len(labels)
        return labels if plain else None
    if polars is not None and type(X) is polars.DataFrame:
        return X.columns or None
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and type(X) is pyarrow.Table:
        names = X.column_names
        return names if names and len(set(names)) == len(names) else None
    return None


def learn_names(estimator: Any, X: Any) -> None:
    """What scikit-learn's ``check_feature_names(reset=True)`` does, without looking for the frame's library."""
    labels = labels_of(X)
    if labels is None:
        check_feature_names(estimator, X, reset=True)
    else:
        estimator.feature_names_in_ = np.array(labels, dtype=object)


def agrees(fitted: dict[str, Any], X: Any) -> bool:
    """Has X, an array or a frame, the columns that were fitted on, so that scikit-learn has nothing to say of them?"""
    names = fitted.get("feature_names_in_")
    if X.shape[1] != fitted["n_features_in_"]:
        return False
    if type(X) is np.ndarray:
        return names is None
    # By the type's module: a frame may have a column of any name.
    is_arrow = type(X).__module__.startswith("pyarrow")
    columns = X.column_names if is_arrow else list(X.columns)
    return all(type(c) is int for c in columns) if names is None else columns == names.tolist()


def framed(out: np.ndarray, X: Any, estimator: Any, same_names: bool = False) -> Any:
    """Return the transform of X in the container that the estimator's settings ask for.

    Has it the `same_names` as X, the estimator, which takes its time, need not be asked for them.
    """
    wish = dense_output(estimator)
    if wish == "default":
        return out
    if wish == "polars" and out.dtype == FLOATS[0] and out.flags.f_contiguous and out.size:
        polars = sys.modules.get("polars")
        if polars is not None and hasattr(polars.DataFrame, "__arrow_c_stream__"):
            # Without a copy; of a NumPy array polars makes its columns one by one.
            names = estimator.__dict__.get("feature_names_in_") if same_names else None
            names = estimator.get_feature_names_out() if names is None else names
            return polars.DataFrame(_core.ArrowFrame(out, names.tolist()))
    return wrap_output("transform", out, X, estimator)


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
    out = empty((rows, len(parts)), dtype, "F")
    for k, part in enumerate(parts):
        out[:, k] = part
    return out


def _is_text(part: Any) -> bool:
    """Objects, or pandas' texts whose missing value is NaN."""
    if type(part) is np.ndarray:
        return part.dtype.kind == "O"
    dtype = getattr(part, "dtype", None)
    return getattr(dtype, "name", "") == "str" and isinstance(getattr(dtype, "na_value", None), float)
