"""LabelBinarizer and label_binarize on the Rust core."""

import warnings
from functools import wraps

import numpy as np
from scipy import sparse
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import array_api_dispatch, csr_class, csr_of_labels, fit_context
from ferroflow.preprocessing._categories import NotPlain, Prepared, array_column, find, find_one, write
from ferroflow.preprocessing._labels import Classes, classes_of, plain_labels, read_target
from ferroflow.preprocessing._merge import check_mergeable, united

_INT32 = np.dtype(np.int32)
# Held here, since accelerate() puts ours there.
_THEIRS, _their_label_binarize = preprocessing.LabelBinarizer, preprocessing.label_binarize


class LabelBinarizer(preprocessing.LabelBinarizer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    __doc__ = preprocessing.LabelBinarizer.__doc__

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, y):
        try:
            if self.neg_label >= self.pos_label or (self.sparse_output and self.neg_label != 0):
                raise NotPlain("labels that scikit-learn refuses")
            if array_api_dispatch():
                raise NotPlain("array API dispatch")
            target = read_target(y, "auto")
            if not isinstance(target, Classes):
                raise NotPlain("a continuous target")
        except NotPlain as why:
            note_sklearn("LabelBinarizer.fit", str(why))
            return super().fit(y)
        # Twice each, since targets with a class for nearly every row are warned of.
        with warnings.catch_warnings(action="ignore"):
            few = _THEIRS().fit(np.repeat(target.labels, 2))
        self.y_type_, self.sparse_input_, self.classes_ = target.kind, False, few.classes_
        note_rust("LabelBinarizer.fit")
        return self

    def transform(self, y):
        check_is_fitted(self)
        try:
            if self.y_type_ not in ("binary", "multiclass"):
                raise NotPlain("several labels a row")
            out = _binarize(
                y,
                self.classes_,
                self.neg_label,
                self.pos_label,
                self.sparse_output,
                lambda column: find_one(self, column, self.classes_),
            )
        except NotPlain as why:
            note_sklearn("LabelBinarizer.transform", str(why))
            return super().transform(y)
        note_rust("LabelBinarizer.transform")
        return out

    def partial_fit(self, y):
        """Take in more labels, as if they had been fitted together with those before.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            More labels.

        Returns
        -------
        self : LabelBinarizer
        """
        return self.merge(clone(self).fit(y)) if hasattr(self, "classes_") else self.fit(y)

    def merge(self, other):
        """Take in what `other` has seen, as if both had been fitted on their labels together.

        Parameters
        ----------
        other : LabelBinarizer
            Fitted on labels of the same kind.

        Returns
        -------
        self : LabelBinarizer
        """
        check_mergeable(self, other)
        kinds = {self.y_type_, other.y_type_}
        if "multilabel-indicator" in kinds and len(kinds) > 1:
            raise ValueError("Cannot merge a fit of several labels a row and one of single labels.")
        self.classes_ = united(self.classes_, other.classes_)[0]
        if "multilabel-indicator" not in kinds:
            self.y_type_ = "binary" if len(self.classes_) <= 2 else "multiclass"
        self.sparse_input_ = self.sparse_input_ or other.sparse_input_
        return self


@wraps(preprocessing.label_binarize)
def label_binarize(y, *, classes, neg_label=0, pos_label=1, sparse_output=False):
    try:
        if array_api_dispatch() or type(neg_label) is not int or type(pos_label) is not int:
            raise NotPlain("array API dispatch, or labels that are not int")
        known = np.asarray(classes)
        if known.ndim != 1 or not known.size or len(set(known.tolist())) != len(known):
            raise NotPlain("classes that are not distinct")
        out = _binarize(
            y,
            known,
            neg_label,
            pos_label,
            sparse_output,
            lambda column: find(column, known, Prepared([known]).lookups[0]),
        )
    except NotPlain as why:
        note_sklearn("label_binarize", str(why))
        return _their_label_binarize(
            y, classes=classes, neg_label=neg_label, pos_label=pos_label, sparse_output=sparse_output
        )
    note_rust("label_binarize")
    return out


def _binarize(y, classes, neg_label, pos_label, sparse_output, look_up):
    """Return a column for each class, or one for two classes."""
    y = plain_labels(y)
    n = len(classes)
    if classes.dtype.kind == "U" and len(set(classes.tolist())) < n:
        raise NotPlain("texts that end in null characters, which fixed-width strings cannot tell apart")
    if neg_label >= pos_label or (sparse_output and (neg_label != 0 or pos_label == 0)):
        raise NotPlain("labels that scikit-learn refuses")
    if y.dtype.kind in "iufb" and y.dtype != classes.dtype:
        raise NotPlain("labels of another type than those fitted")
    if y.dtype.kind == "f" and not (np.trunc(y) == y).all():
        raise NotPlain("a continuous target")
    rows = look_up(array_column(y))
    dtype = y.dtype if y.dtype.kind == "i" else np.dtype(np.int64)
    if not all(np.iinfo(dtype).min <= label <= np.iinfo(dtype).max for label in (neg_label, pos_label)):
        raise NotPlain("labels that the labels' own type cannot hold")
    columns = np.arange(n + 1, dtype=np.int32)
    columns[-1] = -1
    if n <= 2 and not sparse_output:
        ones = [pos_label] if n == 2 else []
        table = np.array([neg_label, *ones, neg_label], dtype=dtype)
        out, unknown = write([rows], [table], len(y), dtype)
        _check_unknown(y, unknown[0], n)
        return out
    places, unknown = write([rows], [columns], len(y), _INT32)
    _check_unknown(y, unknown[0], n)
    width = n
    if n <= 2:
        # The one column is that of the second class.
        places, width = np.where(places == 1, 0, -1).astype(np.int32), 1
    if sparse_output and n == 1:
        return csr_class()(sparse.csr_array((len(y), 1), dtype=np.int64))
    if sparse_output:
        indices, indptr = _core.csr_parts(places)
        data = np.full(len(indices), pos_label, dtype=np.int64)
        return csr_of_labels(data, indices, indptr, (len(y), width))
    out = np.full((len(y), n), neg_label, dtype=dtype) if neg_label else np.zeros((len(y), n), dtype=dtype)
    bits = f"u{dtype.itemsize}"
    _core.scatter_ones(places, np.array([pos_label], dtype=dtype).view(bits), out.view(bits))
    return out


def _check_unknown(y, some, n):
    """Raise NotPlain where labels that are no class change what scikit-learn makes of the others."""
    if not some:
        return
    classes = classes_of(y)  # refuses objects that are not text
    if n <= 2 and len(classes) > 2:
        raise NotPlain("more labels than two classes")
