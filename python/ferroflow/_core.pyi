# The native module's signatures; tests/test_native_module.py checks them against the binary.
# What each function means is told by the public Python function or class that calls it.

__version__: str

# pool
def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
