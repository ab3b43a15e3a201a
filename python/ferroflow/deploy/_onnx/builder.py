"""Nodes of an ONNX graph, and where a model's columns live in it."""

from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"


class Column(NamedTuple):
    """A column of a value: column `at` of a matrix of numbers (float64) or of texts."""

    tensor: str
    at: int
    text: bool


class Builder:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._widths: dict[str, int] = {}

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """Return the name of a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def texts(self, values: list[str]) -> str:
        """Return the name of a constant list of texts."""
        return self.constant(np.array(values, dtype=object), object)

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node, and return the name of what it gives."""
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def cast(self, value: str, kind: int) -> str:
        return self.add("Cast", value, to=kind)

    def rounded(self, value: str, precision: int) -> str:
        """Round numbers to what an op computes in."""
        return self.cast(value, TensorProto.FLOAT) if precision == 32 else value

    def widened(self, value: str, precision: int) -> str:
        """Give numbers back as float64."""
        return self.cast(value, TensorProto.DOUBLE) if precision == 32 else value

    def columns(self, tensor: str, width: int, text: bool = False) -> list[Column]:
        """Note a matrix's width, and return its columns."""
        self._widths[tensor] = width
        return [Column(tensor, at, text) for at in range(width)]

    def matrix(self, columns: list[Column]) -> str:
        """Return columns side by side."""
        parts: list[tuple[str, list[int]]] = []
        for column in columns:
            if parts and parts[-1][0] == column.tensor:
                parts[-1][1].append(column.at)
            else:
                parts.append((column.tensor, [column.at]))
        found = [self._part(tensor, at) for tensor, at in parts]
        return found[0] if len(found) == 1 else self.add("Concat", *found, axis=1)

    def _part(self, tensor: str, at: list[int]) -> str:
        if at == list(range(self._widths[tensor])):
            return tensor
        return self.add("Gather", tensor, self.constant(at, np.int64), axis=1)
