"""ExpressionTransformer and NumPy's functions as ops."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value

FUNCTIONS: dict[Any, str] = {
    np.cos: "cos",
    np.exp: "exp",
    np.expm1: "expm1",
    np.log: "log",
    np.log10: "log10",
    np.log1p: "log1p",
    np.log2: "log2",
    np.sign: "sign",
    np.sin: "sin",
    np.tan: "tan",
}
"""Functions that NumPy computes to a few units in the last place, by other code on other machines."""


def expression(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    if value.kinds != step._kinds:
        raise TypeError(f"{where}: its columns are not of the kinds that its expressions were read for")
    key = graph.key
    node = {
        "in": value.number,
        "float": 64,
        "numbers": graph.numbers(f"{key}.numbers", step._numbers),
        "texts": graph.texts(f"{key}.texts", step._texts),
        "programs": step._programs,
    }
    made = graph.add("expression", list(step.kinds_.values()), out, **node)
    if not step._kept:
        return made
    return graph.concat([graph.select(value, step._kept, None), made], out)


def each(graph: Graph, value: Value, name: str, precision: int) -> Value:
    """Compute one function of each column."""
    key = graph.key
    node = {
        "in": value.number,
        "float": precision,
        "numbers": graph.numbers(f"{key}.numbers", []),
        "texts": graph.texts(f"{key}.texts", []),
        "programs": [[f"column {j}", name] for j in range(len(value.kinds))],
    }
    return graph.add("expression", [NUMBER] * len(value.kinds), None, **node)


STEPS = {"ExpressionTransformer": expression}
