"""What marks missing values, as the Rust core takes it."""

import numpy as np

from ferroflow import _core
from ferroflow._bridge.sklearn_compat import get_mask, is_pandas_na

NOT_OURS = object()
"""A marker that the core does not know."""


def float_marker(missing_values):
    """What marks missing floats: None for NaN, a number, or `NOT_OURS`."""
    kind = type(missing_values)
    if kind is float:
        if missing_values != missing_values:
            return None
        return missing_values if abs(missing_values) < 3e38 else NOT_OURS
    if kind is int:
        return float(missing_values) if abs(missing_values) < 2**53 else NOT_OURS
    return None if is_pandas_na(missing_values) else NOT_OURS


def text_marker(missing_values):
    """What marks missing objects: NaN, None, a text, or `NOT_OURS`."""
    kind = type(missing_values)
    if kind is str or missing_values is None:
        return missing_values
    return missing_values if kind is float and missing_values != missing_values else NOT_OURS


_BLOCK = 1 << 15
"""Values that are marked at a time."""


def missing_masks(X, missing_values):
    """The masks of some rows after others, each with the slice of its rows."""
    step = max(_BLOCK // max(X.shape[1], 1), 1)
    for begin in range(0, len(X), step):
        rows = slice(begin, begin + step)
        yield rows, missing_mask(X[rows], missing_values)


def missing_counts(X, missing_values) -> np.ndarray:
    """How many values are missing in each column."""
    counts = np.zeros(X.shape[1])
    for _, mask in missing_masks(X, missing_values):
        counts += mask.sum(axis=0)
    return counts


def missing_mask(X, missing_values) -> np.ndarray:
    """scikit-learn's mask of what is missing."""
    if X.dtype == object and (marker := text_marker(missing_values)) is not NOT_OURS:
        found = _core.object_missing(X, marker)
        if found is not None:
            return found[0]
    return get_mask(X, missing_values)
