"""TargetEncoder on the Rust core."""

from typing import Any

import numpy as np
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.random_state import with_stream
from ferroflow._bridge.sklearn_compat import (
    fit_context,
    routing_enabled,
    target_encoder_shuffling,
    validate_data,
    warn_of_shuffling,
)
from ferroflow.preprocessing._categories import (
    FitsInRust,
    NotPlain,
    check_names,
    keeping_rows,
    kept_rows,
    read,
    write,
)
from ferroflow.preprocessing._labels import Classes, as_array, is_nullable, read_target
from ferroflow.preprocessing._merge import check_mergeable, spread, united

# Cells of (category, fold, class) above which scikit-learn's way of one fold at a time takes less memory.
_MOST_CELLS = 1 << 26


class TargetEncoder(FitsInRust, preprocessing.TargetEncoder):
    __doc__ = preprocessing.TargetEncoder.__doc__

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        try:
            _learn(self, X, y)
        except NotPlain as why:
            note_sklearn("TargetEncoder.fit", str(why))
            return super().fit(X, y)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y, **params):
        try:
            if params or routing_enabled():
                raise NotPlain("parameters for the splitter")
            out = _learn(self, X, y, fold_numbers)
        except NotPlain as why:
            note_sklearn("TargetEncoder.fit_transform", str(why))
            return super().fit_transform(X, y, **params)
        warn_of_shuffling(self)
        note_rust("TargetEncoder.fit_transform")
        return out

    def transform(self, X):
        check_is_fitted(self)
        try:
            out = _transform(self, *read(self, X))
        except NotPlain as why:
            note_sklearn("TargetEncoder.transform", str(why))
            return super().transform(X)
        check_names(self, X)
        note_rust("TargetEncoder.transform")
        return out

    def partial_fit(self: Any, X, y):
        """Take in more rows, as if they had been fitted together with those before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The categories of more rows.

        y : array-like of shape (n_samples,)
            Their target. A block may lack classes, or hold new ones.

        Returns
        -------
        self : TargetEncoder
        """
        if not hasattr(self, "categories_"):
            return self.fit(X, y)
        validate_data(self, X=X, reset=False, skip_check_array=True)
        block = clone(self)
        if self.target_type != "continuous":
            block.set_params(target_type="auto")
        return self.merge(block.fit(X, y))

    def merge(self: Any, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : TargetEncoder
            Fitted on rows of the same columns.

        Returns
        -------
        self : TargetEncoder
        """
        check_mergeable(self, other)
        mine, yours = _state(self), _state(other)
        if (self.classes_ is None) != (other.classes_ is None):
            mine, yours = _as_values(self, mine), _as_values(other, yours)
            self.classes_, self.target_type_ = None, "continuous"
        elif self.classes_ is not None:
            self.classes_, here, there = united(self.classes_, other.classes_)
            n = max(len(self.classes_), 2)
            mine, yours = _with_classes(mine, here, n), _with_classes(yours, there, n)
            self.target_type_ = "binary" if n == 2 else "multiclass"
            if n > 2 and self.classes_.dtype.kind == "O":
                self.classes_ = np.asarray(self.classes_.tolist())  # as scikit-learn has several
        pairs = [united(a, b) for a, b in zip(self.categories_, other.categories_, strict=True)]
        self.categories_ = [values for values, _, _ in pairs]
        cells = [
            _added(spread(a, here, len(values)), spread(b, there, len(values)))
            for (values, here, there), a, b in zip(pairs, mine[1:], yours[1:], strict=True)
        ]
        _set(self, _added(mine[0], yours[0]), cells)
        return self

    def _fit_encodings_all(self: Any, X, y):
        # Where scikit-learn fits, what later blocks are merged with is counted from what it read.
        X_ordinal, X_known_mask, y, n_categories = result = super()._fit_encodings_all(X, y)
        codes = np.where(X_known_mask, X_ordinal, n_categories).astype(np.uint32)
        if self.target_type_ == "continuous":
            target: Any = np.ascontiguousarray(y, dtype=np.float64)
        elif y.ndim == 2:
            target = np.argmax(y, axis=1).astype(np.uint32), max(len(self.classes_), 2)
        else:
            target = y.astype(np.uint32), max(len(self.classes_), 2)
        self._total, self._cells, _, _ = _core.learn_targets(codes, n_categories.tolist(), target, None)
        return result


def _learn(self, X, y, folds=None):
    """Learn from all rows; with `folds`, also return the rows' encodings by what other folds say."""
    nullable, y = is_nullable(y), as_array(y)
    target = read_target(y, self.target_type)
    if nullable and isinstance(target, Classes) and target.kind == "multiclass":
        raise NotPlain("several classes of a nullable type")
    check_consistent_length(X, y)
    with keeping_rows(self, X):
        self._fit(X, handle_unknown="ignore", ensure_all_finite="allow-nan")
        rows, n = kept_rows(self, X) or read(self, X)
    self.target_type_, self.classes_ = _kind_and_classes(target)
    n_categories = [len(categories) for categories in self.categories_]
    tests, n_folds = (None, 1) if folds is None else folds(self, X, y, target)
    n_classes = max(len(target.rows), 2) if isinstance(target, Classes) else 2
    if max(n_categories) * n_folds * n_classes > _MOST_CELLS:
        raise NotPlain("too many folds of too many categories")
    given = (target.rows.ranks(), n_classes) if isinstance(target, Classes) else target
    self._total, self._cells, self.encodings_, out = _core.learn_targets(
        _codes(self, rows, n), n_categories, given, _rows_of_mean(self), tests, n_folds
    )
    self.target_mean_ = _means(self._total) if isinstance(target, Classes) else np.mean(y)
    return out


def _codes(self, rows, n):
    """Return each row's place among the categories, column by column."""
    places = [np.arange(len(categories) + 1, dtype=np.uint32) for categories in self.categories_]
    return write(rows, places, n, np.dtype(np.uint32))[0]


def _rows_of_mean(self):
    return None if self.smooth == "auto" else float(self.smooth)


def _kind_and_classes(target):
    """Return the target's type, and the classes as scikit-learn's own encoders have them."""
    if not isinstance(target, Classes):
        return "continuous", None
    if target.kind == "binary":
        return target.kind, preprocessing.LabelEncoder().fit(target.labels).classes_
    # Twice each, since targets with a class for nearly every row are warned of.
    return target.kind, preprocessing.LabelBinarizer().fit(np.repeat(target.labels, 2)).classes_


def _means(total):
    """Return the mean target of counted classes: one number for two classes."""
    counts = total[0].astype(np.float64)
    means = counts / counts.sum()
    return means[1] if len(means) == 2 else means


def fold_numbers(self, X, y, target):
    """Return which fold tests each row, and how many folds there are."""
    from sklearn import model_selection as theirs

    from ferroflow import model_selection as ours

    shuffle, random_state = target_encoder_shuffling(self)
    cv = 5 if self.cv is None else self.cv
    if isinstance(cv, int | np.integer):
        splitter = ours.StratifiedKFold if isinstance(target, Classes) else ours.KFold
        cv = splitter(cv, shuffle=shuffle, random_state=random_state)
    n = len(y)
    if type(cv) in (ours.KFold, theirs.KFold) and cv.n_splits <= n:
        make = lambda source: _core.plain_folds(n, cv.n_splits, source)  # noqa: E731
    elif (
        type(cv) in (ours.StratifiedKFold, theirs.StratifiedKFold)
        and isinstance(target, Classes)
        and cv.n_splits <= target.rows.smallest
    ):
        make = lambda source: _core.stratified_folds(target.rows, cv.n_splits, source)  # noqa: E731
    else:
        raise NotPlain("another splitter than KFold and StratifiedKFold, or small classes")
    folds = with_stream(cv.random_state, make) if cv.shuffle else make(None)[0]
    if folds is None:
        raise NotPlain("the random state draws from another generator than MT19937")
    return folds.numbers(), cv.n_splits


def _transform(self, rows, n):
    if self.target_type_ != "multiclass":
        tables = [np.append(encoding, self.target_mean_) for encoding in self.encodings_]
        return write(rows, tables, n, np.dtype(np.float64))[0]
    k = len(self.classes_)
    tables = [
        np.stack(self.encodings_[j : j + k], axis=1).astype(np.float64, order="C", copy=False)
        for j in range(0, len(self.encodings_), k)
    ]
    unknown = np.ascontiguousarray(self.target_mean_, dtype=np.float64)
    return _core.write_targets(_codes(self, rows, n), tables, unknown)


def _set(self, total, cells):
    self._total, self._cells = total, cells
    means, self.encodings_ = _core.target_encodings(total, cells, _rows_of_mean(self))
    self.target_mean_ = np.float64(means[0]) if len(means) == 1 else np.array(means)


def _state(self):
    """Return what was seen: of all rows, then of each column's categories."""
    return [self._total, *self._cells]


def _with_classes(state, places, n):
    """Return counts of classes as columns at their places among `n`."""
    return [np.ascontiguousarray(spread(table[:, : len(places)].T, places, n).T) for table in state]


def _as_values(self, state):
    """Return counts of classes as the moments of their numbers."""
    if self.classes_ is None:
        return state
    if self.classes_.dtype.kind not in "biuf":
        raise ValueError("Cannot merge a fit of labels and one of a continuous target.")
    values = self.classes_.astype(np.float64)
    out = []
    for table in state:
        counts = table[:, : len(values)].astype(np.float64)
        count, total = counts.sum(axis=1), counts @ values
        mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        squares = (counts * (values - mean[:, None]) ** 2).sum(axis=1)
        out.append(np.stack([count, total, squares], axis=1))
    return out


def _added(a, b):
    """Return what both saw of each row of the tables: counts, or moments merged by Chan, Golub and LeVeque."""
    out = a + b
    if a.dtype.kind == "f":
        n, m = a[:, 0], b[:, 0]
        both = (n > 0) & (m > 0)
        n, m = n[both], m[both]
        delta = b[both, 1] / m - a[both, 1] / n
        out[both, 2] += delta * delta * (n * m / (n + m))
    return out
