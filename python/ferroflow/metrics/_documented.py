"""Functions of ours that look like scikit-learn's."""

from collections.abc import Callable
from typing import Any


def documented_as(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function scikit-learn's docstring and what its tests of public functions look for."""

    def document(ours: Callable[..., Any]) -> Callable[..., Any]:
        ours.__doc__ = theirs.__doc__
        ours._skl_parameter_constraints = theirs._skl_parameter_constraints  # type: ignore[attr-defined]
        return ours

    return document
