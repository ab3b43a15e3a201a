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
    key, (marker_kind, marker) = graph.key, _marker_of(step)

    def stored(name: str) -> str | None:
        return _stored(graph, name, marker_kind, marker)

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
    return _with_flags(graph, step, value, whole, out, where)


def _marker_of(step: Any) -> tuple[str | None, Any]:
    """Return the kind of what marks a missing value, and that in a list; None twice for missing cells."""
    if is_missing(step.missing_values):
        return None, None
    if isinstance(step.missing_values, str):
        return TEXT, [step.missing_values]
    return NUMBER, [float(step.missing_values)]


def _stored(graph: Graph, name: str, kind: str | None, marker: Any) -> str | None:
    if marker is None:
        return None
    return (graph.texts if kind == TEXT else graph.numbers)(name, marker)


def _flags(graph: Graph, step: Any, features: Any, value: Value, out: Any, where: str) -> Value:
    """Which of the features are missing."""
    kind, marker = _marker_of(step)
    flags = graph.select(value, list(features), None)
    if any(kind not in (None, other) for other in flags.kinds):
        raise TypeError(f"{where}: missing_values={step.missing_values!r} does not fit a column's kind")
    node = {"in": flags.number, "marker": _stored(graph, f"{graph.key}.marker.indicator", kind, marker)}
    return graph.add("indicator", [NUMBER] * len(flags.kinds), out, **node)


def _with_flags(graph: Graph, step: Any, value: Value, filled: Value, out: Any, where: str) -> Value:
    """Add an imputer's indicator to what it fills."""
    if not step.add_indicator or step.indicator_ is None:
        return filled
    return graph.concat([filled, _flags(graph, step, step.indicator_.features_, value, None, where)], out)


def missing_indicator(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    if step.features == "missing-only" and step.error_on_new:
        others = sorted(set(range(len(value.kinds))) - set(step.features_.tolist()))
        if others:
            kind, marker = _marker_of(step)
            whole = graph.select(value, others, None)
            node = {"in": whole.number, "marker": _stored(graph, f"{graph.key}.marker.refused", kind, marker)}
            graph.add("refuse", whole.kinds, None, **node)
    return _flags(graph, step, step.features_, value, out, where)


def iterative_imputer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, f"{where}, an IterativeImputer,")
    if step.sample_posterior:
        raise TypeError(
            f"{where}: IterativeImputer(sample_posterior=True) draws at random; freeze one that does not"
        )
    statistics = np.asarray(step.initial_imputer_.statistics_, dtype=np.float64)
    empty = np.asarray(step._is_empty_feature)
    kept = np.arange(len(statistics)) if step.keep_empty_features else np.flatnonzero(~empty)
    part = value if len(kept) == len(statistics) else graph.select(value, kept.tolist(), None)
    # Columns that were empty in fit are filled by the first imputer alone.
    closed = set(np.flatnonzero(empty[kept]).tolist())
    steps = [one for one in step.imputation_sequence_ if int(one.feat_idx) not in closed]
    for one in steps:
        if type(one.estimator).__name__ != "BayesianRidge":
            raise TypeError(
                f"{where}: the {type(one.estimator).__name__} of this IterativeImputer cannot be frozen; "
                "use its default, BayesianRidge"
            )
    single = dtype_of(out) == np.float32
    targets = [int(one.feat_idx) for one in steps]
    inputs = [np.asarray(one.neighbor_feat_idx, dtype=np.int64) for one in steps]
    weights = [np.asarray(one.estimator.coef_, dtype=np.float64) for one in steps]
    key, (kind, marker) = graph.key, _marker_of(step)

    def limits(name: str) -> str:
        values = np.array([getattr(step, f"_{name}_value")[j] for j in targets], dtype=np.float64)
        return graph.numbers(f"{key}.{name}", np.where(np.isinf(values), np.nan, values))

    node = {
        "in": part.number,
        "float": 32 if single else 64,
        "marker": _stored(graph, f"{key}.marker", kind, marker),
        "fill": graph.numbers(f"{key}.fill", statistics[kept].astype(np.float32 if single else np.float64)),
        "targets": graph.ints(f"{key}.targets", targets),
        "ends": graph.ints(f"{key}.ends", np.cumsum([len(one) for one in inputs], dtype=np.int64)),
        "inputs": graph.ints(f"{key}.inputs", np.concatenate([*inputs, np.array([], dtype=np.int64)])),
        "weights": graph.numbers(f"{key}.weights", np.concatenate([*weights, np.array([])])),
        "intercept": graph.numbers(f"{key}.intercept", [float(one.estimator.intercept_) for one in steps]),
        "low": limits("min"),
        "high": limits("max"),
    }
    filled = graph.add("regressions", part.kinds, out, **node)
    return _with_flags(graph, step, value, filled, out, where)


def knn_imputer(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    graph.only_numbers(value, f"{where}, a KNNImputer,")
    if callable(step.metric) or callable(step.weights):
        raise TypeError(
            f"{where}: a KNNImputer with a function for metric or weights cannot be frozen; use one by name"
        )
    rows, valid = step._fit_X, np.asarray(step._valid_mask)
    # Column by column, as the imputer itself sums.
    columns = [np.ma.array(rows[:, j], mask=step._mask_fit_X[:, j]) for j in range(rows.shape[1])]
    mean = [float(column.mean()) if there else 0.0 for column, there in zip(columns, valid, strict=True)]
    key, (kind, marker) = graph.key, _marker_of(step)
    node = {
        "in": value.number,
        "float": 32 if rows.dtype == np.float32 else 64,
        "marker": _stored(graph, f"{key}.marker", kind, marker),
        "k": min(int(step.n_neighbors), len(rows)),
        "by_distance": step.weights == "distance",
        "rows": graph.numbers(f"{key}.rows", np.asarray(rows, dtype=np.float64).ravel()),
        "mean": graph.numbers(f"{key}.mean", mean),
    }
    filled = graph.add("neighbours", value.kinds, out, **node)
    if not step.keep_empty_features and not valid.all():
        filled = graph.select(filled, np.flatnonzero(valid).tolist(), out)
    return _with_flags(graph, step, value, filled, out, where)


def drop_missing(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    return graph.select(value, step.features_.tolist(), out)


STEPS = {
    "DropMissing": drop_missing,
    "IterativeImputer": iterative_imputer,
    "KNNImputer": knn_imputer,
    "MissingIndicator": missing_indicator,
    "SimpleImputer": simple_imputer,
}
