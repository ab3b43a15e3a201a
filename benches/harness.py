"""Ours against theirs in one process, in turn: the rules of a fair number.

A family's file in ``benches/cases`` defines ``CASES``, a list of :class:`Case`. For each case the two
calls are made once to warm up and their results compared (a wrong result gets no number), then timed in
pairs A B A B ...; the ratio quoted is the median of the pairs' ratios. Theirs runs at its best thread
setting: both are tried, the faster one counts. Peak memory is the resident growth during one call.
"""

import gc
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ferroflow._bridge.fresh import release_memory

Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Parameters
    ----------
    row : str
        What is measured, with its size, e.g. ``"StandardScaler.fit 1M x 20 f64"``.
    make : callable
        Called just before the row runs; returns (ours, theirs), two calls without arguments that do the same
        work and return what is to be compared. Data is made here, so that it is freed after the row.
    same : callable
        ``same(ours, theirs)`` raises AssertionError if the results differ by more than the row allows.
    must, aim : float or None
        The ratios (theirs / ours) to reach.
    reads, writes : int
        Bytes that any implementation has to read and to write to fresh memory: the limit printed beside.
    n_jobs : bool
        False if theirs has no threads to set, which saves trying.
    """

    row: str
    make: Callable[[], tuple[Call, Call]]
    same: Callable[[Any, Any], None]
    must: float | None = None
    aim: float | None = None
    reads: int = 0
    writes: int = 0
    n_jobs: bool = True


@dataclass
class Result:
    """What a row measured; times in seconds, memory in bytes."""

    row: str
    ours: float = float("nan")
    theirs: float = float("nan")
    ratio: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    limit: float = 0.0
    peak_ours: int = 0
    peak_theirs: int = 0
    their_threads: int = 0
    must: float | None = None
    aim: float | None = None
    error: str = ""

    @property
    def verdict(self) -> str:
        """Where the ratio stands between losing and the aim."""
        if self.error:
            return "WRONG"
        if self.aim is not None and self.ratio >= self.aim:
            return "aim"
        if self.must is not None and self.ratio >= self.must:
            return "must"
        if self.ratio < 0.95:
            return "LOSES"
        return "below must" if self.must is not None else "ok"


def _timed(call: Call, loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops


def _loops(call: Call, target: float) -> int:
    once = _timed(call, 1)
    return max(1, min(10_000, int(target / max(once, 1e-7))))


def _peak(call: Call) -> int:
    """Growth of the resident set at its highest during one call (Linux; 0 elsewhere)."""
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not clear.exists():
        return 0
    gc.collect()
    release_memory()  # what it keeps for new arrays would hide what these take

    def read(key: str) -> int:
        line = next(line for line in status.read_text().splitlines() if line.startswith(key))
        return int(line.split()[1]) * 1024

    clear.write_text("5")
    before = read("VmRSS")
    result = call()
    high = read("VmHWM")
    del result
    return max(0, high - before)


def bandwidth() -> tuple[float, float]:
    """Bytes per second of reading an array, and of writing to fresh memory."""
    data = np.ones(20_000_000)
    read = min(_timed(data.sum, 1) for _ in range(5))
    write = min(_timed(lambda: np.full(20_000_000, 1.0), 1) for _ in range(3))
    return data.nbytes / read, data.nbytes / write


def measure(case: Case, rates: tuple[float, float], pairs: int = 5, inner: float = 0.02) -> Result:
    """Run one row: check, choose their threads, time in pairs.

    Parameters
    ----------
    case : Case
    rates : tuple of float
        From :func:`bandwidth`.
    pairs : int
        Counted pairs.
    inner : float
        Seconds that one timing lasts at least, so that microseconds are averaged.
    """
    result = Result(case.row, must=case.must, aim=case.aim)
    result.limit = case.reads / rates[0] + case.writes / rates[1]
    ours, theirs = case.make()
    try:
        case.same(ours(), theirs())
    except AssertionError as error:
        result.error = str(error).strip().splitlines()[0] if str(error).strip() else "results differ"
        return result
    threads = 0
    if case.n_jobs:
        tries = {}
        for n in (1, 2):
            with threadpool_limits(n):
                tries[n] = min(_timed(theirs, 1) for _ in range(2))
        threads = min(tries, key=lambda n: tries[n])
    result.their_threads = threads

    def limited():
        return threadpool_limits(threads) if threads else nullcontext()

    a = _loops(ours, inner)
    with limited():
        b = _loops(theirs, inner)
    times = []
    for _ in range(pairs):
        mine = _timed(ours, a)
        with limited():
            yours = _timed(theirs, b)
        times.append((mine, yours))
    ratios = sorted(yours / mine for mine, yours in times)
    result.ours = statistics.median(mine for mine, _ in times)
    result.theirs = statistics.median(yours for _, yours in times)
    result.ratio, result.low, result.high = statistics.median(ratios), ratios[0], ratios[-1]
    result.peak_ours, result.peak_theirs = _peak(ours), _peak(theirs)
    return result


def equal(ours: Any, theirs: Any) -> None:
    """The same values exactly (NaN equals NaN)."""
    np.testing.assert_array_equal(ours, theirs)


def close(rtol: float) -> Callable[[Any, Any], None]:
    """The same values within a relative tolerance; tuples and lists part by part."""

    def check(ours: Any, theirs: Any) -> None:
        if isinstance(ours, tuple | list):
            assert len(ours) == len(theirs)
            for a, b in zip(ours, theirs, strict=True):
                check(a, b)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=0)

    return check
