"""From a fitted pipeline to the document of a model file."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ferroflow.deploy._freezing import (
    compose,
    encode,
    function,
    hist_boosting,
    impute,
    lightgbm,
    linear,
    network,
    scale,
    shape,
    tree,
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
        last = steps[-1] if steps else ("", None)
        is_model = hasattr(last[1], "predict") and not hasattr(last[1], "transform")
        for where, step in steps[:-1] if is_model else steps:
            value = self.step(step, value, where)
        if is_model:
            return self.model(last[1], value, last[0], y)
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

    def model(self, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
        """Compile the last step."""
        handler = find_handler(model, MODELS)
        if handler is None:
            raise TypeError(cannot(model, where))
        self.final = type(model).__name__
        return handler(self, model, value, where, y)


Handler = Callable[[Compiler, Any, Value, Any, str], Value]
TRANSFORMERS: dict[str, Handler] = {
    **compose.STEPS,
    **encode.STEPS,
    **function.STEPS,
    **impute.STEPS,
    **scale.STEPS,
    **shape.STEPS,
}
MODELS = {
    **hist_boosting.MODELS,
    **lightgbm.MODELS,
    **linear.MODELS,
    **network.MODELS,
    **tree.MODELS,
    **xgboost.MODELS,
}
