"""Fit a candidate on prepared rows and score it, by scikit-learn's own function for that."""

import copy
from typing import Any

from sklearn.base import clone

from ferroflow._bridge.sklearn_search import fit_and_score, safe_split, score, with_globals
from ferroflow.model_selection._draws import is_trusted
from ferroflow.model_selection._prepared import Prepared
from ferroflow.model_selection._routes import Slot


def set_parameters(estimator: Any, parameters: dict[str, Any] | None) -> Any:
    """Set a candidate's parameters, cloned, since they may be estimators."""
    return estimator if parameters is None else estimator.set_params(**clone(parameters, safe=False))


def evaluate(
    args: tuple[Any, ...], kwargs: dict[str, Any], slots: tuple[Slot, ...], prepared: Prepared
) -> Any:
    """Do what scikit-learn's ``_fit_and_score`` does with these arguments, on rows that the first steps have prepared.

    Parameters
    ----------
    args, kwargs
        Of ``_fit_and_score``; the estimator has its parameters.
    slots : tuple of Slot
        The steps that are already fitted.
    prepared : Prepared
    """
    estimator, X, y = args
    for slot in slots:
        slot.put(estimator, "passthrough")
    if not is_trusted(estimator):
        prepared = prepared.copied()

    def rows(estimator: Any, X: Any, y: Any, indices: Any, train: Any = None) -> tuple[Any, Any]:
        return (prepared.X, prepared.y) if train is None else (prepared.judged, prepared.y_judged)

    def scored(model: Any, X_scored: Any, y_scored: Any, *rest: Any) -> Any:
        train_scores = X_scored is prepared.X
        if prepared.judges:
            if train_scores:
                X_scored, y_scored = prepared.seen, prepared.y_seen
            return score(model, X_scored, y_scored, *rest)
        # Any other function may look into the pipeline and at the rows: it gets them as scikit-learn has them.
        for slot, step in zip(slots, prepared.steps, strict=True):
            slot.put(model, copy.copy(step))
        where = (kwargs["train"],) if train_scores else (kwargs["test"], kwargs["train"])
        return score(model, *safe_split(model, X, y, *where), *rest)

    parts: dict[str, Any] = {"_safe_split": rows, "_score": scored}
    if slots:
        parts["clone"] = lambda parameters, safe: {}  # they are set
    run = with_globals(fit_and_score, **parts)
    result = run(estimator, X, y, **kwargs)
    if "fit_time" in result:
        result["fit_time"] += prepared.fit_seconds
        result["score_time"] += prepared.score_seconds if result["fit_error"] is None else 0.0
    return result
