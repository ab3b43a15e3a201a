"""Memory that goes from one large array to the next: nobody sees the other's values, and none is lost."""

import multiprocessing
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ferroflow._bridge.fresh import empty, release_memory
from ferroflow.preprocessing import StandardScaler

LARGE = 600_000  # f64, 4.8 MB
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def resident():
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def place(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("shape", [(LARGE,), (LARGE, 2), (3, 5), (0, 4)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_is_an_array_as_numpy_makes_it(shape, dtype, order):
    ours, theirs = empty(shape, dtype, order), np.empty(shape, dtype, order)
    assert (ours.shape, ours.dtype, ours.strides) == (theirs.shape, theirs.dtype, theirs.strides)
    assert ours.flags.owndata and ours.flags.writeable and ours.flags.aligned
    assert ours.base is None


def test_lives_on_in_the_next_array_only_when_it_is_gone():
    release_memory()
    first = empty((LARGE,), np.float64)
    first[:] = 1
    where = place(first)
    second = empty((LARGE,), np.float64)
    second[:] = 2
    assert (first == 1).all()
    view = first[10:]
    del first
    third = empty((LARGE,), np.float64)
    third[:] = 3
    assert (view == 1).all()
    del view
    if sys.platform == "linux":
        assert place(empty((LARGE,), np.float64)) == where


def test_objects_begin_as_none():
    full = empty((LARGE,), np.float64)
    full[:] = np.nan
    del full
    assert empty((LARGE,), object)[[0, -1]].tolist() == [None, None]


def test_can_be_resized():
    array = empty((LARGE,), np.float64)
    array[:] = np.arange(LARGE)
    array.resize(4 * LARGE, refcheck=False)
    np.testing.assert_array_equal(array[:LARGE], np.arange(LARGE))
    assert not array[LARGE:].any()
    array.resize(10, refcheck=False)
    np.testing.assert_array_equal(array, np.arange(10))
    array.resize(2 * LARGE, refcheck=False)
    np.testing.assert_array_equal(array[:10], np.arange(10))


def test_arrays_of_others_are_not_touched():
    del_me = empty((LARGE,), np.float64)
    where = place(del_me)
    del del_me
    assert place(np.empty(LARGE)) != where


@on_linux
def test_what_is_kept_is_bounded():
    release_memory()
    before = resident()
    held = [empty((k * LARGE,), np.float64) for k in range(1, 15)]
    for array in held:
        array[:] = 1
    assert resident() - before > 450 << 20
    del held, array
    assert resident() - before < 300 << 20
    huge = empty((100 * LARGE,), np.float64)
    huge[:] = 1
    del huge
    assert resident() - before < 300 << 20
    release_memory()
    assert resident() - before < 20 << 20


@on_linux
def test_new_memory_takes_the_place_of_what_is_kept():
    release_memory()
    before = resident()
    for n in (20, 8, 30, 3, 12):
        array = empty((n * LARGE,), np.float64)
        array[:] = 1
        assert resident() - before < (30 * LARGE * 8 + (20 << 20))
        del array


def test_threads_do_not_share():
    wrong = []

    def work(number):
        for _ in range(20):
            arrays = [empty((LARGE,), np.float64) for _ in range(3)]
            for k, array in enumerate(arrays):
                array[:] = 10 * number + k
            wrong.extend(k for k, array in enumerate(arrays) if not (array == 10 * number + k).all())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def scaled(queue):
    X = np.arange(2.0 * LARGE).reshape(-1, 2)
    queue.put(float(StandardScaler().fit_transform(X).sum()))


@on_linux
def test_after_fork():
    kept = empty((2 * LARGE,), np.float64)
    kept[:] = 5
    gone = empty((2 * LARGE,), np.float64)
    gone[:] = 6
    del gone
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=scaled, args=(queue,))
    child.start()
    assert abs(queue.get(timeout=60)) < 1e-3
    child.join(timeout=60)
    assert child.exitcode == 0
    assert (kept == 5).all()
