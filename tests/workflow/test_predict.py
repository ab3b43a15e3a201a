"""Predictions of files and frames: the pipeline's bits, training's missing marks, errors with row and column."""

import gzip
import io
import sys

import numpy as np
import pandas as pd
import pytest

from ferroflow.frozen import FrozenModel
from ferroflow.workflow import _predict, predict
from ferroflow.workflow.collect import read_table
from ferroflow.workflow.problem import DataError, WorkflowError


@pytest.fixture(scope="module")
def model(finished):
    return FrozenModel.load(finished[1].model)


def rows(finished) -> str:
    return (finished[0] / "small.csv").read_text()


def by_hand(model, folder) -> np.ndarray:
    table = read_table(folder / "small.csv").frame
    return model.predict_proba(table[[column["name"] for column in model.schema["columns"]]])


def test_a_raw_file_gives_the_bits_of_the_model(finished, model, typed):
    folder, result = finished
    out = typed("predict", result.model, folder / "small.csv")
    head, *lines = [line.split(",") for line in out.splitlines()]
    assert head == ["prediction", "probability_no", "probability_yes"]
    want = by_hand(model, folder)
    np.testing.assert_array_equal([[float(cell) for cell in line[1:]] for line in lines], want)
    assert [line[0] for line in lines] == model.classes_[want.argmax(axis=1)].tolist()
    # The same from Python, from a file and from a frame with the marks still in it.
    for data in (folder / "small.csv", pd.read_csv(folder / "small.csv", keep_default_na=False)):
        np.testing.assert_array_equal(predict(result.model, data).iloc[:, 1:].to_numpy(), want)


def test_standard_input_files_and_forms(finished, typed, home, monkeypatch):
    folder, result = finished
    want = typed("predict", result.model, folder / "small.csv")

    class Stdin:
        buffer = io.BufferedReader(io.BytesIO((folder / "small.csv").read_bytes()))

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert typed("predict", result.model, "-") == want
    table = pd.read_csv(folder / "small.csv", dtype=str, keep_default_na=False)
    table.to_csv("semicolons.csv", sep=";", index=False)
    table.to_csv("utf16.csv", encoding="utf-16", index=False)
    table[table.columns[::-1]].to_csv("turned.csv", index=False, lineterminator="\r\n")
    (home / "small.csv.gz").write_bytes(gzip.compress((folder / "small.csv").read_bytes()))
    read_table(folder / "small.csv").frame.to_parquet("small.parquet")
    names = ["semicolons.csv", "utf16.csv", "turned.csv", "small.csv.gz", "small.parquet"]
    for name in names:
        assert typed("predict", result.model, name) == want, name
    typed("predict", result.model, "small.parquet", "--output", "out.csv")
    assert (home / "out.csv").read_text() == want


def test_blocks_do_not_show(finished, typed, monkeypatch):
    folder, result = finished
    want = typed("predict", result.model, folder / "small.csv")
    monkeypatch.setattr(_predict, "BLOCK_ROWS", 7)
    assert typed("predict", result.model, folder / "small.csv") == want
    frame = read_table(folder / "small.csv").frame
    pd.testing.assert_frame_equal(predict(result.model, frame), predict(result.model, folder / "small.csv"))


def test_a_long_file_is_never_held_whole(finished, model):
    """The blocks come while the file is still being read."""
    asked = []

    class Slow(io.RawIOBase):
        lines = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            if self.lines > 200_000:
                return 0
            text = b"age,income,town,floor\n" if not self.lines else b""
            text += b"31,20000,Bath,2\n" * 500
            self.lines += 500
            asked.append(self.lines)
            buffer[: len(text)] = text
            return len(text)

    blocks = _predict._csv_blocks(io.BufferedReader(Slow(), 16_384), model, "slow", "utf-8", None)
    first = next(_predict.predict_blocks(model, blocks, "slow"))
    assert len(first) == _predict.BLOCK_ROWS
    assert asked[-1] < 50_000


