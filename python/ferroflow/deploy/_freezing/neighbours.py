"""Nearest neighbours as ops."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.members import classifier

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler

METRICS = {
    "chebyshev": "chebyshev",
    "cityblock": "manhattan",
    "euclidean": "euclidean",
    "l1": "manhattan",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "minkowski": "minkowski",
}


def neighbours_classifier(
    compiler: "Compiler", model: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    if isinstance(model.classes_, list):
        raise TypeError(f"{where} has several targets; freeze one model for each")
    votes = np.eye(len(model.classes_))[np.asarray(model._y).ravel()]
    return classifier(compiler, model, _nearest(compiler, model, value, where, votes), where, 64, "given")


def neighbours_regressor(
    compiler: "Compiler", model: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    values = np.asarray(model._y, dtype=np.float64)
    values = values.reshape(len(values), -1)
    nearest = _nearest(compiler, model, value, where, values)
    raw = model.predict(value.sample)
    return {"value": nearest.number, "float": 64, **targets(compiler, raw, values.shape[1], y)}


def _nearest(compiler: "Compiler", model: Any, value: Value, where: str, values: np.ndarray) -> Value:
    compiler.only_numbers(value, where)
    metric = METRICS.get(model.effective_metric_ if isinstance(model.effective_metric_, str) else "")
    parameters = {k: v for k, v in model.effective_metric_params_.items() if v is not None}
    power = float(parameters.get("p", 2.0))
    if metric is None or callable(model.weights) or set(parameters) - {"p"}:
        raise TypeError(
            f"{where}: a {type(model).__name__} with this metric or its own weights cannot be frozen; "
            f"use weights by name and one of the metrics {', '.join(sorted(METRICS))}"
        )
    rows = model._fit_X.toarray() if hasattr(model._fit_X, "toarray") else np.asarray(model._fit_X)
    key = compiler.key
    node: dict[str, Any] = {
        "in": value.number,
        "k": int(model.n_neighbors),
        "by_distance": model.weights == "distance",
        "metric": metric,
        "rows": compiler.numbers(f"{key}.rows", rows),
        "values": compiler.numbers(f"{key}.values", values),
    }
    if metric == "minkowski":
        node["p"] = compiler.numbers(f"{key}.p", [power])
    return compiler.add("nearest", [NUMBER] * values.shape[1], None, **node)


MODELS = {"KNeighborsClassifier": neighbours_classifier, "KNeighborsRegressor": neighbours_regressor}
