"""What splitters share: how many rows there are, and the classes of labels."""

import numpy as np
from sklearn.utils import indexable

from ferroflow import _core
from ferroflow._bridge.sklearn_compat import num_samples

MOST_ROWS = 2**32 - 1
"""Rows have 32-bit numbers in the core; NumPy draws otherwise above."""


def row_count(X, y, groups):
    """Return the number of rows, checked as scikit-learn checks it."""
    if groups is None and _is_array(X) and (y is None or (_is_array(y) and len(y) == len(X))):
        return len(X)
    X, y, groups = indexable(X, y, groups)
    return num_samples(X)


def classes_of(y) -> _core.Classes | None:
    """Return the class of each row, or None if these labels are not the core's to read.

    Parameters
    ----------
    y : object
        Read if it is a 1-d array of numbers, booleans, fixed-width strings or ``str`` objects.
    """
    if type(y) is not np.ndarray or y.ndim != 1 or not 0 < len(y) <= MOST_ROWS:
        return None
    if not (y.dtype.isnative and y.flags.aligned):
        return None
    if y.dtype.kind == "U":
        if y.dtype.itemsize == 0:
            return None
        return _core.text_classes(np.ascontiguousarray(y).view(np.uint32).reshape(len(y), -1))
    return _core.label_classes(y)


def _is_array(X):
    return type(X) is np.ndarray and X.ndim > 0
