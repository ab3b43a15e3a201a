"""The thread pool as threadpoolctl sees it, and the threads of BLAS where they only cost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from threadpoolctl import LibController, ThreadpoolController, register

from ferroflow import _core


class FerroflowController(LibController):
    """Lets ``threadpool_limits`` and ``threadpool_info`` see ferroflow's pool."""

    user_api = "ferroflow"
    internal_api = "ferroflow"
    filename_prefixes = (Path(_core.__file__).name.split(".")[0],)
    check_symbols = ("ferroflow_get_num_threads",)

    def get_num_threads(self) -> int:
        return _core.get_num_threads()

    def set_num_threads(self, num_threads: int) -> None:
        _core.set_num_threads(num_threads)

    def get_version(self) -> str:
        return _core.__version__

    def set_additional_attributes(self) -> None:
        """There are none."""


register(FerroflowController)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


class _Inside:
    """How many fits keep BLAS to one thread: the first one in sets it, the last one out puts it back."""

    def __init__(self) -> None:
        self.lock, self.count = Lock(), 0
        self.limit: Any = None


_inside = _Inside()


def _begin_anew() -> None:
    global _inside
    _inside = _Inside()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread within: SciPy's solvers multiply matrices so small that its threads wait for each other."""
    inside = _inside
    with inside.lock:
        if inside.count == 0:
            inside.limit = _blas().limit(limits=1)
        inside.count += 1
    try:
        yield
    finally:
        with inside.lock:
            inside.count -= 1
            if inside.count == 0:
                inside.limit.restore_original_limits()
