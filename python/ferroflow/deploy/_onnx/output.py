"""From a model's last value to labels, probabilities or values."""

from typing import Any

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper

from ferroflow.deploy._onnx.builder import Builder, Column
from ferroflow.deploy._onnx.document import Document

LABELS = {
    "int": (np.int64, TensorProto.INT64),
    "float": (np.float64, TensorProto.DOUBLE),
    "bool": (bool, TensorProto.BOOL),
}


def outputs_of(b: Builder, doc: Document, values: list[list[Column]]) -> list[ValueInfoProto]:
    """Add the last nodes, and return the graph's outputs."""
    out = doc.head["output"]
    single = out["float"] == 32
    dtype = np.float32 if single else np.float64
    element = TensorProto.FLOAT if single else TensorProto.DOUBLE

    def name(value: str, called: str, kind: int, width: int | None) -> ValueInfoProto:
        b.nodes.append(helper.make_node("Identity", [value], [called], name=called))
        shape: list[Any] = ["rows"] if width is None else ["rows", width]
        return helper.make_tensor_value_info(called, kind, shape)

    def value(key: str) -> tuple[str, int]:
        columns = values[out.get(key, out["value"])]
        return b.rounded(b.matrix(columns), out["float"]), len(columns)

    scores, width = value("value")
    if out["task"] != "classifier":
        return [name(scores, "values", element, width)]
    deciding, n = value("labels")
    if n == 1:
        place = b.cast(b.add("Greater", deciding, b.constant(0, dtype)), TensorProto.INT64)
    else:
        place = b.add("ArgMax", deciding, axis=1, keepdims=1)
    flat = b.add("Squeeze", place, b.constant([1], np.int64))
    if out["class_kind"] == "text":
        classes, kind = b.texts(doc.texts(out["classes"])), TensorProto.STRING
    else:
        of, kind = LABELS[out["class_kind"]]
        classes = b.constant(doc.array(out["classes"]), of)
    label = name(b.add("Gather", classes, flat, axis=0), "label", kind, None)
    if out["link"] == "none":
        return [label, name(scores, "scores", element, width)]
    linked, n = value("probabilities")
    return [label, name(_linked(b, out["link"], linked, n, dtype), "probabilities", element, max(2, n))]


def _linked(b: Builder, link: str, x: str, n: int, dtype: Any) -> str:
    """From scores, or from what becomes probabilities, to one for each class."""
    one = b.constant(1, dtype)
    if link == "softmax":
        return b.add("Softmax", x, axis=1)
    if link in ("sigmoid", "one_vs_rest"):
        x = b.add("Sigmoid", x)
    elif link == "clipped":
        kept = b.add("Clip", x, b.constant(-1, dtype), one)
        x = b.add("Div", b.add("Add", kept, one), b.constant(2, dtype))
    if n == 1:
        return b.add("Concat", b.add("Sub", one, x), x, axis=1)
    if link == "given":
        return x
    total = b.add("ReduceSum", x, b.constant([1], np.int64), keepdims=1)
    empty = b.add("Equal", total, b.constant(0, dtype))
    share = b.add("Div", x, b.add("Where", empty, one, total))
    return b.add("Where", empty, b.constant(1 / n, dtype), share)
