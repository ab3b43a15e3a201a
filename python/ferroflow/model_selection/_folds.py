"""KFold, StratifiedKFold, LeaveOneOut and PredefinedSplit on the Rust core."""

import warnings

import numpy as np
from sklearn import model_selection
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow.model_selection._made import ToSklearn, drawn, each_of, folds_made
from ferroflow.model_selection._rows import classes_of


class KFold(model_selection.KFold):
    __doc__ = model_selection.KFold.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)  # warns of groups; draws nothing before the first fold
        return folds_made(self, X, y, groups, theirs, lambda n: _plain(self, n))

    split.__doc__ = model_selection.KFold.split.__doc__


class LeaveOneOut(model_selection.LeaveOneOut):
    __doc__ = model_selection.LeaveOneOut.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)  # warns of groups
        return folds_made(self, X, y, groups, theirs, _singly)

    split.__doc__ = model_selection.LeaveOneOut.split.__doc__


_TheirStratifiedKFold = model_selection.StratifiedKFold


class StratifiedKFold(model_selection.StratifiedKFold):
    __doc__ = model_selection.StratifiedKFold.__doc__

    def split(self, X, y, groups=None):
        if groups is not None:
            warnings.warn(
                f"The groups parameter is ignored by {self.__class__.__name__}", UserWarning, stacklevel=2
            )
        classes = classes_of(y)
        if classes is None:
            y = check_array(y, input_name="y", ensure_2d=False, dtype=None)
            classes = classes_of(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y)
        # scikit-learn's own, without the eager checks that were just made.
        theirs = super(_TheirStratifiedKFold, self).split(X, y, groups)
        return folds_made(self, X, y, groups, theirs, lambda n: _stratified(self, n, classes))

    split.__doc__ = model_selection.StratifiedKFold.split.__doc__


class PredefinedSplit(model_selection.PredefinedSplit):
    __doc__ = model_selection.PredefinedSplit.__doc__

    def split(self, X=None, y=None, groups=None):
        theirs = super().split(X, y, groups)  # warns of groups
        return folds_made(self, self.test_fold, None, None, theirs, lambda n: _predefined(self))

    split.__doc__ = model_selection.PredefinedSplit.split.__doc__


def _plain(self, n):
    k = self.n_splits
    if k > n:
        raise ToSklearn
    if self.shuffle:
        folds = drawn(self.random_state, lambda source: _core.plain_folds(n, k, source))
    else:
        folds = _core.plain_folds(n, k)[0]
    return each_of(folds, k)


def _singly(n):
    if n < 2:
        raise ToSklearn
    return each_of(_core.plain_folds(n, n)[0], n)


def _stratified(self, n, classes):
    k = self.n_splits
    if classes is None or not classes.whole:
        raise ToSklearn("labels that are neither whole numbers nor texts")
    if k > n or k > classes.largest:
        raise ToSklearn
    if self.shuffle:
        folds = drawn(self.random_state, lambda source: _deal(classes, k, source))
    else:
        folds = _deal(classes, k, None)[0]
    return each_of(folds, k)


def _deal(classes, k, source):
    warn_of_small_classes(classes, k)
    return _core.stratified_folds(classes, k, source)


def warn_of_small_classes(classes, k):
    """Warn as scikit-learn does if a class has fewer rows than there are folds."""
    if k > classes.smallest:
        warnings.warn(
            f"The least populated class in y has only {classes.smallest} members, which is less than n_splits={k}.",
            UserWarning,
            stacklevel=3,
        )


def _predefined(self):
    found = classes_of(self.test_fold)
    if found is None:
        raise ToSklearn
    # Rows whose number is -1 are never tested.
    names, k = self.test_fold[found.firsts()], len(self.unique_folds)
    numbers = np.searchsorted(self.unique_folds, names)
    numbers[names == -1] = k
    return each_of(found.folds(numbers.astype(np.uint32), k), k)
