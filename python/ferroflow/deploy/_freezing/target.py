"""TransformedTargetRegressor as ops: what its transformer does, undone."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing import expression
from ferroflow.deploy._freezing.find import find_handler
from ferroflow.deploy._freezing.function import FUNCTIONS
from ferroflow.deploy._freezing.graph import Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.members import precision_of, predicted

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def transformed_target(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    raw = model.predict(value.sample)
    precision = precision_of(raw)
    inner = predicted(compiler, model.regressor_, value, where)
    step = model.transformer_
    undo = find_handler(step, UNDO)
    if undo is None:
        raise TypeError(
            f"{where} transforms its target by a {type(step).__name__}, which cannot be undone in a frozen model; "
            f"use one of {', '.join(sorted(UNDO))}, a FunctionTransformer with a function of NumPy such as np.exp or np.expm1"
        )
    whole = undo(compiler, step, inner, precision, where)
    return {"value": whole.number, "float": precision, **targets(compiler, raw, len(whole.kinds), y)}


def _function(compiler: "Compiler", step: Any, value: Value, precision: int, where: str) -> Value:
    if step.inverse_func is None:
        return value
    names = FUNCTIONS | expression.FUNCTIONS
    name = names.get(step.inverse_func) if isinstance(step.inverse_func, np.ufunc) else None
    if name is None or step.inv_kw_args:
        raise TypeError(
            f"{where}: its inverse_func cannot be frozen; use one of NumPy's: "
            f"{', '.join(sorted(ufunc.__name__ for ufunc in names))}"
        )
    if step.inverse_func in expression.FUNCTIONS:
        return expression.each(compiler, value, name, precision)
    node = {"in": value.number, "float": precision, "name": name}
    return compiler.add("function", value.kinds, None, **node)


def _back(
    compiler: "Compiler", value: Value, precision: int, shift: Any, scale: Any, back: bool = True
) -> Value:
    """`x * scale + shift`, or with `back=False` `(x - shift) / scale`."""
    key = compiler.key
    stored = {"shift": shift, "scale": scale, "limits": None}
    node = {k: None if v is None else compiler.numbers(f"{key}.{k}", v) for k, v in stored.items()}
    fields = {"in": value.number, "float": precision, "back": back, **node}
    return compiler.add("rescale", value.kinds, None, **fields)


def _standard(compiler: "Compiler", step: Any, value: Value, precision: int, where: str) -> Value:
    return _back(compiler, value, precision, step.mean_ if step.with_mean else None, step.scale_)


def _min_max(compiler: "Compiler", step: Any, value: Value, precision: int, where: str) -> Value:
    return _back(compiler, value, precision, step.min_, step.scale_, back=False)


def _max_abs(compiler: "Compiler", step: Any, value: Value, precision: int, where: str) -> Value:
    return _back(compiler, value, precision, None, step.scale_)


def _robust(compiler: "Compiler", step: Any, value: Value, precision: int, where: str) -> Value:
    center = step.center_ if step.with_centering else None
    return _back(compiler, value, precision, center, step.scale_ if step.with_scaling else None)


UNDO = {
    "FunctionTransformer": _function,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "RobustScaler": _robust,
    "StandardScaler": _standard,
}
MODELS = {"TransformedTargetRegressor": transformed_target}
