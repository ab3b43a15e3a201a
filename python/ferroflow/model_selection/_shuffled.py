"""Splitters that draw parts at random, on the Rust core."""

import warnings

import numpy as np
from sklearn import model_selection
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow._bridge.random_state import lasting_stream
from ferroflow._bridge.sklearn_compat import validate_shuffle_split
from ferroflow.model_selection._groups import TEST, TRAIN, found_groups
from ferroflow.model_selection._made import OTHER_STREAM, ToSklearn, drawn, folds_made
from ferroflow.model_selection._rows import classes_of, classes_of_rows


class ShuffleSplit(model_selection.ShuffleSplit):
    __doc__ = model_selection.ShuffleSplit.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)  # warns of groups; draws nothing before the first part
        return folds_made(self, X, y, groups, theirs, lambda n: _parts(self, n))

    split.__doc__ = model_selection.ShuffleSplit.split.__doc__


_TheirStratifiedShuffleSplit = model_selection.StratifiedShuffleSplit


class StratifiedShuffleSplit(model_selection.StratifiedShuffleSplit):
    __doc__ = model_selection.StratifiedShuffleSplit.__doc__

    def split(self, X, y, groups=None):
        if groups is not None:
            warnings.warn(
                f"The groups parameter is ignored by {self.__class__.__name__}", UserWarning, stacklevel=2
            )
        classes = classes_of(y)
        if classes is None:
            y = check_array(y, input_name="y", ensure_2d=False, dtype=None)
            classes = classes_of(y) if y.ndim == 1 else classes_of_rows(y)
        # scikit-learn's own, without the eager checks that were just made.
        theirs = super(_TheirStratifiedShuffleSplit, self).split(X, y, groups)
        return folds_made(self, X, y, groups, theirs, lambda n: _stratified(self, n, classes))

    split.__doc__ = model_selection.StratifiedShuffleSplit.split.__doc__


class GroupShuffleSplit(model_selection.GroupShuffleSplit):
    __doc__ = model_selection.GroupShuffleSplit.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)  # does nothing before the first part
        return folds_made(self, X, y, groups, theirs, lambda n: _of_groups(self, groups))

    split.__doc__ = model_selection.GroupShuffleSplit.split.__doc__


def _parts(self, n, classes=None):
    n_train, n_test = validate_shuffle_split(n, self.test_size, self.train_size, self._default_test_size)
    if classes is not None and (classes.smallest < 2 or min(n_train, n_test) < len(classes)):
        raise ToSklearn
    stream = lasting_stream(self.random_state)
    if stream is None:
        raise ToSklearn(OTHER_STREAM)

    def draw(source):
        return _core.halves(n, n_train, n_test, source, classes)

    return (drawn(stream, draw).rows() for _ in range(self.n_splits))


def _stratified(self, n, classes):
    if classes is None:
        raise ToSklearn("labels that are neither numbers nor texts")
    return _parts(self, n, classes)


def _of_groups(self, groups):
    found = found_groups(groups)
    return (_rows_of(found, *parts) for parts in _parts(self, len(found)))


def _rows_of(found, train, test):
    roles = np.zeros(len(found), dtype=np.uint8)
    roles[train], roles[test] = TRAIN, TEST
    return found.part(roles)
