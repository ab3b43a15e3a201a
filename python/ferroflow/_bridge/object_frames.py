"""Tables of texts as object arrays, without scikit-learn's validation."""

import sys
from typing import Any

import numpy as np

OBJECT = np.dtype(object)


def is_object_matrix(X: object) -> bool:
    """Is X a 2-d object ndarray with at least a row and a column?"""
    return type(X) is np.ndarray and X.ndim == 2 and X.dtype == OBJECT and X.size > 0


def objects_of_frame(X: Any) -> np.ndarray | None:
    """Return the object array that NumPy makes of a pandas frame of object and ``str`` columns; None for others.

    Columns of pandas' ``str`` share one object for equal texts, which saves most of the time.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or type(X) is not pandas.DataFrame or X.size == 0:
        return None
    kinds = [_kind(pandas, dtype) for dtype in X.dtypes]
    if "" in kinds:
        return None
    if "text" not in kinds:
        return X.to_numpy()
    out = np.empty(X.shape, dtype=object, order="F")
    for j, kind in enumerate(kinds):
        column = X.iloc[:, j]
        if kind == "text":
            codes, texts = column.factorize()
            out[:, j] = np.append(np.asarray(texts, dtype=object), np.nan)[
                codes
            ]  # a missing one has the code -1
        else:
            out[:, j] = column.to_numpy()
    return out


def _kind(pandas, dtype) -> str:
    if dtype == OBJECT:
        return "object"
    missing = getattr(dtype, "na_value", None)
    is_text = isinstance(dtype, pandas.StringDtype) and isinstance(missing, float)
    return "text" if is_text else ""
