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


def outputs_of(b: Builder, doc: Document, columns: list[Column]) -> list[ValueInfoProto]:
    """Add the last nodes, and return the graph's outputs."""
    out = doc.head["output"]
    single = out["float"] == 32
    element = TensorProto.FLOAT if single else TensorProto.DOUBLE

    def name(value: str, called: str, kind: int, width: int | None) -> ValueInfoProto:
        b.nodes.append(helper.make_node("Identity", [value], [called], name=called))
        shape: list[Any] = ["rows"] if width is None else ["rows", width]
        return helper.make_tensor_value_info(called, kind, shape)

    scores = b.rounded(b.matrix(columns), out["float"])
    if out["task"] != "classifier":
        return [name(scores, "values", element, len(columns))]
    dtype = np.float32 if single else np.float64
    if len(columns) == 1:
        place = b.cast(b.add("Greater", scores, b.constant(0, dtype)), TensorProto.INT64)
    else:
        place = b.add("ArgMax", scores, axis=1, keepdims=1)
    flat = b.add("Squeeze", place, b.constant([1], np.int64))
    if out["class_kind"] == "text":
        classes, kind = b.texts(doc.texts(out["classes"])), TensorProto.STRING
    else:
        of, kind = LABELS[out["class_kind"]]
        classes = b.constant(doc.array(out["classes"]), of)
    label = name(b.add("Gather", classes, flat, axis=0), "label", kind, None)
    n = max(2, len(columns))
    if out["link"] == "none":
        return [label, name(scores, "scores", element, len(columns))]
    return [label, name(_linked(b, out["link"], scores, dtype), "probabilities", element, n)]


def _linked(b: Builder, link: str, scores: str, dtype: Any) -> str:
    if link == "given":
        return scores
    if link == "softmax":
        return b.add("Softmax", scores, axis=1)
    each = b.add("Sigmoid", scores)
    if link == "sigmoid":
        return b.add("Concat", b.add("Sub", b.constant(1, dtype), each), each, axis=1)
    return b.add("Div", each, b.add("ReduceSum", each, b.constant([1], np.int64), keepdims=1))
