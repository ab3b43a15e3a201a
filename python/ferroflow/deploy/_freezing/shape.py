"""Quantile and power transforms, bins, polynomial terms and splines as ops."""

from typing import Any

import numpy as np
from scipy import sparse

from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.deploy._freezing.values import float_of


def quantile_transformer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    if sparse.issparse(out):
        raise TypeError(
            f"{where} gets a sparse matrix, of which it maps what is stored alone; make it dense before"
        )
    quantiles = np.asarray(step.quantiles_, dtype=np.float64)
    if not np.isfinite(quantiles).all() or (quantiles[1:] < quantiles[:-1]).any():
        raise TypeError(
            f"{where} has learned quantiles that are missing or fall: fit it on columns with values"
        )
    key = graph.key
    node = {
        "in": value.number,
        "float": float_of(out),
        "output": step.output_distribution,
        "quantiles": graph.numbers(f"{key}.quantiles", quantiles.T),
        "references": graph.numbers(f"{key}.references", step.references_),
    }
    return graph.add("quantile", value.kinds, out, **node)


def power_transformer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    key, precision = graph.key, float_of(out)
    exponents = graph.numbers(f"{key}.exponents", step.lambdas_)
    node = {"in": value.number, "float": precision, "family": step.method, "exponents": exponents}
    powers = graph.add("power", value.kinds, out, **node)
    if not step.standardize:
        return powers
    key = graph.key
    mean = graph.numbers(f"{key}.mean", step._scaler.mean_)
    scale = graph.numbers(f"{key}.scale", step._scaler.scale_)
    node = {"in": powers.number, "float": precision, "mean": mean, "scale": scale, "factor": None}
    return graph.add("scale", value.kinds, out, **node)


def k_bins_discretizer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    key, one_hot = graph.key, "onehot" in step.encode
    edges = [graph.numbers(f"{key}.edges.{j}", edges[1:-1]) for j, edges in enumerate(step.bin_edges_)]
    node = {
        "in": value.number,
        "float": float_of(out),
        "one_hot": one_hot,
        "columns": [{"edges": name} for name in edges],
    }
    width = int(step.n_bins_.sum()) if one_hot else len(edges)
    return graph.add("bin", [NUMBER] * width, out, **node)


def polynomial_features(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, where)
    if sparse.issparse(out) and step._max_degree > 2:
        raise TypeError(
            f"{where} gets a sparse matrix, whose factors it multiplies in another order; make it dense before"
        )
    node = {
        "in": value.number,
        "float": float_of(out),
        "least": int(step._min_degree),
        "most": int(step._max_degree),
        "distinct": bool(step.interaction_only),
        "bias": bool(step.include_bias),
    }
    return graph.add("polynomial", [NUMBER] * step.n_output_features_, out, **node)


def spline_transformer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    from ferroflow.preprocessing._spline_transformer import odd_ends, spline_columns

    graph.only_numbers(value, where)
    if reason := odd_ends(step):
        raise TypeError(
            f"{where} cannot be frozen: {reason}; use extrapolation='continue' or a higher degree."
        )
    key, columns = graph.key, []
    for j, (knots, ends) in enumerate(spline_columns(step)):
        column: dict[str, str | None] = {"knots": graph.numbers(f"{key}.knots.{j}", knots)}
        for name, end in zip(("low", "low_slopes", "high", "high_slopes"), ends, strict=True):
            column[name] = graph.numbers(f"{key}.{name}.{j}", end) if len(end) else None
        columns.append(column)
    node = {
        "in": value.number,
        "float": float_of(out),
        "degree": int(step.degree),
        "beyond": step.extrapolation,
        "all": bool(step.include_bias),
        "gaps": getattr(step, "handle_missing", "error") == "zeros",
        "columns": columns,
    }
    return graph.add("spline", [NUMBER] * int(step.n_features_out_), out, **node)


STEPS = {
    "KBinsDiscretizer": k_bins_discretizer,
    "PolynomialFeatures": polynomial_features,
    "PowerTransformer": power_transformer,
    "QuantileTransformer": quantile_transformer,
    "SplineTransformer": spline_transformer,
}
