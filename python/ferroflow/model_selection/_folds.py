"""KFold and StratifiedKFold on the Rust core."""

import warnings

from sklearn import model_selection
from sklearn.utils.validation import check_array

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.random_state import with_stream
from ferroflow._bridge.sklearn_compat import array_api_dispatch
from ferroflow.model_selection._rows import MOST_ROWS, classes_of, row_count

_SUBCLASS = "a subclass makes its own folds"
_STREAM = "the random state draws from another generator than MT19937"


class KFold(model_selection.KFold):
    __doc__ = model_selection.KFold.__doc__

    def split(self, X, y=None, groups=None):
        theirs = super().split(X, y, groups)  # warns of groups; draws nothing before the first fold
        if _overridden(self, KFold):
            note_sklearn("KFold.split", _SUBCLASS)
            return theirs
        return _plain(self, X, y, groups, theirs)

    split.__doc__ = model_selection.KFold.split.__doc__


class StratifiedKFold(model_selection.StratifiedKFold):
    __doc__ = model_selection.StratifiedKFold.__doc__

    def split(self, X, y, groups=None):
        if _overridden(self, StratifiedKFold) or array_api_dispatch():
            note_sklearn("StratifiedKFold.split", "array API dispatch" if array_api_dispatch() else _SUBCLASS)
            return super().split(X, y, groups)
        if groups is not None:
            warnings.warn(
                f"The groups parameter is ignored by {self.__class__.__name__}", UserWarning, stacklevel=2
            )
        classes = classes_of(y)
        if classes is None:
            y = check_array(y, input_name="y", ensure_2d=False, dtype=None)
            classes = classes_of(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y)
        # scikit-learn's own, without the eager checks that were just made.
        theirs = super(model_selection.StratifiedKFold, self).split(X, y, groups)
        return _stratified(self, X, y, groups, classes, theirs)

    split.__doc__ = model_selection.StratifiedKFold.split.__doc__


def _overridden(self, cls):
    """May a subclass have changed how folds are made?"""
    return type(self) is not cls and any(
        getattr(type(self), name, None) is not getattr(cls, name, None)
        for name in ("_iter_test_masks", "_iter_test_indices", "_make_test_folds")
    )


def _plain(self, X, y, groups, theirs):
    n, k = row_count(X, y, groups), self.n_splits
    if k > n:
        yield from theirs  # scikit-learn words the error
        return
    folds: _core.Folds | None = None
    if n <= MOST_ROWS:
        if self.shuffle:
            folds = with_stream(self.random_state, lambda source: _core.plain_folds(n, k, source))
        else:
            folds = _core.plain_folds(n, k)[0]
    if folds is None:
        note_sklearn("KFold.split", _STREAM if n <= MOST_ROWS else "more than 2**32 rows")
        yield from theirs
        return
    note_rust("KFold.split")
    for fold in range(k):
        yield folds.rows(fold)


def _stratified(self, X, y, groups, classes, theirs):
    n, k = row_count(X, y, groups), self.n_splits
    if classes is None or not classes.whole:
        note_sklearn("StratifiedKFold.split", "labels that are neither whole numbers nor texts")
        yield from theirs
        return
    if k > n or k > classes.largest:
        yield from theirs  # scikit-learn words the error
        return
    if self.shuffle:
        folds = with_stream(self.random_state, lambda source: _deal(classes, k, source))
        if folds is None:
            note_sklearn("StratifiedKFold.split", _STREAM)
            yield from theirs
            return
    else:
        folds = _deal(classes, k, None)[0]
    note_rust("StratifiedKFold.split")
    for fold in range(k):
        yield folds.rows(fold)


def _deal(classes, k, source):
    if k > classes.smallest:
        warnings.warn(
            f"The least populated class in y has only {classes.smallest} members, which is less than n_splits={k}.",
            UserWarning,
            stacklevel=3,
        )
    return _core.stratified_folds(classes, k, source)
