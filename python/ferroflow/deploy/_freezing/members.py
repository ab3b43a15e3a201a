"""Models inside models: their scores, probabilities and labels as values of the graph."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Value

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def probabilities(compiler: "Compiler", model: Any, value: Value, where: str) -> Value:
    """Compile the columns of `model.predict_proba`."""
    return _probabilities(compiler, compiler.member(model, value, where), model, where)


def response(compiler: "Compiler", model: Any, value: Value, where: str) -> Value:
    """Compile what scikit-learn takes for a classifier's word: its decision function, or else its probabilities."""
    output = compiler.member(model, value, where)
    if hasattr(model, "decision_function"):
        return _scores(compiler, output, model, where)
    likely = _probabilities(compiler, output, model, where)
    return compiler.select(likely, [1], None) if len(likely.kinds) == 2 else likely


def scores(compiler: "Compiler", model: Any, value: Value, where: str) -> Value:
    """Compile the columns of `model.decision_function`."""
    return _scores(compiler, compiler.member(model, value, where), model, where)


def decided(compiler: "Compiler", model: Any, value: Value, where: str) -> Value:
    """Compile `model.predict`: a column for each class, 1 for the label."""
    output = compiler.member(model, value, where)
    deciding = compiler.value(output.get("labels", output["value"]))
    return compiler.add("decide", [NUMBER] * len(model.classes_), None, **{"in": deciding.number})


def predicted(compiler: "Compiler", model: Any, value: Value, where: str) -> Value:
    """Compile a regressor's `model.predict`."""
    output = compiler.member(model, value, where)
    if output["task"] != "regressor":
        raise TypeError(f"{where} is no regressor")
    return compiler.value(output["value"])


def label_of(compiler: "Compiler", model: Any, value: Value, where: str) -> Value:
    """Compile `model.predict` of a classifier whose classes are numbers."""
    chosen = decided(compiler, model, value, where)
    return linear_map(compiler, chosen, np.asarray(model.classes_, dtype=np.float64)[None, :], [0.0])


def linear_map(compiler: "Compiler", value: Value, weights: Any, bias: Any, single: bool = False) -> Value:
    key = compiler.key
    node = {
        "in": value.number,
        "float": 32 if single else 64,
        "weights": compiler.numbers(f"{key}.weights", weights),
        "bias": compiler.numbers(f"{key}.bias", bias),
    }
    return compiler.add("linear", [NUMBER] * len(weights), None, **node)


def _scores(compiler: "Compiler", output: dict[str, Any], model: Any, where: str) -> Value:
    if output["link"] == "given" and "probabilities" not in output:
        raise TypeError(
            f"{where}: the scores of a {type(model).__name__} cannot be frozen inside another model"
        )
    return compiler.value(output["value"])


def _probabilities(compiler: "Compiler", output: dict[str, Any], model: Any, where: str) -> Value:
    if output["link"] == "none":
        raise TypeError(f"{where}: {type(model).__name__} gives no probabilities")
    likely = compiler.value(output.get("probabilities", output["value"]))
    if output["link"] == "given":
        return likely
    return link(compiler, likely, output["link"], output["float"])


def link(compiler: "Compiler", value: Value, name: str, precision: int) -> Value:
    width = max(2, len(value.kinds))
    node = {"in": value.number, "float": precision, "name": name}
    return compiler.add("link", [NUMBER] * width, None, **node)


def mean(compiler: "Compiler", values: list[Value], weights: Any, precision: int) -> Value:
    whole = compiler.concat(values, None)
    key = compiler.key
    node = {
        "in": whole.number,
        "float": precision,
        "parts": len(values),
        "weights": None if weights is None else compiler.numbers(f"{key}.weights", weights),
    }
    return compiler.add("mean", values[0].kinds, None, **node)


def classifier(
    compiler: "Compiler", model: Any, value: Value, where: str, precision: int, link: str, **more: int
) -> dict[str, Any]:
    """Return what an output says of a classifier."""
    from ferroflow.deploy._freezing.linear import classes_of

    kind, classes = classes_of(compiler, model.classes_, where)
    return {
        "task": "classifier",
        "value": value.number,
        "float": precision,
        "names": compiler.texts("output.names", []),
        "link": link,
        "class_kind": kind,
        "classes": classes,
        **more,
    }


def precision_of(values: Any) -> int:
    return 32 if np.asarray(values).dtype == np.float32 else 64
