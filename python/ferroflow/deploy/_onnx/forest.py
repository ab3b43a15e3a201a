"""Forests as ONNX's TreeEnsembleRegressor."""

from typing import Any

import numpy as np

from ferroflow.deploy._onnx.builder import ML, Builder, Column
from ferroflow.deploy._onnx.document import Document


def forest(b: Builder, doc: Document, node: dict[str, Any], columns: list[Column]) -> list[Column]:
    """Sum leaves over trees that compare in float64: what is rounded to float32 first is so here too."""
    if node["sets"] is not None:
        raise TypeError(
            "ONNX cannot express this forest's splits by sets of categories. Serve the model file itself, or train "
            "with one-hot columns."
        )
    views = b.matrix([_view(b, node, columns, j) for j in range(len(node["columns"]))])
    trees = _trees(doc, node)
    values, outputs = _values(doc, node), node["outputs"]
    if values.shape[1] == 1 and outputs > 1:  # trees belong to the outputs in turn
        spread = np.zeros((len(values), outputs))
        spread[np.arange(len(values)), trees["tree_of_leaf"] % outputs] = values[:, 0]
        values = spread
    leaf = np.flatnonzero(~trees["is_split"])
    left_on_missing = np.array([node["missing"][v] in ("left", "zero_left") for v in trees["view"]])
    sums = b.add(
        "TreeEnsembleRegressor",
        views,
        domain=ML,
        n_targets=outputs,
        aggregate_function="SUM",
        nodes_treeids=trees["tree"].tolist(),
        nodes_nodeids=trees["place"].tolist(),
        nodes_featureids=trees["view"].tolist(),
        nodes_modes=np.where(trees["is_split"], "BRANCH_LEQ", "LEAF").tolist(),
        nodes_truenodeids=trees["left"].tolist(),
        nodes_falsenodeids=trees["right"].tolist(),
        nodes_missing_value_tracks_true=left_on_missing.astype(int).tolist(),
        nodes_values_as_tensor=_tensor("nodes_values", trees["threshold"]),
        target_treeids=np.repeat(trees["tree"][leaf], outputs).tolist(),
        target_nodeids=np.repeat(trees["place"][leaf], outputs).tolist(),
        target_ids=np.tile(np.arange(outputs), len(leaf)).tolist(),
        target_weights_as_tensor=_tensor("target_weights", values.ravel()),
    )
    # Whatever goes in, ONNX has the sums as float32.
    total = b.add("Add", b.widened(sums, 32), b.constant(doc.array(node["start"]) + 0.0))
    total = b.add("Div", total, b.constant(float(node["divide"])))
    total = b.add("Add", total, b.constant(doc.array(node["add"]) + 0.0))
    return b.columns(b.widened(b.rounded(total, node["float"]), node["float"]), outputs)


def _tensor(name: str, values: np.ndarray) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float64), name)


def _view(b: Builder, node: dict[str, Any], columns: list[Column], j: int) -> Column:
    """A column as splits of view `j` see it."""
    x = b.matrix([columns[node["columns"][j]]])
    x = b.widened(b.rounded(x, node["compare"]), node["compare"])
    if node["tiny_is_zero"]:
        tiny = b.add("LessOrEqual", b.add("Abs", x), b.constant(float(np.float32(1e-35))))
        x = b.add("Where", tiny, b.constant(0.0), x)
    if node["missing"][j] == "zero":
        x = b.add("Where", b.add("IsNaN", x), b.constant(0.0), x)
    elif node["missing"][j] in ("zero_left", "zero_right"):
        x = b.add("Where", b.add("Equal", x, b.constant(0.0)), b.constant(np.nan), x)
    return b.columns(x, 1)[0]


def _trees(doc: Document, node: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return an entry per node: its tree, its place there, its children's places, view and threshold."""
    bits = np.unpackbits(doc.array(node["splits"]), bitorder="little")
    is_split = bits[: node["nodes"]].astype(bool)
    n = len(is_split)
    # A tree ends at its last leaf: where leaves are one more than splits since it began.
    balance = np.cumsum(np.where(is_split, -1, 1))
    ends = np.flatnonzero(np.diff(np.maximum.accumulate(np.concatenate([[0], balance]))) > 0)
    tree = np.searchsorted(ends, np.arange(n), side="left")
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(n) - starts[tree]
    left, right = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    waiting: list[int] = []
    for i, split in enumerate(is_split.tolist()):
        if split:
            left[i] = place[i] + 1
            waiting.append(i)
        elif waiting and i + 1 < n and tree[i + 1] == tree[i]:
            right[waiting.pop()] = place[i] + 1
    view = np.zeros(n, dtype=np.int64)
    view[is_split] = doc.packed(node["inputs"], "u")
    threshold = np.zeros(n)
    threshold[is_split] = doc.packed(node["thresholds"], "f")
    return {
        "is_split": is_split,
        "tree": tree,
        "place": place,
        "left": left,
        "right": right,
        "view": view,
        "threshold": threshold,
        "tree_of_leaf": tree[~is_split],
    }


def _values(doc: Document, node: dict[str, Any]) -> np.ndarray:
    """Return each leaf's row."""
    table = doc.packed(node["values"], "u" if node["counts"] else "f").astype(np.float64)
    if node["counts"]:
        table = table / table.sum(axis=1, keepdims=True)
    return table if node["leaves"] is None else table[doc.packed(node["leaves"], "u")]
