"""The steps of each candidate, as the path that it takes through a trie: what candidates have in common is fitted once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import pipeline as theirs
from sklearn.utils import get_tags

from ferroflow._bridge.sklearn_compat import has_callbacks, routing_enabled
from ferroflow.model_selection._branches import branches_of
from ferroflow.model_selection._draws import draws, parts_of, writes_in_place
from ferroflow.pipeline import Pipeline

_PIPELINES = (Pipeline, theirs.Pipeline)
_SCALARS = (type(None), bool, int, float, complex, str, bytes, np.generic)


@dataclass(frozen=True)
class Slot:
    """The place of a step: the pipeline that it is in, by names from the outermost one, and its index there."""

    owner: tuple[str, ...]
    index: int
    name: str

    @property
    def path(self) -> str:
        return "__".join((*self.owner, self.name))

    def of(self, estimator: Any) -> Any:
        """The pipeline in `estimator` that has this step."""
        for name in self.owner:
            estimator = dict(estimator.steps)[name]
        return estimator

    def step(self, estimator: Any) -> Any:
        return self.of(estimator).steps[self.index][1]

    def put(self, estimator: Any, step: Any) -> None:
        owner = self.of(estimator)
        owner.steps[self.index] = (owner.steps[self.index][0], step)


@dataclass(frozen=True)
class Route:
    """The steps that others may share, from the first on: where they are, and what the candidate sets in each.

    Of a step that is a union of branches, also what it sets in each of these.
    """

    slots: tuple[Slot, ...] = ()
    keys: tuple[Any, ...] = ()
    branches: tuple[dict[str, Any], ...] = ()


def is_pipeline(estimator: Any) -> bool:
    """Is it a pipeline, and not one of somebody's own kind?"""
    return type(estimator) in _PIPELINES


def route(estimator: Any, parameters: dict[str, Any], rows: int, fit_params: dict[str, Any]) -> Route | None:
    """Return the route of a candidate; None if it has to run by itself, on rows of its own.

    Parameters
    ----------
    estimator : estimator
        With its parameters set.
    parameters : dict
        The candidate's.
    rows : int
        How many there are, for what draws random numbers only from some number on.
    fit_params : dict
        Those of the fit. Under metadata routing any of them ends the sharing, since a step may ask for it in
        methods that are then not called.
    """
    if (
        any(map(has_callbacks, parts_of(estimator)))
        or writes_in_place(estimator)
        or get_tags(estimator).input_tags.pairwise
        or (fit_params and routing_enabled())
    ):
        return None
    if not is_pipeline(estimator):
        return None if any("__" in name for name in parameters) else Route()
    slots = _slots(estimator, (), nested=not fit_params)
    if slots is None:
        return None
    named: dict[str, list[Any]] = {slot.path: [] for slot in slots}
    if len(named) < len(slots):
        return None  # two steps of one name: scikit-learn words the error
    for name, value in parameters.items():
        homes = [home for home in named if touches(name, home)]
        if not homes:
            return None  # it sets a pipeline, not a step
        for home in homes:
            named[home].append((name, key_of(value)))
    kept = 0
    for slot in slots[:-1]:
        step = slot.step(estimator)
        there = step is not None and not isinstance(step, str)
        if there and (draws(step, rows) or (fit_params and hasattr(step, "fit_resample"))):
            break
        kept += 1
    keys = [tuple(sorted(pairs, key=lambda pair: pair[0])) for pairs in named.values()][:kept]
    branches: list[dict[str, Any]] = [{} for _ in keys]
    if not fit_params:
        branches = [_branches(*of, estimator) for of in zip(slots, keys, strict=False)]
    return Route(tuple(slots[:kept]), tuple(keys), tuple(branches))


def _branches(slot: Slot, key: tuple[Any, ...], estimator: Any) -> dict[str, Any]:
    """What a candidate sets in each branch of a union; empty if it sets anything else there, or if this is none."""
    found: dict[str, Any] = dict.fromkeys(branches_of(slot.step(estimator)), ())
    for pair in key:
        name, _, rest = pair[0].removeprefix(slot.path + "__").partition("__")
        if not pair[0].startswith(slot.path + "__") or name not in found:
            return {}
        found[name] += ((rest, pair[1]),)
    return found


def _slots(pipeline: Any, owner: tuple[str, ...], *, nested: bool) -> list[Slot] | None:
    """The steps of a pipeline, those of pipelines in it included; None if they have to stay together."""
    if pipeline.verbose or getattr(pipeline, "transform_input", None):
        return None
    if owner and (pipeline.memory is not None or any(hasattr(s, "fit_resample") for _, s in pipeline.steps)):
        return None
    found = []
    for index, (name, step) in enumerate(pipeline.steps):
        inner = None
        if nested and is_pipeline(step) and index < len(pipeline.steps) - 1:
            inner = _slots(step, (*owner, name), nested=True)
        found += inner if inner is not None else [Slot(owner, index, name)]
    return found


def touches(parameter: str, step: str) -> bool:
    """Does setting `parameter` change the step, or a pipeline that it is in?"""
    return parameter == step or parameter.startswith(step + "__") or step.startswith(parameter + "__")


def key_of(value: Any) -> Any:
    """A key that two values share only if a step cannot tell them apart: scalars by value, others by identity."""
    if isinstance(value, _SCALARS):
        return (type(value), repr(value))
    if type(value) is tuple:
        return (tuple, *map(key_of, value))
    return ("object", id(value))
