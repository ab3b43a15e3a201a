"""pandas' category columns as the numbers that boosting libraries make of them."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.encode import known_categories
from ferroflow.deploy._freezing.graph import NUMBER, TEXT, Graph, Value


def category_columns(X: Any) -> list[int]:
    """Return the positions of a frame's category columns."""
    if not hasattr(X, "dtypes") or not hasattr(X, "columns"):
        return []
    return [j for j, dtype in enumerate(X.dtypes) if str(dtype) == "category"]


def numbered(
    graph: Graph, value: Value, categories: list, where: str, *, refuse_unknown: bool
) -> tuple[Value, bool]:
    """Number the categories of the category columns; missing ones, and unknown ones if not refused, stay missing."""
    columns = category_columns(value.sample)
    if len(columns) != len(categories):
        raise TypeError(
            f"{where} was fitted on {len(categories)} category columns, X has {len(columns)}; "
            "freeze it with the frame that it was fitted on"
        )
    if not columns:
        graph.only_numbers(value, where)
        return value, False
    key = graph.key
    fields = []
    for j, names in zip(columns, categories, strict=True):
        kind = value.kinds[j]
        known, _ = known_categories(np.array(list(names), dtype=object), kind, f"{where}, column {j}")
        fields.append(
            {
                "categories": graph.list_of(f"{key}.{j}", [names[i] for i in known], kind),
                "values": graph.numbers(f"{key}.{j}.values", [*known, np.nan, np.nan]),
                "refuse_missing": False,
                "refuse_unknown": refuse_unknown,
            }
        )
    texts = [j for j, kind in enumerate(value.kinds) if kind == TEXT and j not in columns]
    if texts:
        raise TypeError(f"{where} gets a column of texts; make it a category column, or encode it before")
    chosen = graph.select(value, columns, None)
    codes = graph.add("ordinal", [NUMBER] * len(columns), None, **{"in": chosen.number, "columns": fields})
    both = graph.concat([value, codes], None)
    width = len(value.kinds)
    order = [width + columns.index(j) if j in columns else j for j in range(width)]
    return graph.select(both, order, value.sample), True
