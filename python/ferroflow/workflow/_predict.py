"""Predict the rows of a table with a frozen model, block by block, so that a table of any length fits in memory."""

from __future__ import annotations

import codecs
import csv
import difflib
import gzip
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ferroflow.frozen import FrozenModel
from ferroflow.workflow.config import MISSING_MARKS
from ferroflow.workflow.problem import DataError, WorkflowError

if TYPE_CHECKING:
    import pandas as pd

BLOCK_ROWS = 8192
_HEAD = 65536


@dataclass
class Block:
    """Some rows of a table: the columns that the model needs, and where the rows stand."""

    columns: dict[str, Any]
    first_row: int
    lines: Sequence[int] | None = None

    def place(self, row: int) -> str:
        """Name a row as a person finds it: counted from 1, with its line in a CSV file."""
        line = "" if self.lines is None else f" (line {self.lines[row]})"
        return f"row {self.first_row + row}{line}"


@dataclass
class Predicted:
    """Predictions of a block: a label or value by row, and a probability by row and class where there are any."""

    values: np.ndarray
    probabilities: np.ndarray | None

    def __len__(self) -> int:
        return len(self.values)


def predict(
    model: FrozenModel | str | Path,
    data: pd.DataFrame | str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> pd.DataFrame:
    """Predict the rows of a table as ``ferroflow predict`` does.

    Parameters
    ----------
    model : FrozenModel, str or Path
        A frozen model or its file.
    data : DataFrame, str or Path
        The rows: a frame, a CSV file (also gzipped) or a Parquet file. Columns that the model does not know are
        ignored, and the missing marks of its training mean a missing value here too.
    encoding, delimiter : str, optional
        Of a CSV file; found by looking if left out.

    Returns
    -------
    DataFrame of shape (n_rows, 1 + n_classes)
        ``prediction``, and for a classifier ``probability_<class>`` for each class.

    Raises
    ------
    DataError
        If a column is missing or a value does not fit; the message names row and column.
    """
    import pandas as pd

    model = load_model(model)
    if isinstance(data, pd.DataFrame):
        name, blocks = "the table", _frame_blocks(data, model, "the table")
    else:
        name, blocks = str(data), table_blocks(str(data), model, encoding=encoding, delimiter=delimiter)
    found = list(predict_blocks(model, blocks, name))
    heads = header(model)
    if not found:
        return pd.DataFrame(columns=heads)
    columns = [np.concatenate([part.values for part in found])]
    if found[0].probabilities is not None:
        columns += list(np.concatenate([part.probabilities for part in found]).T)
    return pd.DataFrame(dict(zip(heads, columns, strict=True)))


def load_model(model: FrozenModel | str | Path) -> FrozenModel:
    """Load a model file, or say what is wrong with it."""
    if not isinstance(model, FrozenModel):
        path = Path(model)
        if not path.is_file():
            raise WorkflowError(
                f"There is no model file {str(path)!r}. `ferroflow run workflow.toml` writes one as runs/<id>/model.ff."
            )
        try:
            model = FrozenModel.load(path)
        except ValueError as error:
            raise WorkflowError(f"{error}. Freeze it again, or fetch a whole copy.") from None
    if model.task == "transformer":
        raise WorkflowError("This model file is a transformer: it predicts nothing.")
    return model


def header(model: FrozenModel) -> list[str]:
    """Return the names of the columns that predictions have."""
    if model.task == "regressor" and len(model.outputs) > 1:
        return [f"prediction_{name}" for name in model.outputs]
    if not model._has_probabilities:
        return ["prediction"]
    return ["prediction", *(f"probability_{name}" for name in model.classes_.tolist())]


def write_csv(model: FrozenModel, blocks: Iterator[Block], name: str, file: IO[str]) -> int:
    """Write predictions as CSV, each block when it is done; floats read back to the same bits."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header(model))
    rows = 0
    for part in predict_blocks(model, blocks, name):
        values = part.values.reshape(len(part), -1).T.tolist()
        chances = [] if part.probabilities is None else part.probabilities.T.tolist()
        writer.writerows(zip(*values, *chances, strict=True))
        file.flush()
        rows += len(part)
    return rows


def predict_blocks(model: FrozenModel, blocks: Iterator[Block], name: str) -> Iterator[Predicted]:
    """Predict block after block; an error names the row as `Block.place` does."""
    for block in blocks:
        try:
            output, probabilities = model._run(_Table(block.columns), "both")
        except ValueError as error:
            raise DataError(f"{name!r}: {_placed(str(error), block)}.") from None
        if model.task == "classifier":
            yield Predicted(model.classes_[output], probabilities)
        else:
            yield Predicted(output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output, None)


def table_blocks(
    source: str, model: FrozenModel, *, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[Block]:
    """Read a CSV or Parquet file, or standard input for ``-``, in blocks of the columns that the model needs."""
    if source == "-":
        yield from _csv_blocks(sys.stdin.buffer, model, "standard input", encoding or "utf-8", delimiter)
        return
    path = Path(source)
    if not path.exists():
        raise DataError(f"There is no file {source!r}. Check the path and the current folder.")
    if path.is_dir():
        raise DataError(f"{source!r} is a folder; name a CSV or Parquet file in it.")
    with path.open("rb") as file:
        if file.peek(4)[:4] == b"PAR1":
            yield from _parquet_blocks(path, model, source)
            return
        if encoding is None:
            with _opened(file) as plain:
                encoding = _encoding(plain)
            file.seek(0)
        yield from _csv_blocks(file, model, source, encoding, delimiter)


class _Table:
    """Columns by name, as a frozen model takes a frame."""

    def __init__(self, cells: dict[str, np.ndarray]) -> None:
        self.columns, self._cells = list(cells), cells

    def __getitem__(self, name: str) -> np.ndarray:
        return self._cells[name]


def _placed(message: str, block: Block) -> str:
    return re.sub(r"^row (\d+)", lambda found: block.place(int(found[1])), message)


def _marks(model: FrozenModel) -> set[str]:
    """The texts that meant missing when the model was trained."""
    told = model.provenance.get("missing")
    marks = MISSING_MARKS if told is None else json.loads(told)
    return {mark.strip() for mark in marks} | {""}


def _needed(model: FrozenModel, names: Sequence[str], source: str) -> list[int]:
    """Return the position of each column that the model needs."""
    wanted = [column["name"] for column in model.schema["columns"]]
    out = []
    for name in wanted:
        if names.count(name) > 1:
            raise DataError(f"{source!r} has two columns named {name!r}. Rename or remove one.")
        if name not in names:
            same = [other for other in names if other.lower() == name.lower()]
            near = (same or difflib.get_close_matches(name, names, n=1) or [""])[0]
            listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
            hint = f"did you mean {near!r}? " if near else ""
            if not set(wanted) & set(names):
                hint = "Is its first line the column names? "
            raise DataError(
                f"{source!r} has no column {name!r}, which the model needs. {hint}It has: {listed}."
            )
        out.append(names.index(name))
    return out


# CSV


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The bytes of a file, taken out of gzip where it is that."""
    magic = file.peek(2)[:2] if hasattr(file, "peek") else b""
    if magic != b"\x1f\x8b":
        yield file
        return
    with gzip.open(file) as plain:
        yield plain  # type: ignore[misc]


def _encoding(file: IO[bytes]) -> str:
    """Find the encoding as `collect` does: UTF-16 by its mark, UTF-8, cp1252, and latin-1, which reads every byte."""
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
    first = True
    try:
        while chunk := file.read(1 << 20):
            if first and chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
                return "utf-16"
            first = False
            for name in list(decoders):
                try:
                    decoders[name].decode(chunk)
                except UnicodeDecodeError:
                    del decoders[name]
    except (OSError, EOFError) as error:
        raise DataError(f"The file cannot be read: {error}.") from None
    return next(iter(decoders), "latin-1")


def _csv_blocks(
    file: IO[bytes], model: FrozenModel, name: str, encoding: str, delimiter: str | None
) -> Iterator[Block]:
    from ferroflow.workflow.collect import _sniff_delimiter

    with _opened(file) as plain:
        try:
            text = io.TextIOWrapper(plain, "utf-8-sig" if encoding == "utf-8" else encoding, newline="")
        except LookupError:
            raise DataError(f"{encoding!r} is no encoding that Python knows; try utf-8 or latin-1.") from None
        try:
            head = text.read(_HEAD)
            head += text.readline()
            if not head.strip():
                raise DataError(f"{name!r} is empty: it needs a first line of column names and then rows.")
            lines = chain(io.StringIO(head, newline=""), text)
            reader = csv.reader(lines, delimiter=delimiter or _sniff_delimiter(head))
            yield from _rows(reader, model, name)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name!r} is not {encoding} ({error.reason}). Set --encoding, often latin-1."
            ) from None
        except csv.Error as error:
            raise DataError(f"{name!r} cannot be read as CSV: {error}.") from None
        except (gzip.BadGzipFile, EOFError) as error:
            raise DataError(f"{name!r} is a damaged gzip file: {error}. Fetch it again.") from None
        finally:
            text.detach()


