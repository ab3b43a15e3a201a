"""Many trees as one op: the streams of a `forest` node."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value

MISSING = ("left", "right", "zero", "zero_left", "zero_right")
LEFT, RIGHT, ZERO, ZERO_LEFT, ZERO_RIGHT = range(len(MISSING))
MEMBERS = ("none", "left", "right")
NONE, MEMBERS_LEFT, MEMBERS_RIGHT = range(len(MEMBERS))


class Tree(NamedTuple):
    """A tree as arrays, an entry per node; the first is the root."""

    left: Any
    """Where the left child stands; negative for a leaf."""
    right: Any
    column: np.ndarray
    threshold: np.ndarray
    """What cells are compared with, or the number of a set."""
    missing: np.ndarray
    """Where missing cells go, as in `MISSING`."""
    members: np.ndarray
    """Where cells in the set go, as in `MEMBERS`."""
    values: np.ndarray
    """A row per node, of which those of leaves count."""
    sizes: np.ndarray | None = None
    """What a node's values are fractions of, if they are counts of so many rows."""


def forest(
    graph: Graph,
    value: Value,
    trees: Iterable[Tree],
    outputs: int,
    *,
    precision: int = 64,
    compare: int = 64,
    refuse_missing: bool = False,
    tiny_is_zero: bool = False,
    sets: Iterable[bytes] = (),
    start: Any = None,
    divide: int = 1,
    add: Any = None,
) -> Value:
    """Add a node that sums the leaves' values: to `start`, tree by tree, then divided, then `add`.

    With one value a leaf, trees belong to the outputs in turn. -0 adds nothing, not even to -0.
    """
    key = graph.key
    splits, columns, thresholds, values, sizes = [], [], [], [], []
    for tree in trees:
        order = np.array(preorder(tree.left, tree.right), dtype=np.intp)
        is_split = np.asarray(tree.left)[order] >= 0
        at, leaves = order[is_split], order[~is_split]
        splits.append(is_split)
        code = tree.missing[at].astype(np.int64) * len(MEMBERS) + tree.members[at]
        columns.append(tree.column[at].astype(np.int64) * (len(MISSING) * len(MEMBERS)) + code)
        thresholds.append(tree.threshold[at])
        values.append(tree.values[leaves])
        sizes.append(None if tree.sizes is None else tree.sizes[leaves])
    flags = np.concatenate(splits)
    # A forest of leaves alone looks at one cell all the same.
    codes, inputs = np.unique(np.concatenate(columns), return_inverse=True)
    codes = codes if codes.size else np.zeros(1, dtype=np.int64)
    column, code = np.divmod(codes, len(MISSING) * len(MEMBERS))
    packed = _thresholds(np.concatenate(thresholds), compare)
    table, rows, counts = _leaves(np.concatenate(values), sizes, precision)
    nothing = np.full(outputs, -0.0)
    sets = list(sets)
    fields = {
        "in": value.number,
        "float": precision,
        "compare": compare,
        "refuse_missing": refuse_missing,
        "tiny_is_zero": tiny_is_zero,
        "columns": column.tolist(),
        "missing": [MISSING[i] for i in code // len(MEMBERS)],
        "members": [MEMBERS[i] for i in code % len(MEMBERS)],
        "nodes": len(flags),
        "splits": _bytes(graph, f"{key}.splits", np.packbits(flags, bitorder="little")),
        "inputs": _bytes(graph, f"{key}.inputs", whole(inputs)),
        "thresholds": _bytes(graph, f"{key}.thresholds", packed),
        "sets": None,
        "leaves": None if rows is None else _bytes(graph, f"{key}.leaves", whole(rows)),
        "outputs": outputs,
        "counts": counts,
        "values": _bytes(graph, f"{key}.values", table),
        "start": graph.numbers(f"{key}.start", nothing if start is None else start),
        "add": graph.numbers(f"{key}.add", nothing if add is None else add),
        "divide": divide,
    }
    if sets:
        fields["sets"] = _bytes(graph, f"{key}.sets", np.frombuffer(b"".join(sets), dtype=np.uint8))
        graph.ints(f"{key}.sets.ends", np.cumsum([len(one) for one in sets]))
    return graph.add("forest", [NUMBER] * outputs, None, **fields)


def preorder(left: Any, right: Any) -> list[int]:
    """Number the nodes that are reached: each before its left part, that before its right part."""
    left, right = np.asarray(left).tolist(), np.asarray(right).tolist()
    waiting, order = [0], []
    while waiting:
        node = waiting.pop()
        order.append(node)
        if left[node] >= 0:
            waiting += (right[node], left[node])
    return order


def whole(values: np.ndarray) -> np.ndarray:
    """Pack whole numbers in as few bytes each as the largest needs, as a last dimension."""
    most = int(values.max(initial=0))
    kind = next(k for k in ("<u1", "<u2", "<u4") if most <= np.iinfo(k).max)
    return _spread(values, kind)


def _spread(values: np.ndarray, kind: str) -> np.ndarray:
    packed = np.ascontiguousarray(values, dtype=kind)
    return packed.view(np.uint8).reshape(*packed.shape, packed.itemsize)


def _bytes(graph: Graph, key: str, values: np.ndarray) -> str:
    graph.tensors[key] = ("U8", values)
    return key


def _thresholds(values: np.ndarray, compare: int) -> np.ndarray:
    """Pack thresholds: rounded down to the cells' precision every decision stays the same."""
    values = values.astype(np.float64)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    above = single > values
    single[above] = np.nextafter(single[above], np.float32(-np.inf))
    if compare == 32 or np.array_equal(single, values):
        return _spread(single, "<f4")
    return _spread(values, "<f8")


def _leaves(values: np.ndarray, sizes: list, precision: int) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Pack the leaves' values: a table, the row of it for each leaf (None: one after the other), and is it of counts."""
    counts = _counts(values, sizes)
    kind = "<f8" if precision == 64 else "<f4"
    rows = np.ascontiguousarray(values if counts is None else counts, dtype=kind if counts is None else "<u4")
    distinct, at = np.unique(
        rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel(), return_inverse=True
    )
    table = distinct.view(rows.dtype).reshape(-1, rows.shape[1])
    pack = whole if counts is not None else lambda some: _spread(some, kind)
    few, all_of_them = (pack(table), whole(at)), pack(rows)
    if few[0].size + few[1].size < all_of_them.size:
        return few[0], at, counts is not None
    return all_of_them, None, counts is not None


def _counts(values: np.ndarray, sizes: list) -> np.ndarray | None:
    """Tell the fractions of whole numbers by these numbers, if that gives the same bits."""
    if values.shape[1] < 2 or any(one is None for one in sizes):
        return None
    counts = np.rint(values * np.concatenate(sizes)[:, None])
    total = counts.sum(axis=1, keepdims=True)
    if not (counts.min() >= 0 and total.min() > 0 and total.max() < 2**32):
        return None
    if not np.array_equal(counts / total, values) or np.signbit(values).any():
        return None
    counts = counts.astype(np.int64)
    return counts // np.gcd.reduce(counts, axis=1, keepdims=True)
