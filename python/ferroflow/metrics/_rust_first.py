"""Functions of ours in scikit-learn's clothes."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from ferroflow._bridge.ledger import note_rust, note_sklearn


class Foreign(Exception):
    """A case for scikit-learn's own function; the message says why."""


def documented_as(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function scikit-learn's docstring and what its tests of public functions look for."""

    def document(ours: Callable[..., Any]) -> Callable[..., Any]:
        ours.__doc__ = theirs.__doc__
        ours._skl_parameter_constraints = theirs._skl_parameter_constraints  # type: ignore[attr-defined]
        return ours

    return document


def rust_first(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function of ours stand for `theirs`, which takes what ours says is :class:`Foreign`.

    Where the installed scikit-learn's function has other parameters, it stays.
    """

    def decorate(ours: Callable[..., Any]) -> Callable[..., Any]:
        # As text, since NaN, a default of some, is not equal to itself.
        if str(signature(ours)) != str(signature(theirs)):
            return theirs
        name = theirs.__name__

        @documented_as(theirs)
        @wraps(ours)
        def function(*args: Any, **kwargs: Any) -> Any:
            try:
                result = ours(*args, **kwargs)
            except Foreign as foreign:
                reason = str(foreign)
            except TypeError:
                if _takes(*args, **kwargs):
                    raise
                reason = "arguments that the function does not take"
            else:
                note_rust(name)
                return result
            note_sklearn(name, reason)
            return theirs(*args, **kwargs)

        def _takes(*args: Any, **kwargs: Any) -> bool:
            try:
                signature(ours).bind(*args, **kwargs)
            except TypeError:
                return False
            return True

        return function

    return decorate
