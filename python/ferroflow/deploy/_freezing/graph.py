"""The nodes and the tensors of a model file."""

from typing import Any, NamedTuple

import numpy as np

NUMBER, TEXT = "number", "text"


class Value(NamedTuple):
    """A value of the graph: its number, its columns' kinds, and what the sample looks like there."""

    number: int
    kinds: list[str]
    sample: Any


class Graph:
    """Collects the nodes and the tensors of a model."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.kinds: list[list[str]] = []
        self.tensors: dict[str, tuple[str, np.ndarray]] = {}

    def numbers(self, key: str, values: Any) -> str:
        """Store float64 values under `key`, and return it."""
        self.tensors[key] = ("F64", np.ascontiguousarray(values, dtype="<f8"))
        return key

    def ints(self, key: str, values: Any) -> str:
        """Store int64 values under `key`, and return it."""
        self.tensors[key] = ("I64", np.ascontiguousarray(values, dtype="<i8"))
        return key

    def texts(self, key: str, values: Any) -> str:
        """Store texts under `key`: their bytes end to end, and where each ends."""
        parts = [str(value).encode() for value in values]
        self.tensors[key] = ("U8", np.frombuffer(b"".join(parts), dtype=np.uint8))
        self.ints(f"{key}.ends", np.cumsum([len(part) for part in parts], dtype=np.int64))
        return key

    def list_of(self, key: str, values: list, kind: str) -> str:
        return (
            self.texts(key, values) if kind == TEXT else self.numbers(key, np.array(values, dtype=np.float64))
        )

    def add(self, op: str, kinds: list[str], sample: Any, **fields: Any) -> Value:
        """Append a node, and return its value."""
        self.nodes.append({"op": op, **fields})
        self.kinds.append(kinds)
        return Value(len(self.nodes), kinds, sample)

    def value(self, number: int) -> Value:
        """The value that a node gave."""
        return Value(number, self.kinds[number - 1], None)

    @property
    def key(self) -> str:
        """The prefix of the next node's tensors."""
        return f"node.{len(self.nodes)}"

    def select(self, value: Value, columns: list[int], sample: Any) -> Value:
        kinds = [value.kinds[j] for j in columns]
        return self.add("select", kinds, sample, **{"in": value.number, "columns": [int(j) for j in columns]})

    def concat(self, values: list[Value], sample: Any) -> Value:
        kinds = [kind for value in values for kind in value.kinds]
        return self.add("concat", kinds, sample, **{"in": [value.number for value in values]})

    def only_numbers(self, value: Value, where: str) -> None:
        if TEXT in value.kinds:
            raise TypeError(f"{where} gets a column of texts; encode it before")
