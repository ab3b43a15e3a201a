"""Cleaning: marks, types, rows without a target, duplicates, and the errors that a bad table deserves."""

import numpy as np
import pandas as pd
import pytest

from ferroflow.workflow.clean import CleaningError, clean
from ferroflow.workflow.split import Split, split


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": ["1.5", " ?", "3", "4", "3", None],
            "town": ["Bath", "?", " York ", "Bath", " York ", "Bath"],
            "empty": [None, "?", "", None, "", None],
            "flag": [True, False, True, None, True, False],
            "y": ["yes", "no", "yes", "no", "yes", None],
        }
    )


def test_marks_types_and_rows():
    out = clean(table(), "y")
    assert out.numeric == ["age", "flag"]
    assert out.categorical == ["town"]
    assert out.task == "classification"
    assert out.y.tolist() == ["yes", "no", "yes", "no"]
    assert out.rows.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(out.X["age"], [1.5, np.nan, 3.0, 4.0])
    assert out.X["town"].tolist()[0] == "Bath"
    assert out.X["town"].tolist()[2] == " York "
    assert pd.isna(out.X["town"].iloc[1])
    report = out.report
    assert (report.rows_in, report.rows_out, report.missing_target, report.duplicates) == (6, 4, 1, 1)
    assert report.parsed_numbers == ["age"]
    assert report.dropped_columns == {"empty": "every value is missing"}


def test_the_table_is_not_changed():
    frame = table()
    before = frame.copy(deep=True)
    clean(frame, "y")
    pd.testing.assert_frame_equal(frame, before)


def test_numbers_can_be_categories():
    frame = pd.DataFrame({"code": [1, 2, np.nan, 1], "size": [0.5, 1.0, 2.0, 0.5], "y": [0, 1, 0, 1]})
    out = clean(frame, "y", kinds={"code": "category", "size": "category"})
    assert out.categorical == ["code", "size"]
    # They stay numbers: 1 and 1.0 are one category, whichever way a row gives it.
    np.testing.assert_array_equal(out.X["code"], [1.0, 2.0, np.nan, 1.0])
    assert out.X["size"].tolist() == [0.5, 1.0, 2.0, 0.5]


@pytest.mark.parametrize("text", ["str", "object", "category", "string"])
def test_every_kind_of_text_column(text):
    frame = pd.DataFrame({"a": pd.Series(["x", None, "y", "x"]).astype(text), "y": [0, 1, 0, 1]})
    out = clean(frame, "y", drop_duplicates=False)
    assert out.categorical == ["a"]
    assert out.X["a"].dtype == object
    assert [v if isinstance(v, str) else None for v in out.X["a"]] == ["x", None, "y", "x"]


def test_infinite_becomes_missing_and_is_told():
    frame = pd.DataFrame({"a": [1.0, np.inf, 3.0, 4.0], "y": [0, 1, 0, 1]})
    out = clean(frame, "y")
    assert np.isnan(out.X["a"].iloc[1])
    assert "infinite" in out.report.warnings[0]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"target": "yy"}, "did you mean 'y'"),
        ({}, {"drop": ["nothing"]}, "no column is called 'nothing'"),
        ({"y": [None] * 4}, {}, "every value of the target"),
        ({"y": ["?"] * 4}, {}, "every value of the target"),
        ({"y": [1] * 4}, {}, "one class only"),
        ({"y": ["a", "a", "a", "b"]}, {}, "one row only"),
        ({"y": ["a", "b", "a", "b"]}, {"task": "regression"}, "should be a number"),
        ({"y": [0.5, 1.5, 0.5, 1.5]}, {"task": "classification"}, "no classes"),
        ({"x": [None] * 4}, {}, "no feature is left"),
        ({"x": ["1", "2", "three", "4"]}, {"kinds": {"x": "number"}}, "row 3 holds 'three'"),
    ],
)
def test_bad_tables(change, options, message):
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0, 3.0, 4.0],
            "y": [0, 1, 0, 1],
        }
    ).assign(**change)
    options = {"target": "y", **options}
    with pytest.raises(CleaningError, match=message):
        clean(frame, options.pop("target"), **options)


def test_split_keeps_shares_and_rows():
    y = np.repeat([0, 1], [80, 20])
    parts = split(y, test_size=0.25, random_state=3)
    assert sorted([*parts.train, *parts.test]) == list(range(100))
    assert y[parts.test].sum() == 5
    last = split(y, test_size=0.25, order=np.arange(100)[::-1], task="regression")
    assert last.test.tolist() == list(range(25))


def test_split_refuses_a_part_with_one_class():
    with pytest.raises(CleaningError, match="one class only"):
        split(np.repeat([0, 1], [80, 20]), order=np.arange(100))


def test_split_survives_the_disk(tmp_path):
    parts = split(np.repeat([0, 1], 10))
    parts.save(tmp_path / "split.npz")
    back = Split.load(tmp_path / "split.npz")
    np.testing.assert_array_equal(back.train, parts.train)
    np.testing.assert_array_equal(back.test, parts.test)
    assert [p.name for p in tmp_path.iterdir()] == ["split.npz"]
