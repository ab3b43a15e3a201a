"""Neural networks as ops: a linear one for each layer, and what it does to its sums."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.deploy._freezing.linear import classes_of, targets
from ferroflow.deploy._freezing.several import truths


def network(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, a neural network."""
    graph.only_numbers(value, where)
    classifier = hasattr(model, "classes_")
    raw = np.asarray(model.predict_proba(value.sample) if classifier else model.predict(value.sample))
    precision = 32 if raw.dtype == np.float32 else 64
    layers = model._layers() if hasattr(model, "_layers") else (model.coefs_, model.intercepts_)
    names = [model.activation] * (len(layers[0]) - 1)
    names.append("identity" if classifier else model.out_activation_)
    for coef, intercept, name in zip(*layers, names, strict=True):
        key = graph.key
        value = graph.add(
            "linear",
            [NUMBER] * len(intercept),
            None,
            **{
                "in": value.number,
                "float": precision,
                "weights": graph.numbers(f"{key}.weights", coef.T),
                "bias": graph.numbers(f"{key}.bias", intercept),
            },
        )
        if name != "identity":
            node = {"in": value.number, "float": precision, "name": name}
            value = graph.add("activation", value.kinds, None, **node)
    output: dict[str, Any] = {"value": value.number, "float": precision}
    if not classifier:
        return output | targets(graph, raw, model.n_outputs_, y)
    if model.out_activation_ == "logistic" and model.n_outputs_ > 1:  # several labels a row
        return truths(graph, value, y)
    kind, classes = classes_of(graph, model.classes_, where)
    return output | {
        "task": "classifier",
        "names": graph.texts("output.names", []),
        "link": "softmax" if model.out_activation_ == "softmax" else "sigmoid",
        "class_kind": kind,
        "classes": classes,
    }


MODELS = dict.fromkeys(("MLPClassifier", "MLPRegressor"), network)
