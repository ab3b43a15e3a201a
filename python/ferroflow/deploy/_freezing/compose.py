"""Steps that hold others."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import _safe_indexing

from ferroflow.deploy._freezing.find import flat_steps
from ferroflow.deploy._freezing.graph import Value
from ferroflow.deploy._freezing.values import float_of
from ferroflow.frozen._columns import names_of

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def column_transformer(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    parts = []
    for name, inner, columns in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        at = _positions(columns, value.sample, step)
        if not at:
            continue
        sample = _safe_indexing(value.sample, at, axis=1)
        part = compiler.select(value, at, sample)
        for place, one in flat_steps(inner, f"{where}, transformer {name!r}"):
            part = compiler.step(one, part, place)
        parts.append(part)
    return compiler.concat(parts, out)


def _positions(columns: Any, X: Any, step: Any) -> list[int]:
    """Return the column numbers that a fitted ColumnTransformer's selector stands for."""
    names = names_of(X)
    if names is None and hasattr(step, "feature_names_in_"):
        names = list(step.feature_names_in_)
    n = X.shape[1]

    def at(name: Any) -> int:
        return names.index(name) if isinstance(name, str) and names else int(name) % n

    if isinstance(columns, slice):
        start, stop = columns.start, columns.stop
        if isinstance(start, str) or isinstance(stop, str):
            start = None if start is None else at(start)
            stop = None if stop is None else at(stop) + 1  # scikit-learn counts the last name in
        return list(range(n))[slice(start, stop, columns.step)]
    if isinstance(columns, str) or np.ndim(columns) == 0:
        return [at(columns)]
    columns = list(columns)
    if columns and all(isinstance(c, bool | np.bool_) for c in columns):
        return [j for j, chosen in enumerate(columns) if chosen]
    return [at(c) for c in columns]


def feature_union(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    weights = step.transformer_weights or {}
    parts = []
    for name, inner in step.transformer_list:
        if isinstance(inner, str) and inner == "drop":
            continue
        part = value
        for place, one in flat_steps(inner, f"{where}, transformer {name!r}"):
            part = compiler.step(one, part, place)
        if (weight := weights.get(name)) is not None:
            compiler.only_numbers(part, f"{where}, transformer {name!r}")
            factor = compiler.numbers(f"{compiler.key}.factor", np.full(len(part.kinds), float(weight)))
            node = {"in": part.number, "float": float_of(out), "mean": None, "scale": None, "factor": factor}
            part = compiler.add("scale", part.kinds, None, **node)
        parts.append(part)
    return compiler.concat(parts, out)


STEPS = {"ColumnTransformer": column_transformer, "FeatureUnion": feature_union}
