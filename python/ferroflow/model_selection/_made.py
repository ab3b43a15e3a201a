"""How a splitter's folds are made: on the Rust core, or else by scikit-learn."""

from collections.abc import Callable, Iterable
from typing import Any

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.random_state import with_stream
from ferroflow._bridge.sklearn_compat import array_api_dispatch
from ferroflow.model_selection._rows import MOST_ROWS, row_count

_PACKAGE = "ferroflow.model_selection."
_MAKERS = ("_iter_test_masks", "_iter_test_indices", "_make_test_folds", "_iter_indices")
OTHER_STREAM = "the random state draws from another generator than MT19937"


class ToSklearn(Exception):
    """scikit-learn is to make the folds, for a reason; without one, since it words the error."""


def folds_made(splitter, X, y, groups, theirs: Iterable, make: Callable[[int], Iterable]):
    """Give (rows to learn from, rows to test) of each fold.

    Parameters
    ----------
    splitter : cross-validator
        One of ours, or of a subclass.
    X, y, groups : object
        As handed to ``split``.
    theirs : generator
        scikit-learn's folds, given where `make` raises :class:`ToSklearn`.
    make : callable
        ``make(n)`` returns the folds of n rows.
    """
    ours = next(cls for cls in type(splitter).__mro__ if cls.__module__.startswith(_PACKAGE))
    name = f"{ours.__name__}.split"
    try:
        if overridden(splitter, ours):
            raise ToSklearn("a subclass makes its own folds")
        if array_api_dispatch():
            raise ToSklearn("array API dispatch")
        n = row_count(X, y, groups)
        if n > MOST_ROWS:
            raise ToSklearn("more than 2**32 rows")
        folds = make(n)
    except ToSklearn as why:
        if why.args:
            note_sklearn(name, why.args[0])
        folds = theirs
    else:
        note_rust(name)
    yield from folds


def overridden(splitter, ours: type) -> bool:
    """May a subclass of `ours` have changed how folds are made?"""
    return type(splitter) is not ours and any(
        getattr(type(splitter), name, None) is not getattr(ours, name, None) for name in _MAKERS
    )


def drawn(random_state, draw: Callable[[Any], tuple]) -> Any:
    """Return what `draw` draws, see :func:`with_stream`."""
    result = with_stream(random_state, draw)
    if result is None:
        raise ToSklearn(OTHER_STREAM)
    return result


def each_of(folds: _core.Folds, k: int) -> Iterable:
    """Give the rows of each of `k` folds, made when they are asked for."""
    return map(folds.rows, range(k))
