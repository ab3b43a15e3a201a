# The native module's signatures; tests/test_native_module.py checks them against the binary.
# What each function means is told by the public Python function or class that calls it.

from typing import Any

from numpy.typing import NDArray

__version__: str

# pool
def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...

# scale
def column_moments(
    x: NDArray[Any],
    weights: NDArray[Any] | None = None,
    before: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], bool, bool]: ...
def merge_moments(
    a: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], b: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def standardize(
    x: NDArray[Any], mean: NDArray[Any] | None, scale: NDArray[Any] | None, inverse: bool
) -> tuple[NDArray[Any], bool]: ...
