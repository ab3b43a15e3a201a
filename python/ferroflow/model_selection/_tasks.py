"""The fits of a search: in what order they run, and what each of them shares."""

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferroflow._bridge.sklearn_compat import has_callbacks, num_samples
from ferroflow._bridge.sklearn_search import fit_and_score
from ferroflow.model_selection._draws import draws
from ferroflow.model_selection._evaluate import evaluate, set_parameters
from ferroflow.model_selection._prepared import Held, Prepared, advance, split
from ferroflow.model_selection._routes import Route, is_pipeline, key_of, route, touches


@dataclass
class Task:
    """One candidate on one fold: a call of scikit-learn's ``_fit_and_score``.

    Parameters
    ----------
    position : int
        Where scikit-learn would run it.
    args, kwargs
        Of that call.
    route : Route or None
        Its steps that others may share; None if it runs by itself.
    stops : tuple of int
        Numbers of steps after which its way may part from that of others.
    branches : dict
        By the number of a step that is a union: the names and keys of its branches that others need too.
    order : tuple of int
        What it is sorted by, so that tasks stand together that share most.
    model : estimator
        Of one task of each candidate: with the candidate's parameters, to be looked into.
    """

    position: int
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    route: Route | None = None
    stops: tuple[int, ...] = ()
    branches: dict[int, dict[str, Hashable]] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    model: Any = None

    @property
    def parameters(self) -> dict[str, Any]:
        return self.kwargs["parameters"]

    @property
    def fold(self) -> tuple[int, int]:
        return id(self.kwargs["train"]), id(self.kwargs["test"])

    def key(self, stop: int) -> Hashable:
        assert self.route is not None
        return (*self.fold, self.route.keys[:stop])

    def needs(self) -> list[Hashable]:
        """The keys of all that is held for it."""
        branches = [key for named in self.branches.values() for key in named.values()]
        return [*map(self.key, self.stops), *branches]


def plan(tasks: Sequence[Task], varied: set[str] | None = None) -> None:
    """Find the routes of all tasks, and where they part.

    Parameters
    ----------
    tasks : sequence of Task
    varied : set of str, default=None
        The parameters in which candidates may differ, if more come later; those in which they do differ if None.
    """
    routes: dict[int, Route | None] = {}
    for task in one_each(tasks):
        task.model, routes[id(task.parameters)] = _look(task)
    for task in tasks:
        task.route = routes[id(task.parameters)]
    given = varied
    varied = _differing([task.parameters for task in tasks]) if given is None else given
    for task in tasks:
        if task.route is not None:
            slots = task.route.slots
            parting = {i for i, slot in enumerate(slots) if any(touches(name, slot.path) for name in varied)}
            task.stops = tuple(sorted(parting | {len(slots)}))
    _plan_branches(tasks, varied, among_these=given is None)
    numbers: dict[Hashable, int] = {}
    for task in tasks:
        way = [task.key(stop) for stop in task.stops] if task.route is not None else [task.position]
        task.order = tuple(numbers.setdefault(key, len(numbers)) for key in [task.fold, *way])


def _plan_branches(tasks: Sequence[Task], varied: set[str], *, among_these: bool) -> None:
    """Find the branches of unions that are worth holding: those that stand in more than one union that is fitted."""
    unions: dict[Hashable, set[Hashable]] = {}
    for task in tasks:
        if task.route is None:
            continue
        for i, (slot, named) in enumerate(zip(task.route.slots, task.route.branches, strict=True)):
            if any(touches(name, slot.path) for name in varied):
                task.branches[i] = {
                    name: ("branch", *task.fold, task.route.keys[:i], slot.path, name, key)
                    for name, key in named.items()
                }
                for key in task.branches[i].values():
                    unions.setdefault(key, set()).add(task.key(i + 1))
    if among_these:
        for task in tasks:
            for i, named in task.branches.items():
                task.branches[i] = {name: key for name, key in named.items() if len(unions[key]) > 1}


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """Fold by fold, and within a fold those together that share most."""
    return sorted(tasks, key=lambda task: (*task.order, task.position))


def one_each(tasks: Sequence[Task]) -> list[Task]:
    """A task of each candidate: the one that :func:`plan` looked into."""
    first: dict[int, Task] = {}
    for task in tasks:
        first.setdefault(id(task.parameters), task)
    return list(first.values())


def draw(tasks: Sequence[Task]) -> bool:
    """Does any of them take random numbers in the order in which they run?"""
    try:
        return any(draws(task.model, num_samples(task.args[1])) for task in one_each(tasks))
    except Exception:
        return True  # no estimator that can be looked into


def _look(task: Task) -> tuple[Any, Route | None]:
    """The task's estimator with its parameters, to be looked into, and its route."""
    estimator, X, _ = task.args
    caller = task.kwargs.get("caller")
    try:
        if is_pipeline(estimator):
            set_parameters(estimator, task.parameters)
        else:
            # Fits set the parameters themselves: that may be all that somebody's estimator expects.
            estimator = copy.copy(estimator)
            estimator.__dict__.update(task.parameters)
        if caller is not None and has_callbacks(caller):
            return estimator, None
        fit_params = task.kwargs["fit_params"] or {}
        return estimator, route(estimator, task.parameters, num_samples(X), fit_params)
    except Exception:
        return estimator, None  # scikit-learn meets the same error in its turn, and words it


def _differing(candidates: Sequence[dict[str, Any]]) -> set[str]:
    values: dict[str, set[Any]] = {}
    missing = object()
    for name in {name for candidate in candidates for name in candidate}:
        values[name] = {key_of(candidate.get(name, missing)) for candidate in candidates}
    return {name for name, keys in values.items() if len(keys) > 1}


class Evaluator:
    """Runs tasks, and holds what they share between them."""

    def __init__(self, budget: int) -> None:
        self.held = Held(budget)
        self._failed: set[Hashable] = set()

    def expect(self, tasks: Sequence[Task]) -> None:
        """Count who needs what, so that it can be released after the last one."""
        for task in tasks:
            for key in task.needs():
                self.held.expect(key)

    def prepare(self, task: Task) -> Prepared | None:
        """Fit the steps that the task shares, or take them; None if it has to run by itself."""
        if task.route is None or any(task.key(stop) in self._failed for stop in task.stops):
            return None
        args, kwargs = task.args, task.kwargs
        prepared, done = None, 0
        for done in reversed(task.stops):
            prepared = self.held.get(task.key(done))
            if prepared is not None:
                break
        try:
            if task.route.slots:
                set_parameters(args[0], task.parameters)
            if prepared is None:
                prepared, done = split(args, kwargs), 0
                if 0 in task.stops:
                    self.held.put(task.key(0), prepared)
            for stop in [stop for stop in task.stops if stop > done]:
                branches = {task.route.slots[i]: task.branches.get(i, {}) for i in range(done, stop)}
                prepared = advance(prepared, args, kwargs, branches, self.held)
                self.held.put(task.key(stop), prepared)
                done = stop
        except Exception:
            # The task alone, from its raw rows, meets the same error where scikit-learn handles it.
            self._failed.add(task.key(next((stop for stop in task.stops if stop > done), done)))
            return None
        return prepared

    @staticmethod
    def run(task: Task, prepared: Prepared | None) -> dict[str, Any]:
        if prepared is None:
            return fit_and_score(*task.args, **task.kwargs)
        assert task.route is not None
        return evaluate(task.args, task.kwargs, task.route.slots, prepared)

    def done(self, task: Task) -> None:
        """The task needs its rows no more, nor its estimator."""
        for key in task.needs():
            self.held.done(key)
        task.args, task.model = (), None
