"""Fast paths: a method that tries a quick way before scikit-learn's wrappers and validation."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def is_plain_float_matrix(X: object) -> bool:
    """Is X a 2-d native f32 or f64 ndarray with at least a row and a column, aligned, of any layout?"""
    return type(X) is np.ndarray and X.dtype in FLOATS and _is_plain_matrix(X)


def is_whole_matrix(X: object) -> bool:
    """The same of whole numbers, which the core reads as float64."""
    return type(X) is np.ndarray and X.dtype.kind in "iu" and _is_plain_matrix(X)


def _is_plain_matrix(X: np.ndarray) -> bool:
    return X.ndim == 2 and X.size > 0 and X.flags.aligned and X.dtype.isnative


def with_fast_path(cls: type, name: str, fast: Callable[..., Any]) -> None:
    """Make ``cls.name`` call `fast` first; where that returns NotImplemented, the method as it was.

    To be called after the class statement, so that scikit-learn's wrapper of ``transform`` and
    ``fit_transform`` (``set_output``) is skipped too: `fast` must return NotImplemented unless
    :func:`~ferroflow._bridge.sklearn_compat.default_output` holds. Subclasses are served by the method as it
    was, since they may have overridden what it calls.
    """
    slow = getattr(cls, name)

    @wraps(slow)
    def method(self, X, *args, **kwargs):
        if type(self) is cls:
            result = fast(self, X, *args, **kwargs)
            if result is not NotImplemented:
                return result
        return slow(self, X, *args, **kwargs)

    setattr(cls, name, method)
