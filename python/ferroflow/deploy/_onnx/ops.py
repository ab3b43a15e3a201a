"""Each op of the model file in ONNX's operators."""

from collections.abc import Callable
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
from onnx import TensorProto

from ferroflow.deploy._onnx.builder import ML, Builder, Column
from ferroflow.deploy._onnx.document import Document
from ferroflow.deploy._onnx.forest import forest

Columns = list[Column]
Op = Callable[[Builder, Document, dict[str, Any], Columns], Columns]
INT64, BOOL, DOUBLE = TensorProto.INT64, TensorProto.BOOL, TensorProto.DOUBLE


def _float(node: dict) -> Any:
    return np.float32 if node["float"] == 32 else np.float64


def _numbers(b: Builder, node: dict, columns: Columns, make: Callable[[str, Any], str]) -> Columns:
    """Run `make` on the columns side by side, rounded to the op's type."""
    x = b.rounded(b.matrix(columns), node["float"])
    return b.columns(b.widened(make(x, _float(node)), node["float"]), len(columns))


def _missing(b: Builder, doc: Document, node: dict, columns: Columns, x: str) -> str:
    """Say which cells are missing."""
    marker = node["marker"]
    if columns[0].text:
        # A text that is missing is the empty text in ONNX, which has no other way to say it.
        return b.add("Equal", x, b.texts(doc.texts(marker) if marker is not None else [""]))
    return b.add("IsNaN", x) if marker is None else b.add("Equal", x, b.constant(doc.array(marker)))