def _rows(reader: Any, model: FrozenModel, name: str) -> Iterator[Block]:
    names: list[str] = []
    for row in reader:
        if row:
            names = [cell.strip() for cell in row]
            break
    places = _needed(model, names, name)
    marks = _marks(model)
    rows: list[list[str]] = []
    lines: list[int] = []
    first, before, width = 1, reader.line_num, len(names)
    for row in reader:
        if row:
            if len(row) != width:
                kind = "short" if len(row) < width else "long"
                raise DataError(
                    f"{name!r}, row {first + len(rows)} (line {before + 1}): the row is too {kind}, it has {len(row)}"
                    f" cells and the header has {width}."
                )
            rows.append(row)
            lines.append(before + 1)
            if len(rows) == BLOCK_ROWS:
                yield _block(rows, lines, first, places, model, marks, name)
                first += len(rows)
                rows, lines = [], []
        before = reader.line_num
    if rows:
        yield _block(rows, lines, first, places, model, marks, name)


def _block(
    rows: list[list[str]],
    lines: list[int],
    first: int,
    places: list[int],
    model: FrozenModel,
    marks: set[str],
    name: str,
) -> Block:
    block = Block({}, first, lines)
    cells = list(zip(*rows, strict=True))
    for column, place in zip(model.schema["columns"], places, strict=True):
        label = column["name"]
        if column["kind"] == "text":
            known = set(column["categories"] or ())
            texts = np.empty(len(rows), dtype=object)
            texts[:] = [_text(cell, marks, known) for cell in cells[place]]
            block.columns[label] = texts
        else:
            block.columns[label] = _numbers(cells[place], marks, block, label, name)
    return block


