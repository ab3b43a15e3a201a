"""What scikit-learn's cross-validation and search keep private, and how to run them with parts of ours."""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV, HalvingRandomSearchCV
from sklearn.model_selection._validation import _fit_and_score, _score
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed

__all__ = [
    "BaseSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "Parallel",
    "delayed",
    "fit_and_score",
    "is_plain_scorer",
    "safe_split",
    "score",
    "scorer_metadata",
    "scorers_of",
    "with_globals",
]

fit_and_score = _fit_and_score
score = _score
safe_split = _safe_split


def with_globals(function: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    """Copy one of scikit-learn's functions, without its decorators, that finds other objects under some global names.

    So its own code runs with a part of ours in it, and nothing in scikit-learn's modules is changed.
    """
    inner = inspect.unwrap(function)
    copy = FunctionType(
        inner.__code__, {**inner.__globals__, **names}, inner.__name__, inner.__defaults__, inner.__closure__
    )
    copy.__kwdefaults__ = inner.__kwdefaults__
    copy.__doc__, copy.__qualname__ = inner.__doc__, inner.__qualname__
    return copy


def scorer_metadata(search: Any, params: dict[str, Any]) -> dict[str, Any]:
    """What of the `params` of its ``fit`` a search hands to its scorer, without metadata routing."""
    return search._get_routed_params_for_fit(params).scorer.score


def scorers_of(scorer: Any) -> list[Any]:
    """The scorers that one scorer of several metrics is made of; a single one by itself."""
    return list(scorer._scorers.values()) if isinstance(scorer, _MultimetricScorer) else [scorer]


def is_plain_scorer(scorer: Any) -> bool:
    """Does this scorer only ask the estimator for its responses (``make_scorer``, a name, ``estimator.score``)?"""
    return all(
        isinstance(one, _BaseScorer | _PassthroughScorer)
        and type(one).__module__.startswith(("sklearn.", "ferroflow."))
        for one in scorers_of(scorer)
    )
