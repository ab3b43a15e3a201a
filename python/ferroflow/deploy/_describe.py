"""What a training table looks like: schema, statistics for drift, rows for the self-test."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.compiler import Compiler
from ferroflow.deploy._freezing.values import is_missing

MOST_CATEGORIES = 1_000
DECILES = np.linspace(0.1, 0.9, 9)


def describe_columns(names: list[str], columns: list[np.ndarray], compiler: Compiler):
    """Return schema, statistics, and the cells: float64 with NaN, or object with None, one array per column."""
    schema: list[dict[str, Any]] = []
    statistics: list[dict[str, Any]] = []
    cells: list[np.ndarray] = []
    for j, (name, column) in enumerate(zip(names, columns, strict=True)):
        kind, single, values = _typed(name, column)
        cells.append(values)
        entry: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "float": 32 if single else 64,
            "categories": None,
        }
        if kind == "text":
            seen = [value for value in values if value is not None]
            found: Any = []
            counts: Any = []
            if seen:
                found, counts = np.unique(np.array(seen, dtype=object), return_counts=True)
            counts = np.asarray(counts, dtype=np.int64)
            if len(found) <= MOST_CATEGORIES:
                entry["categories"] = compiler.texts(f"schema.{j}", found)
            top = np.sort(np.argsort(-counts, kind="stable")[:MOST_CATEGORIES])
            kept = [found[i] for i in top]
            binned: Any = [*counts[top], counts.sum() - counts[top].sum()]
            statistics.append({"categories": compiler.texts(f"statistics.{j}", kept)})
        else:
            seen = values[~np.isnan(values)]
            edges = np.unique(np.quantile(seen, DECILES)) if len(seen) else np.empty(0)
            binned = np.bincount(np.searchsorted(edges, seen, side="left"), minlength=len(edges) + 1)
            with np.errstate(over="ignore", invalid="ignore"):
                moments = np.array([seen.mean(), seen.std()] if len(seen) else [np.nan, np.nan])
            moments[np.isinf(moments)] = np.nan
            statistics.append(
                {
                    "moments": compiler.numbers(f"statistics.{j}.moments", moments),
                    "edges": compiler.numbers(f"statistics.{j}.edges", edges),
                }
            )
        statistics[-1] |= {
            "count": len(values),
            "missing": len(values) - len(seen),
            "counts": compiler.ints(f"statistics.{j}.counts", binned),
        }
        schema.append(entry)
    return schema, statistics, cells


def _typed(name: str, column: np.ndarray) -> tuple[str, bool, np.ndarray]:
    """Return kind, is it float32, and the cells."""
    if column.dtype.kind in "biuf":
        values = column.astype(np.float64)
        if np.isinf(values).any():
            raise ValueError(f"column {name!r} of X holds an infinite number")
        kind = {"b": "boolean", "f": "number"}.get(column.dtype.kind, "integer")
        return kind, column.dtype == np.float32, values
    if column.dtype.kind in "OUT":
        cells = [None if is_missing(value) else value for value in column.tolist()]
        types = {type(value) for value in cells if value is not None}
        if all(issubclass(t, str) for t in types):
            out = np.empty(len(cells), dtype=object)
            out[:] = cells
            return "text", False, out
        numbers = [np.nan if value is None else value for value in cells]
        if all(issubclass(t, bool | np.bool_) for t in types):
            return "boolean", False, np.array(numbers, dtype=np.float64)
        if all(issubclass(t, int | np.integer) and t is not bool for t in types):
            return "integer", False, np.array(numbers, dtype=np.float64)
        if all(issubclass(t, int | float | np.number) and t is not bool for t in types):
            return "number", False, np.array(numbers, dtype=np.float64)
        found = ", ".join(sorted(t.__name__ for t in types))
        raise TypeError(f"column {name!r} of X mixes types ({found}); make it all texts or all numbers")
    raise TypeError(
        f"column {name!r} of X has the type {column.dtype}, which cannot be frozen; make it numbers or texts"
    )


def self_test_inputs(cells: list[np.ndarray], schema: list[dict], rows: np.ndarray, compiler: Compiler):
    """Store `rows` as the file's self-test; return the tensors' names."""
    names = []
    for j, (column, entry) in enumerate(zip(cells, schema, strict=True)):
        key = f"test.{j}"
        values = column[rows]
        if entry["kind"] == "text":
            missing = np.array([value is None for value in values], dtype=np.uint8)
            compiler.texts(key, ["" if value is None else value for value in values])
            compiler.tensors[f"{key}.missing"] = ("U8", missing)
        else:
            compiler.numbers(key, values)
        names.append(key)
    return names
