"""New arrays, large ones in memory that earlier ones gave back."""

from math import prod
from typing import Any, Literal

import numpy as np

from ferroflow import _core

_LARGE = 4 << 20  # bytes, as the core has it


def empty(shape: tuple[int, ...], dtype: Any, order: Literal["C", "F"] = "C") -> np.ndarray:
    """Return what ``numpy.empty`` does, but not in memory that the system must clear first."""
    dtype = np.dtype(dtype)
    if prod(shape) * dtype.itemsize < _LARGE:
        return np.empty(shape, dtype, order)
    return _core.empty(shape, dtype, order)


def release_memory() -> None:
    """Give the system what is kept for new arrays: at most 256 MB, which it also takes itself when it is short."""
    _core.release_memory()
