"""The rows of a fold after the steps that candidates share, and how long they are held."""

import contextlib
import copy
import os
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from scipy import sparse

from ferroflow._bridge.ledger import memory_budget
from ferroflow._bridge.sklearn_compat import check_method_params
from ferroflow._bridge.sklearn_search import is_plain_scorer, safe_split
from ferroflow.model_selection._branches import Fitted, fit_by_branch
from ferroflow.model_selection._draws import is_trusted
from ferroflow.model_selection._routes import Slot


@dataclass
class Prepared:
    """What the steps so far made of a fold.

    Parameters
    ----------
    X, y
        What the next step learns from.
    judged, y_judged
        The rows that are held out.
    seen, y_seen
        The rows learnt from as ``transform`` gives them (``fit_transform`` may give others), for train scores.
    judges : bool
        Do the held-out rows go through the steps? Not if the scorer wants them as they are.
    steps : list
        The fitted steps.
    fit_seconds, score_seconds : float
        What it took, which belongs to the times of every candidate that goes on from here.
    """

    X: Any
    y: Any
    judged: Any
    y_judged: Any
    seen: Any = None
    y_seen: Any = None
    judges: bool = True
    steps: list[Any] = field(default_factory=list)
    fit_seconds: float = 0.0
    score_seconds: float = 0.0

    @property
    def nbytes(self) -> int:
        distinct = {id(rows): rows for rows in (self.X, self.judged, self.seen)}
        return sum(map(size_of, distinct.values()))

    def copied(self) -> "Prepared":
        """The same with rows of its own, for an estimator that may write to them."""
        seen: dict[int, Any] = {}

        def own(rows: Any) -> Any:
            return seen.setdefault(id(rows), _copy(rows))

        return Prepared(
            own(self.X),
            own(self.y),
            own(self.judged),
            own(self.y_judged),
            own(self.seen),
            own(self.y_seen),
            self.judges,
            self.steps,
            self.fit_seconds,
            self.score_seconds,
        )


def split(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Prepared:
    """The rows of a fold before any step, by the arguments of scikit-learn's ``_fit_and_score``."""
    train, test = kwargs["train"], kwargs["test"]
    judges = is_plain_scorer(kwargs["scorer"])
    learned, y_learned = safe_split(*args, train)
    judged, y_judged = safe_split(*args, test, train)
    prepared = Prepared(learned, y_learned, judged, y_judged, judges=judges)
    if judges and kwargs["return_train_score"]:
        prepared.seen, prepared.y_seen = learned, y_learned
    return prepared


def advance(
    prepared: Prepared,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    slots: Mapping[Slot, Mapping[str, Hashable]],
    held: "Held",
) -> Prepared:
    """Fit the steps in `slots`, which are taken from the estimator in `args`, on prepared rows.

    Beside each slot stand the names and keys of its branches that are held for others.
    """
    estimator, X, _ = args
    fit_params = kwargs["fit_params"] or {}
    steps = [slot.step(estimator) for slot in slots]
    present = [not (step is None or isinstance(step, str)) for step in steps]
    trusted = all(is_trusted(step) for step, there in zip(steps, present, strict=True) if there)
    if not trusted:
        prepared = prepared.copied()
    out, y, spared = prepared.X, prepared.y, 0.0
    start = time.perf_counter()
    for (slot, branches), step, there in zip(slots.items(), steps, present, strict=True):
        if there and trusted and branches:
            out, seconds = fit_by_branch(step, out, y, branches, held.get, held.put)
            spared += seconds
        elif there:
            prefix = slot.name + "__"
            own = {
                name[len(prefix) :]: value for name, value in fit_params.items() if name.startswith(prefix)
            }
            out, y = _fit(step, out, y, check_method_params(X, params=own, indices=kwargs["train"]))
    if not trusted and prepared.seen is not None:
        out = _copy(out)  # it may be the array that is now transformed once more
    fitted = time.perf_counter()
    live = [step for step, there in zip(steps, present, strict=True) if there and hasattr(step, "transform")]
    judged = _through(live, prepared.judged) if prepared.judges else prepared.judged
    scored = time.perf_counter()
    return Prepared(
        out,
        y,
        judged,
        prepared.y_judged,
        None if prepared.seen is None else _through(live, prepared.seen),
        prepared.y_seen,
        prepared.judges,
        [*prepared.steps, *steps],
        prepared.fit_seconds + fitted - start + spared,
        prepared.score_seconds + scored - fitted,
    )


def _fit(step: Any, X: Any, y: Any, params: dict[str, Any]) -> tuple[Any, Any]:
    """Fit a step; return what the next one learns from."""
    if hasattr(step, "fit_resample"):
        return step.fit_resample(X, y)
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y, **params), y
    return step.fit(X, y, **params).transform(X), y


def _through(steps: list[Any], X: Any) -> Any:
    for step in steps:
        X = step.transform(X)
    return X


class Held:
    """Prepared rows, and fitted branches, by key, no more of them at a time than a number of bytes.

    Those with a number of users are released when the last one is done; those without stay until the least recently
    used have to make room.
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.bytes = budget, 0
        self._rows: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._users: dict[Hashable, int] = {}
        self._lock = Lock()

    def expect(self, key: Hashable) -> None:
        """One more user of `key` will come."""
        self._users[key] = self._users.get(key, 0) + 1

    def get(self, key: Hashable) -> Any:
        with self._lock:
            found = self._rows.get(key)
            if found is None:
                return None
            self._rows.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, prepared: Prepared | Fitted) -> None:
        """Hold `prepared` if somebody else will need it, and if there is room."""
        counted = key in self._users
        if counted and self._users[key] < 2:
            return
        size = prepared.nbytes if isinstance(prepared, Prepared) else size_of(prepared.rows)
        with self._lock:
            for other in [k for k in self._rows if k not in self._users]:
                if self.bytes + size <= self.budget:
                    break
                self._drop(other)
            if self.bytes + size <= self.budget:
                self._rows[key] = (prepared, size)
                self.bytes += size

    def done(self, key: Hashable) -> None:
        """One user of `key` needs it no more."""
        with self._lock:
            left = self._users.get(key, 0) - 1
            if left == 0:
                del self._users[key]
                self._drop(key)
            elif left > 0:
                self._users[key] = left

    def _drop(self, key: Hashable) -> None:
        _, size = self._rows.pop(key, (None, 0))
        self.bytes -= size


def size_of(rows: Any) -> int:
    """The bytes of an array, a sparse matrix or a frame; of texts in object columns only the references count."""
    if rows is None:
        return 0
    if sparse.issparse(rows):
        parts = [getattr(rows, name, None) for name in ("data", "indices", "indptr", "row", "col")]
        return sum(part.nbytes for part in parts if isinstance(part, np.ndarray))
    if hasattr(rows, "memory_usage"):
        usage = rows.memory_usage(index=True)
        return int(np.sum(usage))
    if hasattr(rows, "estimated_size"):
        return int(rows.estimated_size())
    return int(getattr(rows, "nbytes", 64 * len(rows) if hasattr(rows, "__len__") else 0))


def _copy(rows: Any) -> Any:
    if rows is None or not hasattr(rows, "copy"):
        return copy.deepcopy(rows)
    if isinstance(rows, np.ndarray):
        return rows.copy(order="K")  # sums over rows of another layout differ in their last bits
    return rows.copy()


def default_budget() -> int:
    """What ``ferroflow.config`` says, or a quarter of the machine's memory, or of what its control group may use."""
    if (configured := memory_budget()) is not None:
        return configured
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no such limit
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total // 4
