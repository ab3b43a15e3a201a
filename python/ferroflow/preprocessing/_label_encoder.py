"""LabelEncoder on the Rust core."""

from typing import Any

import numpy as np
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import is_dispatched
from ferroflow.preprocessing._categories import NotPlain, find_one, learn, write
from ferroflow.preprocessing._labels import label_column
from ferroflow.preprocessing._merge import check_mergeable, united

_INT = np.dtype(np.int64)


class LabelEncoder(preprocessing.LabelEncoder, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    __doc__ = preprocessing.LabelEncoder.__doc__

    def fit(self, y):
        if (why := _fit(self, y)) is not None:
            note_sklearn("LabelEncoder.fit", why)
            return super().fit(y)
        return self

    def fit_transform(self, y):
        out = _fit_transform(self, y)
        if isinstance(out, str):
            note_sklearn("LabelEncoder.fit_transform", out)
            return super().fit_transform(y)
        return out

    def transform(self, y):
        check_is_fitted(self)
        out = _transform(self, y)
        if isinstance(out, str):
            note_sklearn("LabelEncoder.transform", out)
            return super().transform(y)
        return out

    def inverse_transform(self, y):
        check_is_fitted(self)
        plain = type(y) is np.ndarray and y.ndim == 1 and y.size and y.dtype.kind in "iu"
        if plain and not is_dispatched(y) and y.min() >= 0 and y.max() < len(self.classes_):
            return np.take(self.classes_, y, axis=0)
        return super().inverse_transform(y)

    def partial_fit(self: Any, y):
        """Take in more labels, as if they had been fitted together with those before.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            More labels.

        Returns
        -------
        self : LabelEncoder
        """
        return self.merge(clone(self).fit(y)) if hasattr(self, "classes_") else self.fit(y)

    def merge(self: Any, other):
        """Take in what `other` has seen, as if both had been fitted on their labels together.

        Parameters
        ----------
        other : LabelEncoder
            Fitted on labels of the same kind.

        Returns
        -------
        self : LabelEncoder
        """
        check_mergeable(self, other)
        self.classes_ = united(self.classes_, other.classes_)[0]
        return self


def _fit(self, y):
    """Learn the classes; returns why that is scikit-learn's to do, or None."""
    try:
        self.classes_ = learn(label_column(y), False, False).categories
    except NotPlain as why:
        return str(why)
    note_rust("LabelEncoder.fit")
    return None


def _fit_transform(self, y):
    try:
        categories, _, rows = learn(label_column(y), False, True)
        out, _ = write([rows] if rows else [], [np.arange(len(categories) + 1)], len(y), _INT)
    except NotPlain as why:
        return str(why)
    self.classes_ = categories
    note_rust("LabelEncoder.fit_transform")
    return out[:, 0]


def _transform(self, y):
    try:
        column = label_column(y)
        classes = self.classes_
        if column.dtype != classes.dtype:
            raise NotPlain("labels of another type than those fitted")  # which scikit-learn converts
        rows = find_one(self, column, classes)
        out, unknown = write([rows], [np.arange(len(classes) + 1)], len(y), _INT)
        if unknown[0]:
            return "labels that were not seen"  # which scikit-learn lists
    except NotPlain as why:
        return str(why)
    note_rust("LabelEncoder.transform")
    return out[:, 0]
