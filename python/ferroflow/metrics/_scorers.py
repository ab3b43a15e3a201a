"""scikit-learn's scorers over our metrics.

They are objects of scikit-learn's own classes; only the functions that they call are ours.
"""

import copy
from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any

from sklearn import metrics

import ferroflow.metrics as ours
from ferroflow._bridge.sklearn_compat import MultimetricScorer, named_scorers
from ferroflow.metrics._confusion import class_likelihood_ratios
from ferroflow.metrics._rust_first import documented_as
from ferroflow.metrics._shared import shared_counts

# Held here, since accelerate() puts ours into scikit-learn's module.
_their_check_scoring = metrics.check_scoring
_their_get_scorer = metrics.get_scorer


def positive_likelihood_ratio(y_true, y_pred):
    """LR+, 1 where it is undefined."""
    return class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[0]


def negative_likelihood_ratio(y_true, y_pred):
    """LR-, 1 where it is undefined."""
    return class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[1]


@cache
def _scorers() -> dict[str, Any]:
    """Every scorer by its name, calling our function where there is one."""
    functions: dict[str, Callable[..., Any]] = {name: getattr(ours, name) for name in ours.__all__}
    if "replace_undefined_by" in signature(class_likelihood_ratios).parameters:
        functions["positive_likelihood_ratio"] = positive_likelihood_ratio
        functions["negative_likelihood_ratio"] = negative_likelihood_ratio
    scorers = {}
    for name, theirs in named_scorers.items():
        scorer = scorers[name] = copy.deepcopy(theirs)
        scorer._score_func = functions.get(theirs._score_func.__name__, theirs._score_func)
    return scorers


class SharedScorer(MultimetricScorer):
    """Several scorers of one prediction, whose labels are counted once for all of them."""

    def __call__(self, estimator, *args, **kwargs):
        with shared_counts():
            return super().__call__(estimator, *args, **kwargs)


@documented_as(_their_get_scorer)
def get_scorer(scoring):
    if isinstance(scoring, str) and scoring in _scorers():
        return copy.deepcopy(_scorers()[scoring])
    return _their_get_scorer(scoring)


@documented_as(_their_check_scoring)
def check_scoring(estimator=None, scoring=None, *, allow_none=False, raise_exc=True):
    checked = _their_check_scoring(
        estimator=estimator, scoring=scoring, allow_none=allow_none, raise_exc=raise_exc
    )
    if isinstance(scoring, str):
        return get_scorer(scoring)
    if isinstance(checked, MultimetricScorer) and not callable(scoring):
        named = scoring if isinstance(scoring, dict) else {name: name for name in checked._scorers}
        scorers = {name: check_scoring(estimator, named[name]) for name in checked._scorers}
        return SharedScorer(scorers=scorers, raise_exc=raise_exc)
    module = getattr(scoring, "__module__", None)
    if isinstance(module, str) and module.startswith("ferroflow.metrics.") and module != __name__:
        raise ValueError(
            f"scoring value {scoring!r} looks like it is a metric "
            "function rather than a scorer. A scorer should "
            "require an estimator as its first parameter. "
            "Please use `make_scorer` to convert a metric "
            "to a scorer."
        )
    return checked
