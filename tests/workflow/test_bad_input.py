"""What people get wrong: a clear message, the exit code, and nothing half-written."""

import os

import pytest


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("command", ["init", "explore"])
@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (None, "y", "There is no file 'a.csv'"),
        ("", "y", "'a.csv' is empty"),
        ("1,2\n3,4\n5,6\n", "y", "seems to have no header"),
        ("a,y\n1,0\n2,1\n", "Y", "There is no column 'Y'. Did you mean 'y'? It has: a, y."),
        ("a,y\n1,\n2,\n", "y", "has no values at all"),
        ("a,y\n1,1\n2,1\n", "y", "one value only"),
        ("a,y\n1,0\n2\n", "y", "line 3: the row is too short"),
    ],
)
def test_looking_at_bad_tables(typed, home, command, text, target, message):
    if text is not None:
        (home / "a.csv").write_text(text)
    before = left(home)
    told = typed(command, "a.csv", "--target", target, code=1)
    assert told.startswith("ferroflow: ")
    assert message in told
    assert left(home) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["init", "a.csv"], "--target"),
        (["init", "a.csv", "--target", "y", "--task", "guess"], "classification or regression"),
        (["explore"], "DATA"),
        (["explore", "a.csv", "--colour", "red"], "--colour"),
        (["run", "a.toml", "b.toml"], "b.toml"),
        (["predict", "model.ff"], "DATA"),
        (["conquer"], "conquer"),
    ],
)
def test_wrong_usage_is_2(typed, words, message):
    assert message in typed(*words, code=2)


def change(old: str, new: str):
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("edit", "columns", "message"),
    [
        (change("small.csv", "big.csv"), {}, "There is no file"),
        (change('column = "bought"', 'column = "bougth"'), {}, "did you mean 'bought'"),
        (change('"income"', '"incomes"'), {}, "no column is called 'incomes'; did you mean 'income'"),
        (str, {"income": ["lots"] * 200}, "column 'income' should hold numbers, but row 1 holds 'lots'"),
        (str, {"bought": [""] * 200}, "every value of the target 'bought' is missing"),
        (str, {"bought": ["yes"] * 200}, "has one class only"),
        (str, {"bought": ["yes"] * 199 + ["no"]}, "one row only"),
        (
            change("[train]", '[clean]\nmissing_target = "error"\n[train]'),
            {"bought": ["", "yes"] * 100},
            "100 rows",
        ),
        (change("folds = 2", "fold = 2"), {}, r"[tune] fold: unknown key; did you mean 'folds'"),
        (change("[data]", "[data"), {}, "not valid TOML"),
    ],
)
def test_runs_that_cannot_be(typed, home, small, config, edit, columns, message):
    small(edit(config), **columns)
    before = left(home)
    told = typed("run", code=1)
    assert message in told, told
    assert "Traceback" not in told
    assert left(home) == before


def test_a_row_too_short_is_named_by_its_line(typed, home, small):
    small()
    lines = (home / "small.csv").read_text().splitlines()
    lines[50] = lines[50].rpartition(",")[0]
    (home / "small.csv").write_text("\n".join(lines))
    before = left(home)
    assert "line 51: the row is too short" in typed("run", code=1)
    assert left(home) == before


def test_a_column_without_values_is_left_out_and_told(typed, home, small):
    small(income=[""] * 200)
    out = typed("run")
    (report,) = home.glob("runs/*/report.html")
    assert "income" in report.read_text()
    assert "every value is missing" in report.read_text()
    assert "ROC AUC" in out


def test_rows_without_a_target_are_dropped_and_told(typed, home, small):
    table = ["yes", "no", "", "yes"] * 50
    small(bought=table)
    typed("run")
    (report,) = home.glob("runs/*/report.html")
    assert "50 of 200 rows are dropped" in report.read_text()


def test_an_unknown_category_can_be_refused(typed, home, small, config):
    small(config + '\n[encode]\nhandle_unknown = "error"\n')
    typed("run")
    (model,) = home.glob("runs/*/model.ff")
    (home / "new.csv").write_text("age,income,town,floor\n30,1,Bath,1\n30,1,Atlantis,1\n")
    told = typed("predict", model, "new.csv", "-o", "out.csv", code=1)
    assert "row 2 (line 3)" in told
    assert "town" in told
    assert "Atlantis" in told
    assert not (home / "out.csv").exists()


def test_a_run_at_work_is_left_alone(typed, home, small):
    fcntl = pytest.importorskip("fcntl")
    small()
    typed("run")
    (folder,) = home.glob("runs/*")
    (folder / "run.json").unlink()
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert "another process is at work" in typed("run", code=1)
    os.close(handle)
    typed("run")
