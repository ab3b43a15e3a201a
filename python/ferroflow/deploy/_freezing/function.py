"""FunctionTransformer as an op."""

from typing import Any

from ferroflow.deploy._freezing.find import cannot
from ferroflow.deploy._freezing.graph import Graph, Value


def function(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    if step.func is not None:
        raise TypeError(cannot(step, where))
    return value


STEPS = {"FunctionTransformer": function}
