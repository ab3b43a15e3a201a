"""From a fitted pipeline to the document of a model file."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ferroflow.deploy._freezing import (
    bayes,
    calibrate,
    compose,
    encode,
    expression,
    function,
    hist_boosting,
    impute,
    kernel,
    lightgbm,
    linear,
    neighbours,
    network,
    project,
    scale,
    select,
    several,
    shape,
    stack,
    target,
    tree,
    vote,
    xgboost,
)
from ferroflow.deploy._freezing.find import cannot, find_handler, flat_steps
from ferroflow.deploy._freezing.graph import TEXT, Graph, Value
from ferroflow.deploy._freezing.values import dtype_of


class Compiler(Graph):
    """Compiles fitted steps to nodes and tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.final = ""

    def compile(self, pipeline: Any, sample: Any, kinds: list[str], y: Any) -> dict[str, Any]:
        """Compile a fitted pipeline; returns the document's output."""
        value = Value(0, kinds, sample)
        steps = flat_steps(pipeline)
        if steps and _predicts(steps[-1][1]):
            return self.model(pipeline, value, "", y)
        for where, step in steps:
            value = self.step(step, value, where)
        if TEXT in value.kinds:
            raise TypeError(
                "the pipeline gives texts; a frozen transformer gives numbers: encode or drop them"
            )
        try:
            names = [str(name) for name in pipeline.get_feature_names_out()]
        except Exception:
            names = []
        if len(names) != len(
            value.kinds
        ):  # scikit-learn's KNNImputer forgets the empty columns that it keeps
            names = [f"x{j}" for j in range(len(value.kinds))]
        return {
            "task": "transformer",
            "value": value.number,
            "float": 32 if dtype_of(value.sample) == np.float32 else 64,
            "names": self.texts("output.names", names),
        }

    def step(self, step: Any, value: Value, where: str) -> Value:
        """Compile one transformer."""
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return value
        if hasattr(step, "fit_resample") and not hasattr(step, "transform"):
            return value  # it changes the rows that are learned from, and no others
        handler = find_handler(step, TRANSFORMERS)
        if handler is None:
            raise TypeError(cannot(step, where))
        out = step.transform(value.sample)
        result = handler(self, step, value, out, where)
        if len(result.kinds) != out.shape[1]:
            raise TypeError(f"{where} gives {out.shape[1]} columns where {len(result.kinds)} were expected")
        return result._replace(sample=out)

    def member(self, model: Any, value: Value, where: str) -> dict[str, Any]:
        """Compile a model that another one holds; returns what its output would be, without names and classes."""
        output = self.model(model, value, where, None)
        for key in [key for key in self.tensors if key.startswith("output.")]:
            del self.tensors[key]
        return output

    def model(self, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
        """Compile a model, or a pipeline that ends in one; returns what an output says of it."""
        steps = flat_steps(model, where)
        for where, step in steps[:-1]:
            value = self.step(step, value, where)
        where, model = steps[-1]  # a pipeline that holds nothing is no model, and never comes here
        handler = find_handler(model, MODELS)
        if handler is None:
            raise TypeError(cannot(model, where))
        output = handler(self, model, value, where, y)
        self.final = type(model).__name__
        return output


def _predicts(step: Any) -> bool:
    """Is the last step one to predict with? Some could do both."""
    if find_handler(step, MODELS) is not None:
        return True
    return find_handler(step, TRANSFORMERS) is None and hasattr(step, "predict")


Handler = Callable[[Compiler, Any, Value, Any, str], Value]
TRANSFORMERS: dict[str, Handler] = {
    **compose.STEPS,
    **encode.STEPS,
    **expression.STEPS,
    **function.STEPS,
    **impute.STEPS,
    **project.STEPS,
    **scale.STEPS,
    **select.STEPS,
    **shape.STEPS,
    **stack.STEPS,
    **vote.STEPS,
}
MODELS: dict[str, Callable[[Compiler, Any, Value, str, Any], dict[str, Any]]] = {
    **bayes.MODELS,
    **calibrate.MODELS,
    **hist_boosting.MODELS,
    **kernel.MODELS,
    **lightgbm.MODELS,
    **linear.MODELS,
    **neighbours.MODELS,
    **network.MODELS,
    **project.MODELS,
    **select.MODELS,
    **several.MODELS,
    **stack.MODELS,
    **target.MODELS,
    **tree.MODELS,
    **vote.MODELS,
    **xgboost.MODELS,
}
