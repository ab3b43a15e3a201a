"""Models that ask several others, and take the mean or the majority."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing import tree
from ferroflow.deploy._freezing.graph import NUMBER, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.members import (
    classifier,
    decided,
    label_of,
    linear_map,
    link,
    mean,
    precision_of,
    predicted,
    probabilities,
    scores,
)
from ferroflow.deploy._freezing.several import truths

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def _members(model: Any, where: str) -> list[tuple[str, Any]]:
    names = [name for name, one in model.estimators if not isinstance(one, str)]
    return [(f"{where}, {name!r}", one) for name, one in zip(names, model.estimators_, strict=True)]


def voting_classifier(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    soft = model.voting == "soft"
    ask = probabilities if soft else decided
    parts = [ask(compiler, one, value, place) for place, one in _members(model, where)]
    precision = precision_of(model.predict_proba(value.sample)) if soft else 64
    whole = mean(compiler, parts, model._weights_not_none, precision)
    return classifier(compiler, model, whole, where, precision, "given" if soft else "none")


def voting_regressor(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    parts = [predicted(compiler, one, value, place) for place, one in _members(model, where)]
    raw = model.predict(value.sample)
    precision = precision_of(raw)
    whole = mean(compiler, parts, model._weights_not_none, precision)
    return {"value": whole.number, "float": precision, **targets(compiler, raw, 1, y)}


def voting_step(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    """What each member says, side by side."""
    if getattr(step, "voting", "") == "soft":
        ask = probabilities
    else:
        ask = label_of if hasattr(step, "voting") else predicted
    return compiler.concat([ask(compiler, one, value, place) for place, one in _members(step, where)], out)


def bagging(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    is_classifier = hasattr(model, "classes_")
    if all(hasattr(one, "tree_") for one in model.estimators_):
        return tree.bagging(compiler, model, value, where, y)
    if is_classifier and not all(
        hasattr(one, "predict_proba") and len(one.classes_) == len(model.classes_)
        for one in model.estimators_
    ):
        raise TypeError(
            f"{where}: a BaggingClassifier of members without probabilities, or without some class, cannot be frozen; "
            "give it members with predict_proba, and more samples"
        )
    parts = []
    for i, (one, columns) in enumerate(zip(model.estimators_, model.estimators_features_, strict=True)):
        sample = np.asarray(value.sample)[:, columns]
        part = compiler.select(value, list(columns), sample)
        ask = probabilities if is_classifier else predicted
        parts.append(ask(compiler, one, part, f"{where}, member {i}"))
    raw = model.predict_proba(value.sample) if is_classifier else model.predict(value.sample)
    whole = mean(compiler, parts, None, precision_of(raw))
    if is_classifier:
        return classifier(compiler, model, whole, where, precision_of(raw), "given")
    output = {"value": whole.number, "float": precision_of(raw)}
    return output | targets(compiler, raw, len(whole.kinds), y)


def one_vs_rest(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    members = [(f"{where}, class {k}", one) for k, one in enumerate(model.estimators_)]
    if model.multilabel_:
        if not all(hasattr(one, "decision_function") for _, one in members):
            raise TypeError(f"{where} has several labels a row; its members need a decision_function")
        whole = compiler.concat([scores(compiler, one, value, place) for place, one in members], None)
        return truths(compiler, whole, y)
    likely = None
    if hasattr(model, "predict_proba"):
        columns = [
            compiler.select(probabilities(compiler, one, value, place), [1], None) for place, one in members
        ]
        name = "complement" if len(columns) == 1 else "share"
        likely = link(compiler, compiler.concat(columns, None), name, 64)
    if not hasattr(model.estimators_[0], "decision_function"):
        if likely is None:
            raise TypeError(f"{where}: its members have neither decision_function nor predict_proba")
        return classifier(compiler, model, likely, where, 64, "given")
    whole = compiler.concat([scores(compiler, one, value, place) for place, one in members], None)
    if likely is None:
        return classifier(compiler, model, whole, where, 64, "none")
    return classifier(compiler, model, whole, where, 64, "given", probabilities=likely.number)


def one_vs_one(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    if not all(hasattr(one, "decision_function") for one in model.estimators_):
        raise TypeError(f"{where}: the members of a OneVsOneClassifier need a decision_function to be frozen")
    parts = [scores(compiler, one, value, f"{where}, pair {k}") for k, one in enumerate(model.estimators_)]
    whole = compiler.concat(parts, None)
    n_classes = len(model.classes_)
    # Its members are positive for the second class of a pair.
    turned = linear_map(compiler, whole, -np.eye(len(parts)), np.zeros(len(parts)))
    node = {"in": turned.number, "classes": n_classes, "gives": "scores"}
    whole = compiler.add("pairs", [NUMBER] * n_classes, None, **node)
    if n_classes == 2:
        whole = compiler.select(whole, [1], None)
    return classifier(compiler, model, whole, where, 64, "none")


STEPS = {"VotingClassifier": voting_step, "VotingRegressor": voting_step}
MODELS = {
    "BaggingClassifier": bagging,
    "BaggingRegressor": bagging,
    "OneVsOneClassifier": one_vs_one,
    "OneVsRestClassifier": one_vs_rest,
    "VotingClassifier": voting_classifier,
    "VotingRegressor": voting_regressor,
}
