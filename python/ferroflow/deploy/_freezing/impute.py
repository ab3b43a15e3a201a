"""Imputers as ops."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, TEXT, Graph, Value
from ferroflow.deploy._freezing.values import dtype_of, is_missing


def simple_imputer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    statistics = np.asarray(step.statistics_)
    indicator = getattr(step, "indicator_", None) if step.add_indicator else None
    dropped = [False] * len(statistics) if step.keep_empty_features else [is_missing(s) for s in statistics]
    kept = [j for j, drop in enumerate(dropped) if not drop]
    marker_kind: str | None
    marker: Any
    key = graph.key
    if is_missing(step.missing_values):
        marker_kind, marker = None, None
    elif isinstance(step.missing_values, str):
        marker_kind, marker = TEXT, [step.missing_values]
    else:
        marker_kind, marker = NUMBER, [float(step.missing_values)]

    def stored(name: str) -> str | None:
        if marker is None:
            return None
        return (graph.texts if marker_kind == TEXT else graph.numbers)(name, marker)

    parts, order = [], []
    for kind in (NUMBER, TEXT):
        at = [j for j in kept if value.kinds[j] == kind]
        if not at:
            continue
        part = graph.select(value, at, None)
        order += at
        if marker_kind in (None, kind):
            fill: Any = [statistics[j] for j in at]
            if any(isinstance(v, str) != (kind == TEXT) for v in fill):
                raise TypeError(
                    f"{where}: SimpleImputer fills a column of {kind}s with {fill[0]!r}; "
                    f"fill it with a {kind}, or convert the column before the pipeline"
                )
            if kind == NUMBER:
                dtype = dtype_of(out)
                if dtype.kind == "f" and indicator is None:
                    fill = np.asarray(fill, dtype=np.float64).astype(dtype)
                elif dtype_of(value.sample) == np.float32:
                    fill = np.asarray(fill, dtype=np.float64).astype(np.float32)
                tensor = graph.numbers(f"{key}.fill.{kind}", fill)
            else:
                tensor = graph.texts(f"{key}.fill.{kind}", fill)
            node = {"in": part.number, "marker": stored(f"{key}.marker.{kind}"), "fill": tensor}
            part = graph.add("impute", part.kinds, None, **node)
        parts.append(part)
    whole = graph.concat(parts, out)
    if order != kept:
        whole = graph.select(whole, [order.index(j) for j in kept], out)
    if indicator is None:
        return whole
    flags = graph.select(value, list(indicator.features_), None)
    at = [j for j, kind in enumerate(flags.kinds) if marker_kind in (None, kind)]
    if len(at) != len(flags.kinds):
        raise TypeError(f"{where}: missing_values={step.missing_values!r} does not fit a column's kind")
    node = {"in": flags.number, "marker": stored(f"{key}.marker.indicator")}
    flags = graph.add("indicator", [NUMBER] * len(at), None, **node)
    return graph.concat([whole, flags], out)


STEPS = {"SimpleImputer": simple_imputer}