def impute(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    x, fill = b.matrix(columns), node["fill"]
    filled = b.texts(doc.texts(fill)) if columns[0].text else b.constant(doc.array(fill))
    out = b.add("Where", _missing(b, doc, node, columns, x), filled, x)
    return b.columns(out, len(columns), columns[0].text)


def indicator(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    found = []
    for column in columns:
        x = b.matrix([column])
        out = b.cast(_missing(b, doc, node, [column], x), DOUBLE)
        found += b.columns(out, 1)
    return found


def same(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    return columns


def scale(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    def make(x: str, dtype: Any) -> str:
        for name, op in [("mean", "Sub"), ("scale", "Div"), ("factor", "Mul")]:
            if node[name] is not None:
                x = b.add(op, x, b.constant(doc.array(node[name]), dtype))
        return x

    return _numbers(b, node, columns, make)


def rescale(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    def make(x: str, dtype: Any) -> str:
        steps = [("scale", "Mul"), ("shift", "Add")] if node["back"] else [("shift", "Sub"), ("scale", "Div")]
        for name, op in steps:
            if node[name] is not None:
                x = b.add(op, x, b.constant(doc.array(node[name]), dtype))
        if node["limits"] is not None:
            low, high = doc.array(node["limits"])
            x = b.add("Clip", x, b.constant(low, dtype), b.constant(high, dtype))
        return x

    return _numbers(b, node, columns, make)


def _places(b: Builder, doc: Document, column: Column, name: str) -> tuple[str, int]:
    """Return each row's place among categories (that of a missing one is behind them, of an unknown one after it)."""
    x = b.matrix([column])
    if column.text:
        texts = doc.texts(name)
        n = len(texts)
        # The empty text stands for a missing one, unless it is a category.
        keys = [*texts, *([] if "" in texts else [""])]
        places = [*range(n), *([] if "" in texts else [n])]
        attributes = {"keys_strings": keys, "values_int64s": places, "default_int64": n + 1}
        return b.add("LabelEncoder", x, domain=ML, **attributes), n
    numbers = doc.array(name)
    n = len(numbers)
    missing, behind = b.add("IsNaN", x), b.constant([[n]], np.int64)
    unknown = b.constant([[n + 1]], np.int64)
    if n == 0:
        return b.add("Where", missing, behind, unknown), n
    equal = b.cast(b.add("Equal", x, b.constant(numbers.reshape(1, -1))), INT64)
    known = b.cast(b.add("ReduceMax", equal, axes=[1], keepdims=1), BOOL)
    place = b.add("Where", known, b.add("ArgMax", equal, axis=1, keepdims=1), unknown)
    return b.add("Where", missing, behind, place), n


def _table(b: Builder, places: str, table: np.ndarray) -> Columns:
    """Look rows of a table up."""
    rows = b.add("Gather", b.constant(table), b.add("Squeeze", places, b.constant([1], np.int64)), axis=0)
    return b.columns(rows, table.shape[1])


def onehot(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    found = []
    for column, spec in zip(columns, node["columns"], strict=True):
        places, _ = _places(b, doc, column, spec["categories"])
        codes, width = doc.array(spec["codes"]), spec["width"]
        # What is refused in the model is NaN here: ONNX can refuse no row.
        table = np.where(codes[:, None] == -2, np.nan, codes[:, None] == np.arange(width)).astype(np.float64)
        if width:
            found += _table(b, places, table)
    return found


def ordinal(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    found = []
    for column, spec in zip(columns, node["columns"], strict=True):
        places, n = _places(b, doc, column, spec["categories"])
        values = doc.array(spec["values"]).copy()
        for at, refused in [(n, spec["refuse_missing"]), (n + 1, spec["refuse_unknown"])]:
            if refused:
                values[at] = np.nan
        found += _table(b, places, values.reshape(-1, 1))
    return found


def lookup(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    found = []
    for column, spec in zip(columns, node["columns"], strict=True):
        places, _ = _places(b, doc, column, spec["categories"])
        found += _table(b, places, doc.array(spec["values"]))
    return found


def group(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    other = doc.texts(node["other"])[0]
    found = []
    for column, spec in zip(columns, node["columns"], strict=True):
        kept = [*doc.texts(spec["kept"]), ""]  # the empty text is a missing one, which stays
        attributes = {"keys_strings": kept, "values_strings": kept, "default_string": other}
        found += b.columns(b.add("LabelEncoder", b.matrix([column]), domain=ML, **attributes), 1, True)
    return found


def binarize(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    x = b.rounded(b.matrix(columns), node["float"])
    above = b.add("Greater", x, b.constant(doc.array(node["threshold"]), _float(node)))
    return b.columns(b.cast(above, DOUBLE), len(columns))


def bins(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    found = []
    for column, spec in zip(columns, node["columns"], strict=True):
        x, edges = b.rounded(b.matrix([column]), node["float"]), doc.array(spec["edges"])
        reached = b.cast(b.add("GreaterOrEqual", x, b.constant(edges.reshape(1, -1), _float(node))), DOUBLE)
        which = b.add("ReduceSum", reached, b.constant([1], np.int64), keepdims=1)
        if node["one_hot"]:
            every = b.constant(np.arange(len(edges) + 1.0).reshape(1, -1))
            found += b.columns(b.cast(b.add("Equal", which, every), DOUBLE), len(edges) + 1)
        else:
            found += b.columns(which, 1)
    return found


def normalize(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    def make(x: str, dtype: Any) -> str:
        axis = b.constant([1], np.int64)
        if node["norm"] == "l1":
            norm = b.add("ReduceSum", b.add("Abs", x), axis, keepdims=1)
        elif node["norm"] == "l2":
            norm = b.add("Sqrt", b.add("ReduceSum", b.add("Mul", x, x), axis, keepdims=1))
        else:
            norm = b.add("ReduceMax", b.add("Abs", x), axes=[1], keepdims=1)
        zero = b.add("Equal", norm, b.constant(0, dtype))
        return b.add("Div", x, b.add("Where", zero, b.constant(1, dtype), norm))

    return _numbers(b, node, columns, make)


def polynomial(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    choose = combinations if node["distinct"] else combinations_with_replacement
    terms = [
        term
        for degree in range(max(1, node["least"]), node["most"] + 1)
        for term in choose(range(len(columns)), degree)
    ]
    x, n = b.rounded(b.matrix(columns), node["float"]), len(columns)
    # A column of ones behind, for terms of fewer factors than the most.
    one = b.constant(1, _float(node))
    first = b.add("Gather", x, b.constant([0], np.int64), axis=1)
    ones = b.add("Where", b.add("IsNaN", first), one, one)
    wide = b.add("Concat", x, b.add("Expand", ones, b.add("Shape", first)), axis=1)
    product = ""
    for k in range(node["most"]):
        factor = [term[k] if k < len(term) else n for term in terms]
        column = b.add("Gather", wide, b.constant(factor, np.int64), axis=1)
        product = b.add("Mul", product, column) if product else column
    found = b.columns(b.widened(product, node["float"]), len(terms))
    if node["bias"]:
        bias = b.add("Gather", wide, b.constant([n], np.int64), axis=1)
        found = [*b.columns(b.widened(bias, node["float"]), 1), *found]
    return found


def power(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    exponents = doc.array(node["exponents"])

    def raised(base: str, by: np.ndarray, dtype: Any) -> str:
        """(base ** by - 1) / by, or the logarithm where `by` is 0."""
        zero = by == 0
        safe = b.constant(np.where(zero, 1, by), dtype)
        part = b.add("Div", b.add("Sub", b.add("Pow", base, safe), b.constant(1, dtype)), safe)
        return b.add("Where", b.constant(zero, bool), b.add("Log", base), part) if zero.any() else part

    def make(x: str, dtype: Any) -> str:
        if node["family"] == "box-cox":
            return raised(x, exponents, dtype)
        one, zero = b.constant(1, dtype), b.constant(0, dtype)
        below = b.add("Less", x, zero)
        up = raised(b.add("Add", b.add("Where", below, zero, x), one), exponents, dtype)
        down = raised(b.add("Sub", one, b.add("Where", below, x, zero)), 2 - exponents, dtype)
        return b.add("Where", below, b.add("Neg", down), up)

    return _numbers(b, node, columns, make)


FUNCTIONS = {
    "absolute": "Abs",
    "ceil": "Ceil",
    "exp": "Exp",
    "floor": "Floor",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "rint": "Round",
    "sqrt": "Sqrt",
}
ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "exp": "Exp", "identity": "Identity"}


def function(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    def make(x: str, dtype: Any) -> str:
        if node["name"] == "square":
            return b.add("Mul", x, x)
        if node["name"] == "trunc":
            return b.add("Mul", b.add("Sign", x), b.add("Floor", b.add("Abs", x)))
        return b.add(FUNCTIONS[node["name"]], x)

    return _numbers(b, node, columns, make)


def activation(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    return _numbers(b, node, columns, lambda x, dtype: b.add(ACTIVATIONS[node["name"]], x))


def linear(b: Builder, doc: Document, node: dict, columns: Columns) -> Columns:
    weights, dtype = doc.array(node["weights"]), _float(node)
    x = b.rounded(b.matrix(columns), node["float"])
    sums = b.add("MatMul", x, b.constant(weights.T, dtype))
    out = b.add("Add", sums, b.constant(doc.array(node["bias"]), dtype))
    return b.columns(b.widened(out, node["float"]), len(weights))


OPS: dict[str, Op] = {
    "activation": activation,
    "bin": bins,
    "binarize": binarize,
    "forest": forest,
    "function": function,
    "group": group,
    "impute": impute,
    "indicator": indicator,
    "linear": linear,
    "lookup": lookup,
    "normalize": normalize,
    "onehot": onehot,
    "ordinal": ordinal,
    "polynomial": polynomial,
    "power": power,
    "refuse": same,
    "rescale": rescale,
    "scale": scale,
}
