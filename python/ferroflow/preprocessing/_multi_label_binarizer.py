"""MultiLabelBinarizer on the Rust core."""

from itertools import chain

import numpy as np
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import csr_class, fit_context
from ferroflow.preprocessing._categories import OBJECT, Column, NotPlain, find_one, learn, write
from ferroflow.preprocessing._merge import check_mergeable, united

_INT = np.dtype(np.int64)
_UINT32 = np.dtype(np.uint32)


class MultiLabelBinarizer(preprocessing.MultiLabelBinarizer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    __doc__ = preprocessing.MultiLabelBinarizer.__doc__

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, y):
        if self.classes is not None:
            return super().fit(y)  # reads no rows
        y = _listed(y)
        try:
            self.classes_ = learn(_flat(y)[0], False, False).categories
        except NotPlain as why:
            note_sklearn("MultiLabelBinarizer.fit", str(why))
            return super().fit(y)
        self._cached_dict = None
        note_rust("MultiLabelBinarizer.fit")
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, y):
        if self.classes is not None:
            return self.fit(y).transform(y)
        y = _listed(y)
        try:
            column, lens = _flat(y)
            learned = learn(column, False, True)
            out = _indicator(self, learned.rows, lens, learned.categories)
        except NotPlain as why:
            note_sklearn("MultiLabelBinarizer.fit_transform", str(why))
            return super().fit_transform(y)
        self.classes_, self._cached_dict = learned.categories, None
        note_rust("MultiLabelBinarizer.fit_transform")
        return out

    def transform(self, y):
        check_is_fitted(self)
        y = _listed(y)
        try:
            column, lens = _flat(y)
            if column.dtype != self.classes_.dtype:
                raise NotPlain("labels of another type than those fitted")
            out = _indicator(self, find_one(self, column, self.classes_), lens, self.classes_)
        except NotPlain as why:
            note_sklearn("MultiLabelBinarizer.transform", str(why))
            return super().transform(y)
        note_rust("MultiLabelBinarizer.transform")
        return out

    def partial_fit(self, y):
        """Take in more label sets, as if they had been fitted together with those before.

        Parameters
        ----------
        y : iterable of iterables
            More label sets.

        Returns
        -------
        self : MultiLabelBinarizer
        """
        return self.merge(clone(self).fit(y)) if hasattr(self, "classes_") else self.fit(y)

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their label sets together.

        Parameters
        ----------
        other : MultiLabelBinarizer
            Fitted on labels of the same kind.

        Returns
        -------
        self : MultiLabelBinarizer
        """
        check_mergeable(self, other)
        self.classes_ = united(self.classes_, other.classes_)[0]
        self._cached_dict = None
        return self


def _listed(y):
    """Return an iterable as what can be read twice."""
    return y if hasattr(y, "__len__") else list(y)


def _flat(y):
    """Return all labels, one set after another, as a column, and how many each set has."""
    if type(y) is not list or not y:
        raise NotPlain("label sets that are not in a list")
    if not set(map(type, y)) <= {list, tuple, set, frozenset}:
        raise NotPlain("label sets of other types than lists, tuples and sets")
    lens = np.fromiter(map(len, y), dtype=np.int64, count=len(y))
    labels = list(chain.from_iterable(y))
    kinds = set(map(type, labels))
    if kinds == {str}:
        values = np.empty(len(labels), dtype=object)
        values[:] = labels
        return Column(values, OBJECT), lens
    if kinds == {int}:
        try:
            return Column(np.array(labels, dtype=np.int64), _INT), lens
        except OverflowError:
            pass
    raise NotPlain("labels that are neither all text nor all int")


def _indicator(self, rows, lens, classes):
    numbers, unknown = write([rows], [np.arange(len(classes) + 1, dtype=np.uint32)], int(lens.sum()), _UINT32)
    if unknown[0]:
        raise NotPlain("labels that were not seen")  # which scikit-learn lists
    indices, indptr = _core.label_sets(numbers[:, 0], lens)
    shape = len(lens), len(classes)
    if self.sparse_output:
        return csr_class()((np.ones(len(indices), dtype=np.int64), indices, indptr), shape=shape)
    out = np.zeros(shape, dtype=np.int64)
    out[np.repeat(np.arange(len(lens)), np.diff(indptr)), indices] = 1
    return out
