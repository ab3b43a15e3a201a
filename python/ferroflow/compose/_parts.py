"""A ColumnTransformer that learns rows part by part, and merges: what its transformers do, each with its columns."""

import copy
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing, check_array

from ferroflow._bridge.merging import check_same_columns, take_over
from ferroflow._bridge.sklearn_compat import check_feature_names, check_n_features


class Filled(NamedTuple):
    """What decides whether the output is sparse: rows so far, and the stored values of each sparse part of it."""

    rows: int
    stored: dict[str, int]


def filled_by(self: Any, Xs: Iterable[Any]) -> Filled:
    """Return what is known after ``fit``, whose transformers gave these."""
    named = list(zip((name for name, _, _ in _working(self)), Xs, strict=True))
    rows = named[0][1].shape[0] if named else 0
    return Filled(rows, {name: X.nnz for name, X in named if sparse.issparse(X)})


def partial_fit(self: Any, X: Any, y: Any) -> None:
    """Let each transformer take in its columns of more rows."""
    if not hasattr(X, "shape"):
        X = check_array(X, ensure_all_finite="allow-nan", dtype=object)
    before = Filled(0, {})
    if hasattr(self, "transformers_"):
        check_feature_names(self, X, reset=False)
        check_n_features(self, X, reset=False)
        one, before = _copied(self), getattr(self, "_filled", before)
        _check_steps(one, "partial_fit")
    else:
        # What fit finds out of the columns; its transformers may keep too little to go on from.
        one = clone(self).fit(X, y)
        _check_steps(one, "partial_fit")
        blank = {name: clone(step) for name, step, _ in _learning(one)}
        one.transformers_ = [
            (name, blank.get(name, step), columns) for name, step, columns in one.transformers_
        ]
    stored = dict(before.stored)
    for _, step, columns in _learning(one):
        step.partial_fit(_safe_indexing(X, columns, axis=1), y)
    first_row = _safe_indexing(X, slice(0, 1))
    for name, step, columns in _working(one):
        if sparse.issparse(step.transform(_safe_indexing(first_row, columns, axis=1))):
            output = step.transform(_safe_indexing(X, columns, axis=1))
            stored[name] = stored.get(name, 0) + output.nnz
    _conclude(self, one, Filled(before.rows + X.shape[0], stored))


def merge(self: Any, other: Any) -> None:
    """Let each transformer take in what the other's has learned."""
    check_same_columns(self, other, "column transformers")
    mine, theirs = _outline(self), _outline(other)
    if mine != theirs:
        raise ValueError(f"Cannot merge column transformers of other steps: {mine} and {theirs}.")
    _check_steps(self, "merge")
    one = _copied(self)
    for (_, step, _), (_, more, _) in zip(_learning(one), _learning(other), strict=True):
        step.merge(more)
    a, b = (getattr(part, "_filled", Filled(0, {})) for part in (self, other))
    stored = {name: a.stored.get(name, 0) + b.stored.get(name, 0) for name in a.stored | b.stored}
    _conclude(self, one, Filled(a.rows + b.rows, stored))


def _copied(self: Any) -> Any:
    """Another one, which learns instead: an error of a step then leaves all of them as they were."""
    one = copy.copy(self)
    one.transformers_ = copy.deepcopy(self.transformers_)
    return one


def _working(self: Any) -> Iterator[tuple[str, Any, Any]]:
    """The steps that have columns and do not drop them."""
    for name, step, columns in self.transformers_:
        if not isinstance(step, str) and len(self._transformer_to_input_indices[name]):
            yield name, step, columns


def _learning(self: Any) -> Iterator[tuple[str, Any, Any]]:
    """Those of them that learn: what is passed through does not."""
    return (named for named in _working(self) if not isinstance(named[1], FunctionTransformer))


def _check_steps(self: Any, method: str) -> None:
    for name, step, _ in _learning(self):
        if not hasattr(step, method):
            raise TypeError(
                f"The transformer {name!r} is a {type(step).__name__}, which has no {method}; "
                "use those of ferroflow.preprocessing and ferroflow.impute, or fit all rows at once."
            )


def _outline(self: Any) -> list[tuple[str, str]]:
    return [
        (name, step if isinstance(step, str) else type(step).__name__) for name, step, _ in self.transformers_
    ]


def _conclude(self: Any, one: Any, filled: Filled) -> None:
    """Take what one has learned; say which columns come out where, and whether they are sparse."""
    widths = {name: part.stop - part.start for name, part in getattr(one, "output_indices_", {}).items()}
    for name, step, _ in _learning(one):
        widths[name] = len(step.get_feature_names_out())
    begin, one.output_indices_ = 0, {}
    for name, width in widths.items():
        one.output_indices_[name] = slice(begin, begin + width) if width else slice(0, 0)
        begin += width
    if filled.stored and filled.rows and begin:
        dense = sum(widths[name] for name in one.output_indices_ if name not in filled.stored)
        density = (sum(filled.stored.values()) + filled.rows * dense) / (filled.rows * begin)
        one.sparse_output_ = density < one.sparse_threshold
    one._filled = filled
    take_over(self, one)
