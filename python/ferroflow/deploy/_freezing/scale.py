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


def min_max_scaler(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    limits = step.feature_range if step.clip else None
    return _rescale(graph, value, out, where, step.min_, step.scale_, back=True, limits=limits)


def max_abs_scaler(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    limits = (-1.0, 1.0) if getattr(step, "clip", False) else None  # scikit-learn 1.9 and later
    return _divide(graph, value, out, where, None, step.scale_, limits)


def robust_scaler(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    center = step.center_ if step.with_centering else None
    scale = step.scale_ if step.with_scaling else None
    return _divide(graph, value, out, where, center, scale, None)


def _divide(graph: Graph, value: Value, out: Any, where: str, shift: Any, scale: Any, limits: Any) -> Value:
    if scale is not None and hasattr(
        out, "tocsr"
    ):  # scikit-learn multiplies sparse columns by the reciprocal
        return _rescale(graph, value, out, where, None, 1.0 / scale, back=True, limits=limits)
    return _rescale(graph, value, out, where, shift, scale, back=False, limits=limits)


def _rescale(
    graph: Graph, value: Value, out: Any, where: str, shift: Any, scale: Any, back: bool, limits: Any
) -> Value:
    graph.only_numbers(value, where)
    stored = {"shift": shift, "scale": scale, "limits": limits}
    key = graph.key
    node = {k: None if v is None else graph.numbers(f"{key}.{k}", v) for k, v in stored.items()}
    fields = {"in": value.number, "float": float_of(out), "back": back, **node}
    return graph.add("rescale", value.kinds, out, **fields)


def normalizer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    fields = {"in": value.number, "float": float_of(out), "norm": step.norm, "sparse": hasattr(out, "tocsr")}
    return graph.add("normalize", value.kinds, out, **fields)


def binarizer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    threshold = graph.numbers(f"{graph.key}.threshold", [step.threshold])
    fields = {"in": value.number, "float": float_of(out), "threshold": threshold}
    return graph.add("binarize", value.kinds, out, **fields)


STEPS = {
    "Binarizer": binarizer,
    "MaxAbsScaler": max_abs_scaler,
    "MinMaxScaler": min_max_scaler,
    "Normalizer": normalizer,
    "RobustScaler": robust_scaler,
    "StandardScaler": standard_scaler,
}
