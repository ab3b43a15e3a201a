"""Tables from files and databases: encodings, delimiters, marks, and what is wrong named by its line."""

import gzip
import sqlite3

import numpy as np
import pandas as pd
import pytest

from ferroflow.workflow.collect import collect, read_csv, read_table
from ferroflow.workflow.config import Data
from ferroflow.workflow.problem import DataError

TEXT = "name,size,town\nÆsop,1.5,Zürich\nZoë,?,Łódź\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_found(encoding):
    found = read_csv(TEXT.encode(encoding))
    assert found.frame["town"].tolist() == ["Zürich", "Łódź"]
    assert found.frame.columns.tolist() == ["name", "size", "town"]
    assert np.isnan(found.frame["size"].iloc[1])
    assert found.missing == {"?": 1}


def test_latin_text_is_found_and_told():
    found = read_csv("name,town\nZoë,Zürich\n".encode("cp1252"))
    assert found.frame["town"].tolist() == ["Zürich"]
    assert found.encoding == "cp1252"
    assert "line 2 is not utf-8" in found.notes[0]


def test_a_wrong_encoding_names_the_line():
    with pytest.raises(DataError, match=r"byte 0xeb in line 2"):
        read_csv("name\nZoë\n".encode("latin-1"), encoding="utf-8")
    with pytest.raises(DataError, match="no encoding"):
        read_csv(b"a\n1\n", encoding="klingon")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(delimiter):
    rows = [["a", "b", "c"], ["1", "x y", "2.5"], ["3", "z", "4"]]
    found = read_csv("\n".join(delimiter.join(row) for row in rows).encode())
    assert found.delimiter == delimiter
    assert found.frame["c"].tolist() == [2.5, 4.0]


def test_quotes_newlines_and_blank_lines():
    found = read_csv(b'\na,b\r\n"x, y","1\n2"\r\n\r\n"say ""hi""",3\r\n')
    assert found.frame.to_numpy().tolist() == [["x, y", "1\n2"], ['say "hi"', "3"]]


def test_types_are_of_the_whole_column():
    text = "n\n" + "1\n" * 20_000 + "x\n"
    assert read_csv(text.encode()).frame["n"].iloc[-1] == "x"


def test_gzip(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert len(read_table(tmp_path / "a.csv.gz").frame) == 2
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(TEXT.encode())[:-9])
    with pytest.raises(DataError, match="damaged gzip"):
        read_table(tmp_path / "b.csv.gz")


def test_parquet(tmp_path):
    table = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "t": pd.Categorical([" x ", "?", None]),
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "list": [[1], [2], [3]],
        }
    )
    table.to_parquet(tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    assert found.format == "parquet"
    assert found.frame["t"].iloc[0] == "x"
    assert found.frame["t"].isna().tolist() == [False, True, True]
    assert "list" not in found.frame
    assert "lists" in found.notes[0]
    assert found.fingerprint == read_table(tmp_path / "t.parquet").fingerprint


def test_sqlite(tmp_path):
    with sqlite3.connect(tmp_path / "films.db") as database:
        database.execute("CREATE TABLE films (title TEXT, year INTEGER, rating REAL)")
        database.executemany("INSERT INTO films VALUES (?, ?, ?)", [("A", 1999, 7.5), ("B", 2001, None)])
    database.close()
    one = read_table(tmp_path / "films.db")
    assert one.frame["year"].tolist() == [1999, 2001]
    query = "SELECT title, year + 1 AS next FROM films WHERE year > 2000"
    two = read_table(tmp_path / "films.db", query=query)
    assert two.frame.to_numpy().tolist() == [["B", 2002]]
    assert collect(Data(source="sqlite:///films.db", query=query), tmp_path).fingerprint == two.fingerprint
    for wrong, message in (
        ("SELECT * FROM movies", "no such table"),
        ("SELECT * FROM films WHERE year > 3000", "no rows"),
        ("DELETE FROM films", "reading only"),
    ):
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / "films.db", query=wrong)
    assert len(read_table(tmp_path / "films.db").frame) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "no rows"),
        ("1,2.5,x\n2,3.5,y\n", "seems to have no header"),
        ("a,a\n1,2\n", "stands twice"),
        ("a,,c\n1,2,3\n", "column 2 has no name"),
        ("a,b\n1,2\n3\n", "line 3: the row is too short, it has 1 cells and the header has 2"),
        ("a,b\n1,2,3\n", "line 2: the row is too long"),
        ("a\n\x00\n", "not text"),
    ],
)
def test_bad_text(text, message):
    with pytest.raises(DataError, match=message):
        read_csv(text.encode())


def test_a_header_of_numbers_can_be_meant():
    assert read_csv(b"1,2\n3,4\n", header=True).frame.columns.tolist() == ["1", "2"]


def test_missing_files_and_near_names(tmp_path):
    (tmp_path / "titanic.csv").write_text(TEXT)
    with pytest.raises(DataError, match=r"no file .*titanik.csv.*there is .*titanic.csv"):
        read_table(tmp_path / "titanik.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="damaged Parquet"):
        read_table(tmp_path / "cut.parquet")
