"""Random rows for a frozen model, and what it gives for them as bytes."""

import struct
from pathlib import Path

import numpy as np

from ferroflow.frozen import FrozenModel

Columns = dict[str, np.ndarray]
UNSEEN = "never seen: é, 漢字, \U0001f980"
# Zero with either sign, the least subnormals, the largest subnormal, and what rounds away beside 1.
SPECIAL = np.array([0.0, -0.0, 5e-324, -5e-324, 2.225073858507201e-308, 1e-300, -1e-17])


def random_columns(model: FrozenModel, n: int, seed: int = 0) -> Columns:
    """Draw `n` rows that `model` takes: missing and special numbers and unseen texts wherever it takes them."""
    rng = np.random.default_rng(seed)
    columns: Columns = {}
    for column, seen in zip(model.schema["columns"], model.statistics, strict=True):
        if column["kind"] == "text":
            cells = rng.choice(np.array([*(column["categories"] or ["a", "b"]), UNSEEN], dtype=object), n)
            spare = cells[0] if cells[0] != UNSEEN else column["categories"][0]
        else:
            cells = _numbers(column, seen, n, rng)
            spare = cells[0]
        if column["nullable"]:
            cells[rng.random(n) < 0.1] = None if column["kind"] == "text" else np.nan
        cells[0] = spare
        columns[column["name"]] = cells
    first = {name: cells[0] for name, cells in columns.items()}
    for column in model.schema["columns"]:
        name = column["name"]
        if column["kind"] == "text" and not _takes(model, first | {name: UNSEEN}):
            columns[name][columns[name] == UNSEEN] = first[name]
    return columns


def _numbers(column: dict, seen: dict, n: int, rng: np.random.Generator) -> np.ndarray:
    if column["kind"] == "boolean":
        return rng.integers(0, 2, n).astype(np.float64)
    low, high = (seen["edges"][0], seen["edges"][-1]) if seen["edges"] else (0.0, 1.0)
    if column["kind"] == "integer":
        return rng.integers(int(low) - 2, int(high) + 3, n).astype(np.float64)
    # Beyond training on both sides, and small magnitudes of all sizes.
    cells = rng.uniform(low - 2 * (high - low), high + 2 * (high - low), n)
    cells *= np.where(rng.random(n) < 0.2, 10.0 ** rng.integers(-12, 1, n), 1.0)
    special = rng.random(n) < 0.05
    cells[special] = rng.choice(SPECIAL, int(special.sum()))
    if low > 0:  # may be a column of which logarithms are taken
        cells = np.abs(cells)
        cells[cells == 0] = 5e-324
    if column["single"]:
        cells = cells.astype(np.float32).astype(np.float64)
        if low > 0:
            cells[cells == 0] = float(np.float32(1e-45))
    return cells


def _takes(model: FrozenModel, row: dict) -> bool:
    try:
        model.transform(row) if model.task == "transformer" else model.predict(row)
    except ValueError:
        return False
    return True


def dicts(columns: Columns) -> list[dict]:
    """The rows as dicts."""
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*map(np.ndarray.tolist, columns.values()), strict=True)
    ]


def bits(model: FrozenModel, rows: list[dict]) -> bytes:
    """What the model gives for rows, as `ferroflow_predict` writes it: values row by row, then probabilities."""
    if model.task == "transformer":
        return model.transform(rows).astype(np.float64).tobytes()
    values = model.predict(rows)
    if model.task == "classifier":
        places = {label: float(i) for i, label in enumerate(model.classes_.tolist())}
        values = np.array([places[label] for label in values.tolist()])
    out = values.astype(np.float64).tobytes()
    return out + model.predict_proba(rows).astype(np.float64).tobytes() if model._has_probabilities else out


def write(path: Path, columns: Columns) -> None:
    """Write rows for the other targets: how many, then per column its kind and cells, all little-endian."""
    with path.open("wb") as file:
        n = len(next(iter(columns.values())))
        file.write(struct.pack("<QQ", n, len(columns)))
        for cells in columns.values():
            if cells.dtype == object:
                texts = [None if cell is None else cell.encode() for cell in cells]
                lengths = np.array([-1 if text is None else len(text) for text in texts], dtype="<i8")
                joined = b"".join(text for text in texts if text is not None)
                joined += b" " * (-len(joined) % 8)
                file.write(struct.pack("<QQ", 1, len(joined)) + lengths.tobytes() + joined)
            else:
                file.write(struct.pack("<QQ", 0, 0) + cells.astype("<f8").tobytes())
