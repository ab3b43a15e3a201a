"""The branches of a union of steps, each fitted once for the candidates that agree on it."""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn import compose as their_compose
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import FeatureUnion
from sklearn.utils import get_tags

from ferroflow._bridge.sklearn_compat import routing_enabled
from ferroflow.compose import ColumnTransformer

# Where each kind keeps its branches, and where the fitted ones.
_UNIONS = {
    ColumnTransformer: ("transformers", "transformers_"),
    their_compose.ColumnTransformer: ("transformers", "transformers_"),
    FeatureUnion: ("transformer_list", "transformer_list"),
}


@dataclass
class Fitted:
    """A fitted branch, what it made of the rows that it learnt from, and how long that took."""

    step: Any
    rows: Any
    seconds: float


def branches_of(step: Any) -> list[str]:
    """The names of the steps in a union that stand beside each other; none of what has to be fitted as a whole."""
    if type(step) not in _UNIONS or step.n_jobs not in (None, 1) or step.verbose or routing_enabled():
        return []
    listed = getattr(step, _UNIONS[type(step)][0])
    return [name for name, branch, *_ in listed if not (branch is None or isinstance(branch, str))]


def fit_by_branch(
    union: Any,
    X: Any,
    y: Any,
    keys: Mapping[str, Hashable],
    get: Callable[[Hashable], Any],
    put: Callable[[Hashable, Any], None],
) -> tuple[Any, float]:
    """Fit a union's branches but for those that are held.

    Parameters
    ----------
    union : ColumnTransformer or FeatureUnion
    X, y
        What to learn from.
    keys : mapping of str to key
        Names and keys of the branches that others may need.
    get, put : callable
        Find a fitted branch by its key, or None; hold one.

    Returns
    -------
    rows, seconds
        What ``fit_transform`` gives, and what the branches took that were held.
    """
    source, target = _UNIONS[type(union)]
    given = getattr(union, source)
    branches = {name: _Branch(step, get(keys[name])) for name, step, *_ in given if name in keys}
    held = [name for name, branch in branches.items() if branch.fitted is not None]
    setattr(union, source, [(name, branches.get(name, step), *rest) for name, step, *rest in given])
    try:
        rows = union.fit_transform(X, y)
        fitted = [
            (name, step.fitted.step if isinstance(step, _Branch) else step, *rest)
            for name, step, *rest in getattr(union, target)
        ]
    finally:
        setattr(union, source, given)
    setattr(union, target, fitted)
    for name, branch in branches.items():
        if name not in held and branch.fitted is not None:
            put(keys[name], branch.fitted)
    return rows, sum(branches[name].fitted.seconds for name in held)


class _Branch(BaseEstimator):
    """Stands for a branch while its union is fitted."""

    def __init__(self, transformer: Any, fitted: Fitted | None) -> None:
        self.transformer = transformer
        self.fitted: Any = fitted

    def __sklearn_clone__(self) -> "_Branch":
        return self

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.transformer)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        if self.fitted is None:
            start = time.perf_counter()
            step = clone(self.transformer)
            if hasattr(step, "fit_transform"):
                rows = step.fit_transform(X, y)
            else:
                rows = step.fit(X, y).transform(X)
            self.fitted = Fitted(step, rows, time.perf_counter() - start)
        return self.fitted.rows

    def transform(self, X: Any) -> Any:
        return self.fitted.step.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        return self.fitted.step.get_feature_names_out(input_features)
