"""Rows through the server, as JSON."""

import json
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rows

from ferroflow.deploy import _program
from ferroflow.frozen import FrozenModel

ROWS_OF_A_REQUEST = 10_000


@contextmanager
def serving(path: Path):
    """Serve a model file, and give the address."""
    command = [_program.find(), path, "--port", "0", "--child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield json.loads(process.stdout.readline())["address"]
        process.stdin.close()


def writable(model: FrozenModel, columns: rows.Columns) -> rows.Columns:
    """Leave out rows that give an infinite number: JSON has none, so the server refuses them."""
    if model.task != "transformer":
        return columns
    kept = ~np.isinf(model.transform(rows.dicts(columns))).any(axis=1)
    return {name: cells[kept] for name, cells in columns.items()}


def bits(address: str, model: FrozenModel, columns: rows.Columns) -> bytes:
    """What the server gives for rows, in the order of `rows.bits`."""
    n = len(next(iter(columns.values())))
    truths = {column["name"] for column in model.schema["columns"] if column["kind"] == "boolean"}
    values, probabilities = [], []
    for start in range(0, n, ROWS_OF_A_REQUEST):
        part = {
            name: [
                None if cell != cell else bool(cell) if name in truths else cell
                for cell in cells[start : start + ROWS_OF_A_REQUEST].tolist()
            ]
            for name, cells in columns.items()
        }
        body = json.dumps({"columns": part}).encode()
        request = urllib.request.Request(f"{address}/predict", body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"the server refuses rows of {model.name}: {error.read().decode()}") from None
        values += found["predictions"]
        probabilities += found.get("probabilities") or []
    if model.task == "classifier":
        places = {label: float(i) for i, label in enumerate(model.classes_.tolist())}
        values = [places[label] for label in values]
    # A number that JSON cannot write is null.
    parts = [np.array(part, dtype=np.float64) for part in (values, probabilities) if part]
    return b"".join(part.tobytes() for part in parts)