def _text(cell: str, marks: set[str], known: set[str]) -> str | None:
    cell = cell.strip()
    # A mark that the model learned as a category was no mark in its training.
    return None if cell in marks and cell not in known else cell


_TRUTHS = {"true": 1.0, "false": 0.0}


def _numbers(cells: Sequence[str], marks: set[str], block: Block, label: str, name: str) -> np.ndarray:
    out = np.empty(len(cells))
    for k, cell in enumerate(cells):
        try:
            out[k] = float(cell)
        except ValueError:
            bare = cell.strip()
            if bare in marks:
                out[k] = np.nan
            elif bare.lower() in _TRUTHS:
                out[k] = _TRUTHS[bare.lower()]
            else:
                raise DataError(
                    f"{name!r}, {block.place(k)}, column {label!r}: {bare!r} is not a number, and none of the texts"
                    " that meant missing when the model was trained."
                ) from None
    # Cleaning takes an infinite number as missing too.
    out[np.isinf(out)] = np.nan
    return out


# frames


def _parquet_blocks(path: Path, model: FrozenModel, name: str) -> Iterator[Block]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ferroflow.workflow.collect import _to_frame

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = [names[j] for j in _needed(model, names, name)]
            first = 1
            for batch in file.iter_batches(BLOCK_ROWS, columns=wanted):
                frame, _ = _to_frame(pa.Table.from_batches([batch]), ())
                for block in _frame_blocks(frame, model, name):
                    block.first_row += first - 1
                    yield block
                first += len(frame)
    except pa.ArrowException as error:
        raise DataError(f"{name!r} is a damaged Parquet file: {str(error).splitlines()[0]}") from None


def _frame_blocks(frame: pd.DataFrame, model: FrozenModel, name: str) -> Iterator[Block]:
    from ferroflow.workflow.clean import as_category, as_number, blank_marks

    names = [str(column) for column in frame.columns]
    places = _needed(model, names, name)
    marks = sorted(_marks(model))
    for start in range(0, len(frame), BLOCK_ROWS):
        part = frame.iloc[start : start + BLOCK_ROWS]
        block = Block({}, start + 1)
        for column, place in zip(model.schema["columns"], places, strict=True):
            known = set(column["categories"] or ()) if column["kind"] == "text" else set()
            values, _ = blank_marks(part.iloc[:, place], [mark for mark in marks if mark not in known])
            if column["kind"] == "text":
                texts = as_category(values).to_numpy(dtype=object, copy=True)
                texts[values.isna().to_numpy()] = None
                block.columns[column["name"]] = texts
                continue
            numbers = as_number(values)
            if numbers is None:
                cells = ["" if cell is None or cell != cell else str(cell) for cell in values]
                block.columns[column["name"]] = _numbers(cells, {""}, block, column["name"], name)
                continue
            array = numbers.to_numpy(dtype=np.float64, copy=True)
            array[np.isinf(array)] = np.nan
            block.columns[column["name"]] = array
        yield block
