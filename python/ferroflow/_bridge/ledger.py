"""What ran where, and why: a small ledger per thread."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TextIO

RUST = "rust"
SKLEARN = "scikit-learn"


class Entry(NamedTuple):
    """One line of the ledger: `call` ran `calls` times on `engine`, for `reason`."""

    call: str
    engine: str
    reason: str
    calls: int


class StrictError(RuntimeError):
    """Raised under ``ferroflow.config(strict=True)`` where a case would be handed to scikit-learn."""


class _Local(threading.local):
    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str], int] = {}
        self.strict = False
        self.memory_budget: int | None = None


_local = _Local()


def note_rust(call: str) -> None:
    """Note that `call` ran on the Rust core."""
    counts = _local.counts
    key = (call, RUST, "")
    counts[key] = counts.get(key, 0) + 1


def note_sklearn(call: str, reason: str) -> None:
    """Note, before it happens, that `call` is handed to scikit-learn for `reason`.

    Raises
    ------
    StrictError
        Under ``ferroflow.config(strict=True)``.
    """
    if _local.strict:
        raise StrictError(
            f"{call} would be handed to scikit-learn: {reason}. "
            "ferroflow.config(strict=True) forbids that; change the input, or call ferroflow.config(strict=False)."
        )
    counts = _local.counts
    key = (call, SKLEARN, reason)
    counts[key] = counts.get(key, 0) + 1


def joiner() -> Callable[[], None]:
    """Return what, called in another thread, lets that one write to this thread's ledger, as strictly."""
    counts, strict = _local.counts, _local.strict

    def join() -> None:
        _local.counts, _local.strict = counts, strict

    return join


def entries() -> list[Entry]:
    """Return this thread's ledger, in the order of first calls."""
    return [Entry(*key, count) for key, count in _local.counts.items()]


def explain(*, clear: bool = False, file: TextIO | None = None) -> None:
    """Print what this thread ran where, and why.

    Parameters
    ----------
    clear : bool, default=False
        Empty the ledger afterwards.
    file : text file, default=None
        Where to print; standard output if None.
    """
    rows = entries()
    out = sys.stdout if file is None else file
    if not rows:
        out.write("ferroflow has run nothing in this thread yet.\n")
    width = max((len(row.call) for row in rows), default=0)
    for row in rows:
        reason = f"  ({row.reason})" if row.reason else ""
        out.write(f"{row.call:<{width}}  {row.engine:<12} x{row.calls}{reason}\n")
    if clear:
        _local.counts.clear()


_UNCHANGED: Any = object()


def memory_budget() -> int | None:
    """The bytes of prepared rows that a search of this thread may hold at a time, if that was configured."""
    return _local.memory_budget


def config(*, strict: bool = _UNCHANGED, memory_budget: int | None = _UNCHANGED):
    """Set how ferroflow works in this thread; what is not given stays.

    Takes effect at once; used in a ``with`` statement, the former settings come back at its end.

    Parameters
    ----------
    strict : bool
        If True, a case that would be handed to scikit-learn raises :class:`StrictError`.
    memory_budget : int or None
        The bytes of prepared rows that a search may hold at a time for candidates that share steps, unless it is
        given its own ``memory_budget``; None means a quarter of the machine's memory.

    Returns
    -------
    context manager
    """
    before = _local.strict, _local.memory_budget
    if memory_budget is not _UNCHANGED:
        if memory_budget is not None and (type(memory_budget) is not int or memory_budget < 0):
            raise ValueError(f"memory_budget must be a number of bytes or None, got {memory_budget!r}.")
        _local.memory_budget = memory_budget
    if strict is not _UNCHANGED:
        _local.strict = strict

    @contextmanager
    def restoring() -> Iterator[None]:
        try:
            yield
        finally:
            _local.strict, _local.memory_budget = before

    return restoring()
