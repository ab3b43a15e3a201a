"""train_test_split on the Rust core."""

from functools import update_wrapper

import numpy as np
from sklearn import model_selection
from sklearn.utils import indexable
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow._bridge.fresh import empty
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.random_state import with_stream
from ferroflow._bridge.sklearn_compat import (
    array_api_dispatch,
    num_samples,
    safe_indexing,
    validate_params,
    validate_shuffle_split,
)
from ferroflow.model_selection._rows import MOST_ROWS, classes_of, classes_of_rows

_NAME = "train_test_split"
_theirs = model_selection.train_test_split  # under that name is ours once scikit-learn is accelerated
# Below, NumPy takes rows in less time than the three views of an array need that are handed to the core.
_SMALL = 16_384
_OWN_NAMES = ("__name__", "__qualname__", "__doc__")


def _split(*arrays, test_size=None, train_size=None, random_state=None, shuffle=True, stratify=None):
    def theirs():
        return _theirs(
            *arrays,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
            shuffle=shuffle,
            stratify=stratify,
        )

    if not arrays or (stratify is not None and shuffle is False):
        return theirs()  # scikit-learn words the error
    if not all(type(a) is np.ndarray and a.ndim and len(a) == len(arrays[0]) for a in arrays):
        if array_api_dispatch():
            note_sklearn(_NAME, "array API dispatch")
            return theirs()
        arrays = indexable(*arrays)
    n = num_samples(arrays[0])
    n_train, n_test = validate_shuffle_split(n, test_size, train_size, default_test_size=0.25)
    if n > MOST_ROWS:
        note_sklearn(_NAME, "more than 2**32 rows")
        return theirs()
    classes = None
    parts: _core.Halves | None
    if shuffle is False:
        parts = _core.halves(n, n_train, n_test)[0]
    else:
        if n_test < 1:
            return theirs()  # scikit-learn words the error
        if stratify is not None:
            classes = classes_of(stratify)
            if classes is None:
                labels = check_array(stratify, input_name="y", ensure_2d=False, dtype=None)
                classes = classes_of(labels) if labels.ndim == 1 else classes_of_rows(labels)
                if classes is None:
                    note_sklearn(_NAME, "labels to stratify by that are neither numbers nor texts")
                    return theirs()
            if num_samples(stratify) != n or classes.smallest < 2 or min(n_train, n_test) < len(classes):
                return theirs()  # scikit-learn words the error
        parts = with_stream(random_state, lambda source: _core.halves(n, n_train, n_test, source, classes))
        if parts is None:
            note_sklearn(_NAME, "the random state draws from another generator than MT19937")
            return theirs()
    note_rust(_NAME)
    result: list = []
    rows = None
    for array in arrays:
        if _is_plain_table(array):
            train = empty((n_train, *array.shape[1:]), array.dtype)
            test = empty((n_test, *array.shape[1:]), array.dtype)
            parts.take(_as_bytes(array), _as_bytes(train), _as_bytes(test))
            result += train, test
        else:
            if rows is None:
                rows = parts.rows()
            result += (_rows_of(array, part) for part in rows)
    return result


def _is_plain_table(array):
    """Is it a C-ordered array, large enough, whose rows are bytes that can be copied?"""
    return (
        type(array) is np.ndarray
        and array.nbytes >= _SMALL
        and array.flags.c_contiguous
        and array.dtype.kind in "biufcSUMmV"
        and not array.dtype.hasobject
    )


def _as_bytes(array):
    return array.reshape(len(array), -1).view(np.uint8)


def _rows_of(array, rows):
    if type(array) is np.ndarray:
        return array[rows, ...]
    if type(array) is list:
        return [array[row] for row in rows.tolist()]
    return safe_indexing(array, rows)


update_wrapper(_split, _theirs, assigned=_OWN_NAMES)
_constraints = _theirs._skl_parameter_constraints
_validated = validate_params(_constraints, prefer_skip_nested_validation=True)(_split)


def _is_plain_size(size):
    return size is None or (type(size) is float and 0 < size < 1) or (type(size) is int and size >= 1)


def train_test_split(
    *arrays, test_size=None, train_size=None, random_state=None, shuffle=True, stratify=None
):
    plain = (
        _is_plain_size(test_size)
        and _is_plain_size(train_size)
        and (random_state is None or (type(random_state) is int and 0 <= random_state < 2**32))
        and type(shuffle) is bool
        and (stratify is None or type(stratify) is np.ndarray)
    )
    return (_split if plain else _validated)(
        *arrays,
        test_size=test_size,
        train_size=train_size,
        random_state=random_state,
        shuffle=shuffle,
        stratify=stratify,
    )


update_wrapper(train_test_split, _theirs, assigned=_OWN_NAMES)
