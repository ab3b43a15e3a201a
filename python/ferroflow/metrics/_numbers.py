"""Numbers, scores and weights as the core takes them: plain NumPy arrays of any layout."""

import sys
from typing import Any

import numpy as np

from ferroflow.metrics._rust_first import Foreign

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def as_numbers(x: Any) -> np.ndarray:
    """Return the array that scikit-learn would make of numbers."""
    kind = type(x)
    if kind is np.ndarray:
        return x
    if kind is list or kind is tuple:
        try:
            array = np.asarray(x)
        except (ValueError, OverflowError) as error:
            raise Foreign("ragged lists") from error
    elif (pandas := sys.modules.get("pandas")) and (kind is pandas.Series or kind is pandas.DataFrame):
        dtypes = (x.dtype,) if kind is pandas.Series else x.dtypes
        if not all(isinstance(dtype, np.dtype) for dtype in dtypes):
            raise Foreign("columns of pandas' own types")
        array = x.to_numpy()
    elif (polars := sys.modules.get("polars")) and kind is polars.Series:
        array = x.to_numpy()
    else:
        raise Foreign(f"numbers of type {kind.__name__}")
    if array.dtype.kind not in "iuf":
        raise Foreign("lists or columns of other things than numbers")
    return array


def as_weights(weights: Any) -> np.ndarray | None:
    """Return sample weights as an array of one dimension; their values are looked at where they are added up."""
    if weights is None:
        return None
    array = as_numbers(weights)
    if array.ndim != 1:
        raise Foreign("weights that are not a column")
    return array
