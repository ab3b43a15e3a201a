"""FunctionTransformer as an op."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing import expression
from ferroflow.deploy._freezing.find import cannot
from ferroflow.deploy._freezing.graph import Graph, Value
from ferroflow.deploy._freezing.values import dtype_of, float_of

FUNCTIONS: dict[Any, str] = {
    np.absolute: "absolute",
    np.ceil: "ceil",
    np.fabs: "absolute",
    np.floor: "floor",
    np.negative: "negative",
    np.reciprocal: "reciprocal",
    np.rint: "rint",
    np.sqrt: "sqrt",
    np.square: "square",
    np.trunc: "trunc",
}
"""Functions whose results IEEE 754 fixes to the last bit."""


def function(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    if step.func is None:
        return value
    known = FUNCTIONS | expression.FUNCTIONS
    name = known.get(step.func) if isinstance(step.func, np.ufunc) else None
    if name is None or step.kw_args:
        names = ", ".join(sorted({ufunc.__name__ for ufunc in known}))
        raise TypeError(f"{cannot(step, where)} Of functions, these of NumPy can be: {names}.")
    graph.only_numbers(value, where)
    if dtype_of(value.sample).kind != "f":
        raise TypeError(f"{where}: a frozen np.{step.func.__name__} takes floats; convert the columns before")
    if step.func in expression.FUNCTIONS:
        return expression.each(graph, value, name, float_of(out))
    node = {"in": value.number, "float": float_of(out), "name": name}
    return graph.add("function", value.kinds, out, **node)


STEPS = {"FunctionTransformer": function}
