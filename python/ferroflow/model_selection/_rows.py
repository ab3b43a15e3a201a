"""What splitters share: how many rows there are, and the classes of labels and groups."""

import numpy as np
from sklearn.utils import indexable
from sklearn.utils.validation import check_array

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


def groups_of(groups) -> _core.Classes | None:
    """Return the group of each row, checked as scikit-learn checks groups; None if they are not the core's to read.

    Parameters
    ----------
    groups : object
        Read as :func:`classes_of` reads labels, and whole numbers that are objects too.
    """
    found = classes_of(groups)
    if found is None and groups is not None:
        groups = check_array(groups, input_name="groups", ensure_2d=False, dtype=None)
        found = classes_of(groups)
        if found is None and groups.dtype.kind == "O" and set(map(type, groups.flat)) <= {int, bool}:
            numbers = np.array(groups.tolist())
            if numbers.dtype.kind in "iub":  # all of them fit into 64 bits
                found = classes_of(numbers)
    return found


def classes_of_rows(y: np.ndarray) -> _core.Classes | None:
    """Return the class of each row of several labels, as scikit-learn has it: that of their texts, set beside one another.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_labels)
        Read if it has whole numbers, booleans or strings. (Equal floats may have two texts, "-0.0" and "0.0".)
    """
    if y.ndim != 2 or y.dtype.kind not in "biuUO":
        return None
    columns = [classes_of(labels) for labels in y.T]
    together = np.zeros(len(y), dtype=np.int64)
    firsts = [0]
    for column in columns:
        if column is None:
            return None
        rows = _core.label_classes(together * len(column) + column.ranks())
        if rows is None:
            return None
        together, firsts = rows.ranks().astype(np.int64), rows.firsts()
    texts = np.array([" ".join(row.astype("str")) for row in y[firsts]])
    return classes_of(np.unique(texts, return_inverse=True)[1][together])


def _is_array(X):
    return type(X) is np.ndarray and X.ndim > 0
