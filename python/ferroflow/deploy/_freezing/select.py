"""Selectors of columns as ops."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import Value

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def selector(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    compiler.only_numbers(value, where)
    return compiler.select(value, np.flatnonzero(step.get_support()).tolist(), out)


def eliminated(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the model of an RFE, on the columns that it chose."""
    chosen = selector(compiler, model, value, model.transform(value.sample), where)
    return compiler.model(model.estimator_, chosen, where, y)


STEPS = dict.fromkeys(
    (
        "GenericUnivariateSelect",
        "RFE",
        "SelectFdr",
        "SelectFpr",
        "SelectFromModel",
        "SelectFwe",
        "SelectKBest",
        "SelectPercentile",
        "SequentialFeatureSelector",
        "VarianceThreshold",
    ),
    selector,
)
MODELS = {"RFE": eliminated}
