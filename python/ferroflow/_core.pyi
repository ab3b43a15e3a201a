# The native module's signatures; tests/test_native_module.py checks them against the binary.
# What each function means is told by the public Python function or class that calls it.

from collections.abc import Callable
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
def multiply_sparse_columns(values: NDArray[Any], indices: NDArray[Any], factor: NDArray[Any]) -> None: ...
def sparse_column_moments(
    values: NDArray[Any],
    indices: NDArray[Any],
    pointers: NDArray[Any],
    shape: tuple[int, int],
    by_column: bool,
    weights: NDArray[Any] | None = None,
    before: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], bool, bool]: ...

# frozen
class FrozenModel:
    def __new__(cls, data: bytes) -> FrozenModel: ...
    def describe(self) -> dict[str, Any]: ...
    def predict_row(self, row: dict[str, Any]) -> Any: ...
    def proba_row(self, row: dict[str, Any]) -> Any: ...
    def run_dicts(self, rows: list[dict[str, Any]]) -> tuple[Any, Any, Any]: ...
    def run_columns(self, columns: list[Any]) -> tuple[Any, Any, Any]: ...

def frozen_write(document: str, tensors: list[tuple[str, str, list[int], bytes]]) -> bytes: ...

# serve
def serve(data: bytes, host: str, port: int, listening: Callable[[str, int], object]) -> None: ...
