"""Scalers as ops."""

from typing import Any

from ferroflow.deploy._freezing.graph import Graph, Value
from ferroflow.deploy._freezing.values import float_of


def standard_scaler(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    key = graph.key
    mean = graph.numbers(f"{key}.mean", step.mean_) if step.with_mean else None
    scale = factor = None
    if step.scale_ is not None:
        if hasattr(out, "tocsr"):  # scikit-learn multiplies sparse columns by the reciprocal
            factor = graph.numbers(f"{key}.factor", 1 / step.scale_)
        else:
            scale = graph.numbers(f"{key}.scale", step.scale_)
    node = {"in": value.number, "float": float_of(out), "mean": mean, "scale": scale, "factor": factor}
    return graph.add("scale", value.kinds, out, **node)


STEPS = {"StandardScaler": standard_scaler}
