"""Splitters that keep groups together, on the Rust core."""

from itertools import combinations
from math import comb

import numpy as np
from sklearn import model_selection

from ferroflow import _core
from ferroflow.model_selection._folds import warn_of_small_classes
from ferroflow.model_selection._made import ToSklearn, drawn, each_of, folds_made
from ferroflow.model_selection._rows import classes_of, groups_of

TRAIN, TEST = 1, 2
"""What groups are for, as ``Classes.part`` has it."""


class GroupKFold(model_selection.GroupKFold):
    __doc__ = model_selection.GroupKFold.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)  # does nothing before the first fold
        return folds_made(self, X, y, groups, theirs, lambda n: _whole_groups(self, n, groups))

    split.__doc__ = model_selection.GroupKFold.split.__doc__


class StratifiedGroupKFold(model_selection.StratifiedGroupKFold):
    __doc__ = model_selection.StratifiedGroupKFold.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)
        return folds_made(self, X, y, groups, theirs, lambda n: _stratified(self, n, y, groups))

    split.__doc__ = model_selection.StratifiedGroupKFold.split.__doc__


class LeaveOneGroupOut(model_selection.LeaveOneGroupOut):
    __doc__ = model_selection.LeaveOneGroupOut.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)
        return folds_made(self, X, y, groups, theirs, lambda n: _each_group(groups))

    def get_n_splits(self, X=None, y=None, groups=None):
        found = groups_of(groups)
        return super().get_n_splits(X, y, groups) if found is None else len(found)

    split.__doc__ = model_selection.LeaveOneGroupOut.split.__doc__
    get_n_splits.__doc__ = model_selection.LeaveOneGroupOut.get_n_splits.__doc__


class LeavePGroupsOut(model_selection.LeavePGroupsOut):
    __doc__ = model_selection.LeavePGroupsOut.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)
        return folds_made(self, X, y, groups, theirs, lambda n: _some_groups(self, groups))

    def get_n_splits(self, X=None, y=None, groups=None):
        found = groups_of(groups) if type(self.n_groups) is int and self.n_groups > 0 else None
        return super().get_n_splits(X, y, groups) if found is None else comb(len(found), self.n_groups)

    split.__doc__ = model_selection.LeavePGroupsOut.split.__doc__
    get_n_splits.__doc__ = model_selection.LeavePGroupsOut.get_n_splits.__doc__


def found_groups(groups) -> _core.Classes:
    """Return the group of each row, checked as scikit-learn checks groups."""
    found = groups_of(groups)
    if found is None:
        raise ToSklearn(*() if groups is None else ("groups that are neither numbers nor texts",))
    return found


def _whole_groups(self, n, groups):
    k = self.n_splits
    if k > n:
        raise ToSklearn
    found = found_groups(groups)
    if k > len(found):
        raise ToSklearn
    if self.shuffle:
        plain = drawn(self.random_state, lambda source: _core.plain_folds(len(found), k, source))
        numbers = plain.numbers()
    else:
        numbers = found.balanced(k)
    return each_of(found.folds(numbers, k), k)


def _stratified(self, n, y, groups):
    k = self.n_splits
    if k > n or groups is None:
        raise ToSklearn
    y, groups = np.asarray(y), np.asarray(groups)
    classes = classes_of(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y)
    if classes is None or not classes.whole:
        raise ToSklearn("labels that are neither whole numbers nor texts")
    found = classes_of(groups)  # other groups are not checked: a NaN is one here
    if found is None:
        raise ToSklearn("groups that are neither finite numbers nor texts")
    if k > classes.largest or k > len(found):
        raise ToSklearn

    def deal(source):
        warn_of_small_classes(classes, k)
        return _core.stratified_groups(found, classes, k, source)

    numbers = drawn(self.random_state, deal) if self.shuffle else deal(None)[0]
    return each_of(found.folds(numbers, k), k)


def _each_group(groups):
    found = found_groups(groups)
    k = len(found)
    if k < 2:
        raise ToSklearn
    return each_of(found.folds(np.arange(k, dtype=np.uint32), k), k)


def _some_groups(self, groups):
    found = found_groups(groups)
    if type(self.n_groups) is not int or not 0 < self.n_groups < len(found):
        raise ToSklearn
    return _combinations(found, self.n_groups)


def _combinations(found, p):
    roles = np.full(len(found), TRAIN, dtype=np.uint8)
    for tested in map(list, combinations(range(len(found)), p)):
        roles[tested] = TEST
        yield found.part(roles)
        roles[tested] = TRAIN
