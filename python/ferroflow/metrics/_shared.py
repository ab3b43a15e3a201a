"""Counts that several metrics of one prediction share while one call lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_kept: ContextVar[dict[tuple[Any, ...], Any] | None] = ContextVar("kept", default=None)


@contextmanager
def shared_counts() -> Iterator[None]:
    """Within it, what was counted over the same objects is not counted again."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def is_shared() -> bool:
    """Are counts kept for other metrics?"""
    return _kept.get() is not None


def counted_once(count: Callable[..., Any], *of: Any) -> Any:
    """Return ``count(*of)``, counted before if the same was asked over the very same objects."""
    kept = _kept.get()
    if kept is None:
        return count(*of)
    key = (count, *map(id, of))
    if key not in kept:
        # The objects are kept too: an id means one of them only while it lives.
        kept[key] = count(*of), of
    return kept[key][0]
