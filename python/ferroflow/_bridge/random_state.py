"""NumPy's legacy random streams, handed to the Rust core and taken back."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.utils import check_random_state

Source = int | tuple[np.ndarray, int]
"""A seed, or the words and the position of a ``RandomState``."""

T = TypeVar("T")


def with_stream(random_state: Any, draw: Callable[[Source], tuple[T, Any]]) -> T | None:
    """Call `draw` with the stream that scikit-learn would draw from.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        As scikit-learn takes it; a ``RandomState`` (NumPy's own one for None) is left where `draw` left it.
    draw : callable
        ``draw(source)`` returns (result, where the stream stands now).

    Returns
    -------
    result
        What `draw` returned; None, with nothing drawn, if the stream is none that the core has.
    """
    if type(random_state) is int and 0 <= random_state < 2**32:
        return draw(random_state)[0]
    rng = check_random_state(random_state)
    bits = getattr(rng, "_bit_generator", None)
    if type(rng) is not np.random.RandomState or type(bits) is not np.random.MT19937:
        return None
    with bits.lock:  # other threads may draw from the same stream
        state = rng.get_state(legacy=False)
        words = state["state"]
        result, after = draw((words["key"], words["pos"]))
        words["key"], words["pos"] = after
        rng.set_state(state)
    return result
