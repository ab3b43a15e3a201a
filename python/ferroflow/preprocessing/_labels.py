"""Labels and targets, as the core reads them."""

import sys
from typing import Any, NamedTuple

import numpy as np

from ferroflow import _core
from ferroflow._bridge.sklearn_compat import is_dispatched
from ferroflow.preprocessing._categories import OBJECT, Column, NotPlain, array_column, pandas_column

MOST_ROWS = 2**32 - 1
"""Rows have 32-bit numbers in the core."""


def plain_labels(y: Any) -> np.ndarray:
    """Return y as the 1-d array that it is, or that a pandas Series holds.

    Raises
    ------
    NotPlain
        For anything else, and for other types than numbers, booleans and texts.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and type(y) is pandas.Series and isinstance(y.dtype, np.dtype):
        y = y.to_numpy()
    if type(y) is not np.ndarray or y.ndim != 1 or not 0 < len(y) <= MOST_ROWS:
        raise NotPlain("labels that are not a plain 1-d array")
    dtype = y.dtype
    plain = dtype.kind in "biuOU" or (dtype.kind == "f" and dtype.itemsize in (4, 8))
    if not plain or not dtype.isnative or not y.flags.aligned or dtype.itemsize == 0:
        raise NotPlain(f"labels of the dtype {dtype}")
    return y


def as_array(y: Any) -> Any:
    """Return lists, and columns of pandas and polars, as NumPy's array of them if scikit-learn does so too; else y itself."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if type(y) is list or (polars is not None and type(y) is polars.Series and not y.null_count()):
        try:
            return np.asarray(y)
        except ValueError:  # lists of lists, which scikit-learn refuses
            return y
    if pandas is not None and type(y) is pandas.Series:
        array = np.asarray(y)
        if is_nullable(y) and array.dtype.kind in "biuf":
            return array.astype(np.float64)  # as scikit-learn does, except of several classes
        return array if isinstance(y.dtype, np.dtype) or array.dtype.kind == "O" else y
    return y


def is_nullable(y: Any) -> bool:
    """Is y a pandas column of nullable or of Arrow's numbers or booleans?"""
    return hasattr(getattr(y, "dtype", None), "numpy_dtype")


def classes_of(y: np.ndarray) -> _core.Classes:
    """Return the class of each row of :func:`plain_labels`.

    Raises
    ------
    NotPlain
        For NaN, infinities, and objects that are not ``str``.
    """
    if y.dtype.kind == "U":
        return _core.text_classes(np.ascontiguousarray(y).view(np.uint32).reshape(len(y), -1))
    classes = _core.label_classes(y)
    if classes is None:
        raise NotPlain("labels that are neither finite numbers nor texts")
    return classes


def label_column(y: Any) -> Column:
    """Return labels of any kind as a column that the core can read.

    Raises
    ------
    NotPlain
        For others than 1-d arrays and columns of pandas, polars and pyarrow.
    """
    module = type(y).__module__.partition(".")[0]
    if is_dispatched(y):
        raise NotPlain("another library's arrays, computed on there")
    if type(y) is np.ndarray and y.ndim == 1 and y.size:
        return array_column(y)
    if module == "pandas" and getattr(y, "ndim", 0) == 1 and hasattr(y, "iloc") and len(y):
        column = pandas_column(y, sys.modules["pandas"])
        if column is not None:
            return column
    if module in ("polars", "pyarrow") and hasattr(y, "__arrow_c_stream__") and len(y):
        # NumPy makes fixed-width strings of polars' texts, and objects where some are null, or of pyarrow's.
        is_fixed = module == "polars" and y.dtype == sys.modules["polars"].String and not y.null_count()
        try:
            return Column(_core.ArrowColumn(y, False), np.dtype(str) if is_fixed else OBJECT)
        except TypeError:
            pass
    raise NotPlain("labels that are not a plain 1-d array")


class Classes(NamedTuple):
    """A target of classes: its `kind` as scikit-learn's ``type_of_target`` names it, each row's class, and a label of
    each class in ascending order."""

    kind: str
    rows: "_core.Classes"
    labels: np.ndarray


def _is_whole(y: np.ndarray) -> bool:
    """Do the first rows of floats look like labels?"""
    first = y[:1024]
    return bool((np.trunc(first) == first).all())


def read_target(y: Any, kind: str) -> Classes | np.ndarray:
    """Read a target of a kind: "binary", "multiclass", "continuous", or "auto" for what it looks like.

    Numbers come as float64.

    Raises
    ------
    NotPlain
        Where scikit-learn has to look, or to word an error.
    """
    y = plain_labels(y)
    is_float = y.dtype.kind == "f"
    if kind == "continuous" or (is_float and not _is_whole(y)):
        return _continuous(y, kind)
    classes = classes_of(y)
    if not classes.whole:
        return _continuous(y, kind)
    n = len(classes)
    found = "binary" if n <= 2 else "multiclass"
    if kind not in ("auto", found):
        raise NotPlain(f"a target that is {found}, not {kind}")
    if len(y) > 20 and n > round(0.5 * len(y)):
        raise NotPlain("nearly as many classes as rows")  # of which some versions of scikit-learn warn
    return Classes(found, classes, y[classes.firsts()])


def _continuous(y: np.ndarray, kind: str) -> np.ndarray:
    if kind in ("binary", "multiclass") or y.dtype.kind not in "iuf":
        raise NotPlain("a target of another type than asked for")
    values = np.ascontiguousarray(y, dtype=np.float64)
    if y.dtype.kind == "f" and not np.isfinite(values).all():
        raise NotPlain("NaN or infinities in the target")
    return values
