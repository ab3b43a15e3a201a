"""Object arrays of other values than texts: all int, all float, all bool or all bytes."""

from collections.abc import Callable
from typing import Any

import numpy as np

BACK: dict[type, Callable[[Any], Any]] = {
    int: int,
    float: float,
    bool: bool,
    bytes: lambda text: text.encode("latin-1"),
}
"""From what the core reads to the objects that it stands for."""


def kind_of(values: Any) -> type | None:
    """Return the type of an object array's first value that is not NaN, if such arrays can be read."""
    if type(values) is not np.ndarray or values.dtype != object:
        return None
    kind = type(next((v for v in values if v == v), None))
    return kind if kind in BACK else None


def read_objects(values: np.ndarray, kind: type) -> np.ndarray | None:
    """Return objects of one type as an array that the core reads; None if one is of another type, or too large."""
    objects = values.tolist()
    if set(map(type, objects)) != {kind}:
        return None
    if kind is bytes:
        out = np.empty(len(objects), dtype=object)
        out[:] = [v.decode("latin-1") for v in objects]  # bytes sort as the code points that they become
        return out
    try:
        return np.array(objects, dtype={int: np.int64, float: np.float64, bool: np.uint8}[kind])
    except OverflowError:
        return None


def as_objects(values: np.ndarray, kind: type) -> np.ndarray:
    """Return values that the core gave as objects of their type."""
    out = np.empty(len(values), dtype=object)
    out[:] = [BACK[kind](v) for v in values.tolist()]
    return out
