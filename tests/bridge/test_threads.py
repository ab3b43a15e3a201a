import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import ferroflow._bridge  # noqa: F401
from ferroflow import _core

SUM = """
import numpy as np
from ferroflow.preprocessing import StandardScaler
print(repr(StandardScaler().fit(np.random.RandomState(0).rand(300_000, 3)).mean_.tolist()))
"""


def test_threadpoolctl_sees_and_limits_the_pool():
    assert any(info["user_api"] == "ferroflow" for info in threadpool_info())
    before = _core.get_num_threads()
    with threadpool_limits(1):
        assert _core.get_num_threads() == 1
    assert _core.get_num_threads() == before


@pytest.mark.parametrize("value, expected", [("1", 1), ("1,4", 1), ("nonsense", None), ("0", None)])
def test_omp_num_threads_is_obeyed(value, expected):
    code = "from ferroflow import _core; print(_core.get_num_threads())"
    env = {**os.environ, "OMP_NUM_THREADS": value}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert int(done.stdout) == (expected or len(os.sched_getaffinity(0)))


def test_the_number_of_threads_does_not_change_a_result():
    results = set()
    for n in ("1", "2", "3"):
        code = f"from ferroflow import _core; _core.set_num_threads({n})\n" + SUM
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        results.add(done.stdout)
    assert len(results) == 1


def test_a_forked_child_has_a_pool_of_its_own():
    code = SUM + (
        "import os\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    StandardScaler().fit(np.random.RandomState(0).rand(300_000, 3))\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "7"
