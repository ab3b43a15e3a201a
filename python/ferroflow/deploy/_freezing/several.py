"""Models of several targets as ops. Classifiers of several give each row's labels as numbers, without probabilities."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.members import label_of, precision_of, predicted

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def truths(graph: Graph, scores: Value, y: Any) -> dict[str, Any]:
    """Return what an output says of labels of which each has a score: 1 where it is above 0, else 0."""
    parts = []
    for k in range(len(scores.kinds)):
        one = graph.select(scores, [k], None)
        both = graph.add("decide", [NUMBER] * 2, None, **{"in": one.number})
        parts.append(graph.select(both, [1], None))
    return _labels(graph, parts, y)


def _labels(graph: Graph, parts: list[Value], y: Any) -> dict[str, Any]:
    whole = graph.concat(parts, None)
    shape = np.empty((0, len(parts)))
    return {"value": whole.number, "float": 64, **targets(graph, shape, len(parts), y)}


def several_classifiers(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    parts = []
    for k, one in enumerate(model.estimators_):
        place = f"{where}, target {k}"
        _only_numbers(one, place)
        parts.append(label_of(compiler, one, value, place))
    return _labels(compiler, parts, y)


def several_regressors(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    parts = [
        predicted(compiler, one, value, f"{where}, target {k}") for k, one in enumerate(model.estimators_)
    ]
    raw = model.predict(value.sample)
    whole = compiler.concat(parts, None)
    return {"value": whole.number, "float": precision_of(raw), **targets(compiler, raw, len(parts), y)}


def classifier_chain(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    if getattr(model, "chain_method_", "predict") != "predict":
        raise TypeError(f"{where}: a ClassifierChain can be frozen with chain_method='predict'")
    for k, one in enumerate(model.estimators_):
        _only_numbers(one, f"{where}, target {k}")
    return _labels(compiler, _chain(compiler, model, value, where, label_of), y)


def regressor_chain(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    parts = _chain(compiler, model, value, where, predicted)
    raw = model.predict(value.sample)
    whole = compiler.concat(parts, None)
    return {"value": whole.number, "float": precision_of(raw), **targets(compiler, raw, len(parts), y)}


def _chain(compiler: "Compiler", model: Any, value: Value, where: str, ask: Any) -> list[Value]:
    """What each model says, which sees what those before it said; in the order of the targets."""
    compiler.only_numbers(value, where)
    sample = np.asarray(value.sample)
    so_far, parts = value, []
    for k, one in enumerate(model.estimators_):
        part = ask(compiler, one, so_far, f"{where}, target {k}")
        parts.append(part)
        sample = np.hstack([sample, np.reshape(one.predict(sample), (-1, 1))])
        so_far = compiler.concat([so_far, part], sample)
    return [parts[k] for k in np.argsort(model.order_)]


def _only_numbers(model: Any, where: str) -> None:
    if np.asarray(model.classes_).dtype.kind not in "biuf":
        raise TypeError(
            f"{where} has texts as labels; with several targets make them numbers, or freeze each alone"
        )


MODELS = {
    "ClassifierChain": classifier_chain,
    "MultiOutputClassifier": several_classifiers,
    "MultiOutputRegressor": several_regressors,
    "RegressorChain": regressor_chain,
}