GOOD = "age,income,town,floor\n31,20000,Bath,2\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("31,20000,Bath,2\n32,20000,Bath,2\n", "Is its first line the column names?"),
        ("Age,income,town,floor\n31,20000,Bath,2\n", "no column 'age'.*did you mean 'Age'"),
        ("age,age,income,town,floor\n1,1,1,a,1\n", "two columns named 'age'"),
        (GOOD + "30,1\n", r"row 2 \(line 3\): the row is too short, it has 2 cells and the header has 4"),
        (GOOD + "30,1,York,1,5\n", r"row 2 \(line 3\): the row is too long"),
        (GOOD + "old,1,York,1\n", r"row 2 \(line 3\), column 'age': 'old' is not a number"),
        ('age,income,town,floor\n31,1,"Ba\nth",2\n\nx,1,York,1\n', r"row 2 \(line 5\), column 'age': 'x'"),
    ],
)
def test_bad_rows(finished, typed, home, text, message):
    (home / "new.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        predict(finished[1].model, "new.csv")
    told = typed("predict", finished[1].model, "new.csv", "--output", "out.csv", code=1)
    assert told.startswith("ferroflow: 'new.csv'")
    assert [path.name for path in home.iterdir()] == ["new.csv"]


def test_unknown_categories_new_columns_and_gaps(finished, home, model):
    text = "new,age,income,town,floor\n?,31,20000,Atlantis,2\n?,NA,?,,9\n,1e3, 5 ,York,2.0\n,inf,1,Ely,1\n"
    (home / "new.csv").write_text(text)
    found = predict(finished[1].model, "new.csv")
    want = model.predict_proba(
        [
            {"age": 31, "income": 20000, "town": "Atlantis", "floor": 2},
            {"age": None, "income": None, "town": None, "floor": 9},
            {"age": 1000, "income": 5, "town": "York", "floor": 2},
            {"age": None, "income": 1, "town": "Ely", "floor": 1},
        ]
    )
    np.testing.assert_array_equal(found.iloc[:, 1:].to_numpy(), want)


def test_what_is_no_model_or_no_table(typed, finished, home):
    model = finished[1].model
    assert "no model file" in typed("predict", "none.ff", "new.csv", code=1)
    assert "no file 'new.csv'" in typed("predict", model, "new.csv", code=1)
    assert "is a folder" in typed("predict", model, ".", code=1)
    blob = model.read_bytes()
    (home / "cut.ff").write_bytes(blob[: len(blob) // 2])
    (home / "altered.ff").write_bytes(blob[:-3] + bytes([blob[-3] ^ 1]) + blob[-2:])
    (home / "new.csv").write_text(GOOD)
    for name in ("cut.ff", "altered.ff"):
        told = typed("predict", name, "new.csv", code=1)
        assert name in told
        assert "Traceback" not in told
    assert "no folder" in typed("predict", model, "new.csv", "-o", "nowhere/out.csv", code=1)
    assert "one character" in typed("predict", model, "new.csv", "--delimiter", "::", code=2)
    with pytest.raises(WorkflowError, match="no model file"):
        predict("none.ff", pd.DataFrame())


def test_a_header_alone_gives_a_header(finished, typed, home):
    (home / "new.csv").write_text("age,income,town,floor\n")
    out = typed("predict", finished[1].model, "new.csv")
    assert out == "prediction,probability_no,probability_yes\n"


def test_marks_that_the_model_knows_as_categories_are_no_marks(home):
    """A model frozen by hand says nothing of marks: the usual ones count, but not its own categories."""
    import ferroflow
    from ferroflow.workflow.train import build_preparation, train

    X = pd.DataFrame({"c": ["NA", "EU", "NA", "EU"] * 5, "n": np.arange(20.0)})
    y = np.tile([0, 1], 10)
    pipeline = train(X, y, build_preparation(X, ["n"], ["c"]), {}).pipeline
    ferroflow.freeze(pipeline, X, y).save("m.ff")
    (home / "new.csv").write_text("c,n\nNA,1\nNULL,NULL\n")
    found = predict("m.ff", "new.csv")
    want = pipeline.predict_proba(pd.DataFrame({"c": ["NA", np.nan], "n": [1.0, np.nan]}))
    np.testing.assert_allclose(found.iloc[:, 1:].to_numpy(), want, rtol=1e-12)
