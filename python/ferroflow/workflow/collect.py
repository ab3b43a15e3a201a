"""The first stage: a CSV or Parquet file, or a SQL query, becomes one table with a fingerprint.

Types are read over the whole file, not a first block, so that a column does not change its mind midway. In a
CSV a row with too few or too many cells is an error that names its line; nothing is padded in silence.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ferroflow.workflow.config import MISSING_MARKS, Data
from ferroflow.workflow.problem import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_DELIMITERS = ",;\t|"
_SQLITE_MAGIC = b"SQLite format 3\x00"
_PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"
_ENCODINGS_TRIED = "utf-8, utf-16 (with a byte order mark) and cp1252"


@dataclass(frozen=True)
class Collected:
    """A table as it was found, and how it was read.

    Attributes
    ----------
    frame : pandas.DataFrame
    source : str
        The file or database URL as it was given.
    format : str
        ``"csv"``, ``"parquet"`` or ``"sql"``.
    fingerprint : str
        SHA-256 of the file's bytes; of the query's result for SQL.
    missing : dict
        For each text mark that was read as missing: the cells that held it.
    notes : list of str
        What a person should know about the reading.
    """

    frame: pd.DataFrame
    source: str
    format: str
    fingerprint: str
    encoding: str | None = None
    delimiter: str | None = None
    query: str | None = None
    missing: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def collect(data: Data, folder: str | Path = ".") -> Collected:
    """Read what the ``[data]`` section of a configuration names.

    Parameters
    ----------
    data : Data
    folder : str or Path, default="."
        The configuration's folder, which a relative ``source`` starts from.

    Returns
    -------
    Collected

    Raises
    ------
    DataError
        If the data cannot be read; the message says why and what to do.
    """
    return read_table(
        resolve(data.source, folder),
        format=data.format,
        query=data.query,
        missing=data.missing,
        encoding=data.encoding,
        delimiter=data.delimiter,
        header=bool(data.header),
    )


def resolve(source: str, folder: str | Path) -> str:
    """The source with a relative path, also that of a SQLite URL, made to start from ``folder``."""
    sqlite = re.match(r"sqlite:///(?!/)(.+)", source)
    if sqlite:
        return "sqlite:///" + str(Path(folder) / sqlite[1])
    return source if "://" in source else str(Path(folder) / source)


def read_table(
    source: str | Path,
    *,
    format: str | None = None,
    query: str | None = None,
    missing: Iterable[str] = MISSING_MARKS,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = False,
) -> Collected:
    """Read a table from a file or a database.

    Parameters
    ----------
    source : str or Path
        A CSV file (also gzipped), a Parquet file, a SQLite file or a database URL.
    format : {"csv", "parquet", "sql"}, optional
        By default what the file's first bytes say.
    query : str, optional
        A SQL query; needed for a database with more than one table.
    missing : iterable of str
        Texts that mean "no value", besides the empty cell; spaces around them do not matter.
    encoding, delimiter : str, optional
        Of a CSV file; by default found by looking.
    header : bool, default=False
        True says that the first line holds names even where it looks like data.

    Returns
    -------
    Collected
    """
    name = str(source)
    if "://" in name:
        return _read_sql(name, name, query, missing, format)
    path = Path(source)
    if not path.exists():
        raise DataError(f"There is no file {name!r}{_near(path)}. Check the path and the current folder.")
    if path.is_dir():
        raise DataError(f"{name!r} is a folder; name a CSV, Parquet or SQLite file in it.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise DataError(f"{name!r} cannot be read: {error.strerror}. Check its permissions.") from None
    if not head:
        raise DataError(f"{name!r} is empty (0 bytes). It needs a first line of column names and then rows.")
    found = "sql" if head == _SQLITE_MAGIC else "parquet" if head[:4] == _PARQUET_MAGIC else "csv"
    if format is not None and format != found:
        raise DataError(f"{name!r} is not a {format} file: its first bytes are those of {found}. Set format.")
    if found == "sql":
        return _read_sql(f"sqlite:///{path}", name, query, missing, format)
    if query is not None:
        raise DataError(f"{name!r} is a {found} file; a query works on a SQLite file or a database URL only.")
    if found == "parquet":
        return _read_parquet(path, name, missing)
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name!r} cannot be read: {error.strerror}.") from None
    return read_csv(blob, name=name, missing=missing, encoding=encoding, delimiter=delimiter, header=header)


def read_csv(
    blob: bytes,
    *,
    name: str = "standard input",
    missing: Iterable[str] = MISSING_MARKS,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = False,
) -> Collected:
    """Read the bytes of a CSV file; see `read_table` for the parameters."""
    fingerprint = hashlib.sha256(blob).hexdigest()
    if blob[:2] == _GZIP_MAGIC:
        try:
            blob = gzip.decompress(blob)
        except (OSError, EOFError) as error:
            raise DataError(f"{name!r} is a damaged gzip file: {error}. Fetch it again.") from None
    text, encoding, notes = _decode(blob, name, encoding)
    if not text.strip():
        raise DataError(f"{name!r} is empty: it needs a first line of column names and then rows.")
    if delimiter is None:
        delimiter = _sniff_delimiter(text)
    names = _header(text, name, delimiter, header)
    table = _parse(text, name, delimiter, names, missing)
    if table.num_rows == 0:
        raise DataError(f"{name!r} has a line of column names and no rows.")
    frame, _ = _to_frame(table, missing)
    return Collected(
        frame=frame,
        source=name,
        format="csv",
        fingerprint=fingerprint,
        encoding=encoding,
        delimiter=delimiter,
        missing=_count_marks(text, delimiter, missing),
        notes=notes,
    )


def _count_marks(text: str, delimiter: str, missing: Iterable[str]) -> dict[str, int]:
    """The cells of each mark in the text: the parser makes them missing without saying which was which."""
    counts = {}
    after = rf"(?=\"? ?(?:{re.escape(delimiter)}|[\r\n]|\Z))"
    for mark in dict.fromkeys(mark.strip() for mark in missing):
        if not mark or mark not in text:
            continue
        # Patterns that begin with fixed text are searched many times faster than those with a choice there.
        forms = [f"{before}{gap}{mark}" for before in (delimiter, "\n") for gap in ("", " ", '"')]
        found = sum(len(re.findall(re.escape(form) + after, text)) for form in forms if form in text)
        if found:
            counts[mark] = found
    return counts


def _near(path: Path) -> str:
    import difflib

    try:
        others = [entry.name for entry in islice(path.parent.iterdir(), 2000)]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, others, n=1)
    return f" (there is {str(path.parent / near[0])!r})" if near else ""


def _decode(blob: bytes, name: str, encoding: str | None) -> tuple[str, str, list[str]]:
    if encoding is not None:
        try:
            return blob.decode(encoding).removeprefix("\ufeff"), encoding, []
        except LookupError:
            raise DataError(f"{encoding!r} is no encoding that Python knows; try utf-8 or latin-1.") from None
        except UnicodeDecodeError as error:
            line = blob.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{name!r} is not {encoding}: byte 0x{blob[error.start]:02x} in line {line} does not fit."
                " Set encoding to what wrote the file (often latin-1), or leave it out to have it found."
            ) from None
    if blob[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return blob.decode("utf-16"), "utf-16", []
        except UnicodeDecodeError:
            raise DataError(f"{name!r} begins as utf-16 and is cut short or damaged.") from None
    if b"\x00" in blob:
        raise DataError(
            f"{name!r} is not text (it holds zero bytes). Give a CSV, Parquet or SQLite file, or its encoding."
        )
    try:
        return blob.decode("utf-8").removeprefix("\ufeff"), "utf-8", []
    except UnicodeDecodeError as error:
        line = blob.count(b"\n", 0, error.start) + 1
    # Five bytes mean nothing in cp1252; latin-1 reads every byte.
    for guess in ("cp1252", "latin-1"):
        try:
            text = blob.decode(guess)
        except UnicodeDecodeError:
            continue
        break
    note = f"line {line} is not utf-8; the file was read as {guess}. Set encoding if letters look wrong."
    return text, guess, [note]


def _sniff_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the same number of cells, and into the most."""
    best, best_score = ",", (0.0, 0)
    sample = text[:65536]
    for delimiter in _DELIMITERS:
        rows = islice(csv.reader(io.StringIO(sample), delimiter=delimiter), 50)
        try:
            widths = [len(row) for row in rows if row]
        except csv.Error:
            continue
        if len(sample) < len(text) and len(widths) > 1 and len(widths) < 50:
            widths.pop()
        width, agree = Counter(widths).most_common(1)[0]
        score = (agree / len(widths), width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _header(text: str, name: str, delimiter: str, trusted: bool) -> list[str]:
    rows = (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)
    try:
        first = next(rows)
        second = next(rows, [])
    except csv.Error as error:
        raise DataError(f"{name!r}: the first lines cannot be read as CSV: {error}.") from None
    names = [cell.strip() for cell in first]
    numbers = [_number(cell) for cell in names]
    found = [value for value in numbers if value is not None]
    # Years and the like, as names of a wide table's columns, go up in even steps; data does not.
    steps = {b - a for a, b in pairwise(found)}
    series = len(found) > 2 and len(steps) == 1 and steps != {0.0}
    same_kinds = len(second) == len(names) and all(
        (_number(cell.strip()) is not None) == (value is not None)
        for cell, value in zip(second, numbers, strict=True)
    )
    if not trusted and found and not series and same_kinds:
        raise DataError(
            f"{name!r} seems to have no header: its first line ({', '.join(names[:4])}, ...) looks like data."
            " Add a first line of column names; if it does hold names, say so (header = true, or --header)."
        )
    empty = [i for i, cell in enumerate(names) if not cell]
    if empty == [0]:
        # What pandas and R write above the row names.
        names[0] = "rownames" if "rownames" not in names else "rownames_0"
    elif empty:
        raise DataError(f"{name!r}: column {empty[-1] + 1} has no name in the first line. Give it one.")
    twice = [cell for cell, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{name!r}: the column name {twice[0]!r} stands twice in the first line. Rename one.")
    return names


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if text[-1:].isdigit() or text[-1:] == "." else None


def _parse(text: str, name: str, delimiter: str, names: list[str], missing: Iterable[str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    data = text.encode()
    marks = _with_spaces(missing)
    as_text: dict[str, Any] = {}
    # No more than 2 GiB at once; a file of that size is parsed in blocks.
    block = min(len(data) + 1, 2**31 - 1)
    while True:
        try:
            return arrow_csv.read_csv(
                pa.py_buffer(data),
                read_options=arrow_csv.ReadOptions(
                    column_names=names, skip_rows=_header_lines(text, delimiter), block_size=block
                ),
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    null_values=marks,
                    strings_can_be_null=True,
                    # "true" stays the text that it is in the file: a boolean with gaps has no NumPy type.
                    true_values=[],
                    false_values=[],
                    column_types=as_text,
                ),
            )
        except pa.ArrowInvalid as error:
            _name_bad_row(text, name, delimiter, len(names))
            column = re.search(r"In CSV column #(\d+)", str(error))
            culprit = names[int(column[1])] if column else None
            if culprit is None or culprit in as_text:
                raise DataError(f"{name!r} cannot be read as CSV: {str(error).splitlines()[0]}") from None
            as_text[culprit] = pa.string()


def _header_lines(text: str, delimiter: str) -> int:
    """The lines to leave out before the first row: empty ones, and those that the names take up."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in reader:
        if row:
            break
    return reader.line_num


def _name_bad_row(text: str, name: str, delimiter: str, width: int) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = 0
    try:
        for row in reader:
            if row and len(row) != width:
                kind = "short" if len(row) < width else "long"
                hint = (
                    "Complete it, or remove it (is the file cut off?)."
                    if kind == "short"
                    else f"Is there a {delimiter!r} in a text that is not in quotes?"
                )
                raise DataError(
                    f"{name!r}, line {before + 1}: the row is too {kind}, it has {len(row)} cells and the header"
                    f" has {width}. {hint}"
                )
            before = reader.line_num
    except csv.Error as error:
        raise DataError(f"{name!r}, line {before + 1}: {error}.") from None


def _with_spaces(missing: Iterable[str]) -> list[str]:
    stripped = dict.fromkeys(mark.strip() for mark in missing)
    return ["", " ", *(form for mark in stripped if mark for form in (mark, f" {mark}", f"{mark} "))]


def _to_frame(table: pa.Table, missing: Iterable[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Trim texts, read the marks as missing, and give the table to pandas."""
    import pyarrow as pa
    import pyarrow.compute as pc

    marks = {mark.strip() for mark in missing} | {""}
    counts: Counter[str] = Counter()
    columns = []
    for column in table.columns:
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            column = _clean_text(column, marks, counts)
        elif pa.types.is_decimal(kind) or pa.types.is_null(kind):
            column = column.cast(pa.float64())
        elif pa.types.is_time(kind):
            column = column.cast(pa.string())
        elif pa.types.is_boolean(kind) and column.null_count:
            column = pc.if_else(column, "true", "false")
        columns.append(column)
    cleaned = pa.table(dict(zip(table.column_names, columns, strict=True)))
    return cleaned.to_pandas(date_as_object=False), dict(counts)


def _clean_text(column: pa.ChunkedArray, marks: set[str], counts: Counter[str]) -> pa.Array:
    """Work on the distinct texts, of which there are few, rather than on every row."""
    import pyarrow as pa

    coded = column.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    words = coded.dictionary.to_pylist()
    trimmed = [word.strip() for word in words]
    gone = [i for i, word in enumerate(trimmed) if word in marks]
    if not gone and trimmed == words:
        return column.combine_chunks()
    if gone:
        tally = {row["values"]: row["counts"] for row in coded.indices.value_counts().to_pylist()}
        for i in gone:
            if trimmed[i]:
                counts[trimmed[i]] += tally.get(i, 0)
    cleaned = pa.array([None if word in marks else word for word in trimmed], pa.string())
    return cleaned.take(coded.indices)


def _read_parquet(path: Path, name: str, missing: Iterable[str]) -> Collected:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{name!r} is a damaged Parquet file: {str(error).splitlines()[0]} Write it again."
        ) from None
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(
            f"{name!r} has {table.num_rows} rows and {table.num_columns} columns: nothing to use."
        )
    nested = [f.name for f in table.schema if pa.types.is_nested(f.type) or pa.types.is_binary(f.type)]
    notes = [f"column {column!r} holds lists or bytes and was left out." for column in nested]
    table = table.drop_columns(nested)
    index = [c for c in table.column_names if re.fullmatch(r"__index_level_\d+__", c)]
    frame, marks = _to_frame(table.drop_columns(index).replace_schema_metadata(None), missing)
    with path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    return Collected(
        frame=frame, source=name, format="parquet", fingerprint=fingerprint, missing=marks, notes=notes
    )


def _read_sql(
    url: str, name: str, query: str | None, missing: Iterable[str], format: str | None
) -> Collected:
    import pandas as pd
    import pyarrow as pa

    if format not in (None, "sql"):
        raise DataError(f'{name!r} is a database; set format = "sql" or leave it out.')
    if url.startswith("sqlite:///"):
        names, rows, query = _query_sqlite(url.removeprefix("sqlite:///"), name, query)
    else:
        names, rows, query = _query_sqlalchemy(url, name, query)
    twice = [column for column, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"The query gives two columns named {twice[0]!r}; rename one with AS.")
    if not rows:
        raise DataError(f"The query on {name!r} gives no rows. Check its WHERE clause.")
    notes: list[str] = []
    columns: dict[str, Any] = {}
    for column, values in zip(names, zip(*rows, strict=True), strict=True):
        columns[column] = _sql_column(column, values, notes)
    table = pa.table(columns)
    if not table.num_columns:
        raise DataError(f"The query on {name!r} gives only binary columns: nothing to use.")
    frame, marks = _to_frame(table, missing)
    digest = hashlib.sha256(repr(names).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return Collected(
        frame=frame,
        source=name,
        format="sql",
        fingerprint=digest.hexdigest(),
        query=query,
        missing=marks,
        notes=notes,
    )


def _sql_column(column: str, values: Sequence[Any], notes: list[str]) -> pa.Array:
    """SQLite types cells, not columns: a column of several types is read as what all of them fit."""
    import pyarrow as pa

    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int, float} and len(kinds) > 1:
        return pa.array(values, pa.float64(), from_pandas=True)
    if len(kinds) > 1 or bytes in kinds:
        notes.append(f"column {column!r} holds values of several types and was read as text.")
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _query_sqlite(place: str, name: str, query: str | None) -> tuple[list[str], list[tuple[Any, ...]], str]:
    path = Path(unquote(place))
    if not path.is_file():
        raise DataError(f"There is no database file {str(path)!r}{_near(path)}.")
    try:
        # Read-only: looking at data must never change them.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            if query is None:
                query = _only_table(database, name)
            cursor = database.execute(query)
            rows = cursor.fetchall()
            if cursor.description is None:
                raise DataError(f"The query gives no table: {query!r}. Use a SELECT.")
            return [entry[0] for entry in cursor.description], rows, query
    except sqlite3.Error as error:
        hint = "The database is opened for reading only." if "readonly" in str(error) else "Check the query."
        raise DataError(f"The query on {name!r} failed: {error}. {hint}") from None


def _only_table(database: sqlite3.Connection, name: str) -> str:
    found = database.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    )
    tables = [row[0] for row in found]
    if len(tables) == 1:
        quoted = tables[0].replace('"', '""')
        return f'SELECT * FROM "{quoted}"'
    if not tables:
        raise DataError(f"{name!r} has no tables.")
    raise DataError(
        f"{name!r} has {len(tables)} tables ({', '.join(tables[:8])}); say what to read with a query,"
        f' for instance --query "SELECT * FROM {tables[0]}".'
    )


def _query_sqlalchemy(url: str, name: str, query: str | None) -> tuple[list[str], list[tuple[Any, ...]], str]:
    shown = re.sub(r"://[^@/]*@", "://***@", name)
    if query is None:
        raise DataError(f'{shown!r} is a database; say what to read, for instance --query "SELECT ...".')
    try:
        import sqlalchemy
    except ImportError:
        raise DataError("Reading a database needs SQLAlchemy: pip install 'ferroflow[workflow]'.") from None
    try:
        engine = sqlalchemy.create_engine(url)
        try:
            with engine.connect() as connection:
                result = connection.execute(sqlalchemy.text(query))
                return list(result.keys()), [tuple(row) for row in result], query
        finally:
            engine.dispose()
    except ImportError as error:
        raise DataError(f"{shown!r} needs a driver that is not installed: {error}.") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise DataError(f"{shown!r} cannot be queried: {str(error).splitlines()[0]}") from None
