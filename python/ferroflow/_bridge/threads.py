"""The thread pool as threadpoolctl sees it, and the threads of BLAS where they only cost."""

from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

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


def one_blas_thread() -> AbstractContextManager:
    """Keep BLAS to one thread within: SciPy's solvers multiply matrices so small that its threads wait for each other."""
    return _blas().limit(limits=1)
