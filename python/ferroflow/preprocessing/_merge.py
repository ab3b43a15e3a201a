"""Categories and classes of two fits, taken together."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ferroflow._bridge.merging import check_same_columns
from ferroflow._bridge.sklearn_compat import unique_values


def united(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sorted values of both, and the place of each of a's and of b's among them.

    Raises
    ------
    ValueError
        If one holds numbers and the other texts.
    """
    if a is b or (a.dtype == b.dtype and len(a) == len(b) and all(map(_same, a, b))):
        places = np.arange(len(a))
        return a, places, places
    if not len(a) or not len(b):
        return (b if len(b) else a), np.arange(len(a)), np.arange(len(b))
    if (a.dtype.kind in "biuf") != (b.dtype.kind in "biuf"):
        raise ValueError(f"Cannot merge categories of the types {a.dtype} and {b.dtype}.")
    if a.dtype.kind != b.dtype.kind and "O" in (a.dtype.kind, b.dtype.kind):
        a, b = a.astype(object), b.astype(object)
    values, places = unique_values(np.concatenate([a, b]))
    return values, places[: len(a)], places[len(a) :]


def _same(x: Any, y: Any) -> bool:
    return x is y or bool(x == y) or bool(x != x and y != y)


def spread(table: np.ndarray, places: np.ndarray, n: int) -> np.ndarray:
    """Return `n` rows, zeros but for those of `table` at their `places`."""
    out = np.zeros((n, *table.shape[1:]), dtype=table.dtype)
    out[places] = table
    return out


def add_counts(pairs: list, mine: list, yours: list) -> list[np.ndarray]:
    """Return how often both saw each of the :func:`united` categories, column by column."""
    return [
        spread(a, here, len(values)) + spread(b, there, len(values))
        for (values, here, there), a, b in zip(pairs, mine, yours, strict=True)
    ]


def check_mergeable(self: Any, other: Any) -> None:
    """Raise unless both are fitted, of one class, on the same columns."""
    check_is_fitted(self)
    if not isinstance(other, type(self)):
        raise TypeError(f"Cannot merge a {type(self).__name__} and a {type(other).__name__}.")
    check_same_columns(self, other, "fits")
    names, theirs = getattr(self, "feature_names_in_", None), getattr(other, "feature_names_in_", None)
    if names is not None and theirs is not None and list(names) != list(theirs):
        raise ValueError("Cannot merge fits of columns with other names; fit both on the same columns.")
