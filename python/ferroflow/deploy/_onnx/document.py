"""A model file's document and tensors, in Python. Only files that :class:`ferroflow.frozen.FrozenModel` took come here."""

import json
from typing import Any

import numpy as np

TYPES = {"F64": "<f8", "I64": "<i8", "U8": "u1"}


class Document:
    """What a model file holds.

    Attributes
    ----------
    head : dict
        Its document: schema, graph, output and so on.
    """

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        self.head: dict[str, Any] = json.loads(header.pop("__metadata__")["ferroflow"])
        body = memoryview(data)[8 + length :]
        self._tensors = {}
        for name, entry in header.items():
            start, end = entry["data_offsets"]
            cells = np.frombuffer(body[start:end], dtype=TYPES[entry["dtype"]])
            self._tensors[name] = cells.reshape(entry["shape"])

    def array(self, name: str) -> np.ndarray:
        """Return a tensor of numbers."""
        return self._tensors[name]

    def maybe(self, name: str | None) -> np.ndarray | None:
        return None if name is None else self._tensors[name]

    def is_text(self, name: str) -> bool:
        """Is it a list of texts?"""
        return f"{name}.ends" in self._tensors

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        data, start, out = self._tensors[name].tobytes(), 0, []
        for end in self._tensors[f"{name}.ends"].tolist():
            out.append(data[start:end].decode())
            start = end
        return out

    def packed(self, name: str, kinds: str) -> np.ndarray:
        """Return packed numbers: the last dimension is the bytes of one; `kinds` is "u" or "f"."""
        cells = self._tensors[name]
        return np.ascontiguousarray(cells).view(f"<{kinds}{cells.shape[-1]}")[..., 0]
