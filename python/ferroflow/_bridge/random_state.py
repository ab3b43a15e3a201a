"""NumPy's legacy random streams, handed to the Rust core and taken back."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numpy as np
from sklearn.utils import check_random_state

from ferroflow import _core

Source = int | _core.Stream | tuple[np.ndarray, int]
"""A seed, the stream of a seed, or the words and the position of a ``RandomState``."""

T = TypeVar("T")


def with_stream(random_state: Any, draw: Callable[[Source], tuple[T, Any]]) -> T | None:
    """Call `draw` with the stream that scikit-learn would draw from.

    Parameters
    ----------
    random_state : int, RandomState instance, None, or what :func:`lasting_stream` returned
        As scikit-learn takes it; a ``RandomState`` (NumPy's own one for None) is left where `draw` left it.
    draw : callable
        ``draw(source)`` returns (result, where the stream stands now).

    Returns
    -------
    result
        What `draw` returned; None, with nothing drawn, if the stream is none that the core has.
    """
    if _is_seed(random_state) or type(random_state) is _core.Stream:
        return draw(random_state)[0]
    rng = check_random_state(random_state)
    bits = _bits_of(rng)
    if bits is None:
        return None
    with bits.lock:  # other threads may draw from the same stream
        if _lie_as_known():
            words = _words_of(bits)
            result, (words[:-1], words[-1]) = draw((words[:-1], int(words[-1])))
            return result
        state = rng.get_state(legacy=False)
        words = state["state"]
        result, after = draw((words["key"], words["pos"]))
        words["key"], words["pos"] = after
        rng.set_state(state)
    return result


def lasting_stream(random_state: Any) -> Any:
    """Return what gives :func:`with_stream` one draw after another; None if it is none that the core has.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        As scikit-learn takes it.
    """
    if _is_seed(random_state):
        return _core.Stream(random_state)
    rng = check_random_state(random_state)
    return None if _bits_of(rng) is None else rng


def _is_seed(random_state: Any) -> bool:
    return type(random_state) is int and 0 <= random_state < 2**32


def _bits_of(rng: Any) -> np.random.MT19937 | None:
    bits = getattr(rng, "_bit_generator", None)
    return bits if type(rng) is np.random.RandomState and type(bits) is np.random.MT19937 else None


_Words = ctypes.c_uint32 * 625


def _words_of(bits: np.random.MT19937) -> np.ndarray:
    """Return the 624 words of a stream and its position where they lie: 1 us, `get_state` and `set_state` take 140."""
    return np.frombuffer(memoryview(_Words.from_address(bits.ctypes.state_address)), dtype=np.uint32)


@cache
def _lie_as_known() -> bool:
    """Does this NumPy keep a stream as :func:`_words_of` reads it?"""
    bits = np.random.MT19937(0)
    state = bits.state["state"]
    return np.array_equal(_words_of(bits), [*state["key"], state["pos"]])
