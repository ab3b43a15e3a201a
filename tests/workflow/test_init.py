"""The first look: marks, leaks, ids, and a workflow.toml that says why."""

import numpy as np
import pandas as pd
import pytest

from ferroflow.workflow import init
from ferroflow.workflow.collect import read_table
from ferroflow.workflow.config import ConfigError, load
from ferroflow.workflow.inspect import inspect
from ferroflow.workflow.problem import DataError


def test_titanic(home, titanic):
    config, found = init(str(titanic), "survived")
    assert {column.name for column in found.leaks} == {"boat", "body"}
    assert config.target.task == "classification"
    assert config.target.positive == 1
    assert {"boat", "body", "name", "ticket"} <= set(config.columns.drop)
    assert {"age", "fare", "pclass"} <= set(config.columns.numeric)
    assert {"sex", "embarked"} <= set(config.columns.categorical)
    text = (home / "workflow.toml").read_text()
    assert load("workflow.toml") == config
    assert "'?' in 3855 cells" in text
    boat = next(line for line in text.splitlines() if '"boat"' in line)
    assert "LEAK" in boat
    assert "98.1%" in boat


def test_a_file_that_is_there_is_kept(home, titanic):
    init(str(titanic), "survived")
    (home / "workflow.toml").write_text("my edits")
    with pytest.raises(ConfigError, match="--force"):
        init(str(titanic), "survived")
    assert (home / "workflow.toml").read_text() == "my edits"
    init(str(titanic), "survived", force=True)


def table(rows=300):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, rows)
    return pd.DataFrame(
        {
            "customer_id": rng.permutation(rows) + 5000,
            "counter": np.arange(rows),
            "code": [f"k{k:05}" for k in rng.permutation(rows)],
            "same": "x",
            "nothing": np.nan,
            "copy": np.where(y == 1, "won", "lost"),
            "noise": rng.normal(size=rows),
            "kind": rng.choice(list("abc"), rows),
            "prose": ["some words that go on and on " + str(k) for k in range(rows)],
            "day": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
            "y": y,
        }
    )


def test_kinds_and_roles():
    found = inspect(table(), "y")
    kinds = {column.name: column.kind for column in found.columns}
    assert kinds["customer_id"] == kinds["counter"] == kinds["code"] == "id"
    assert (kinds["same"], kinds["nothing"], kinds["prose"], kinds["day"]) == (
        "constant",
        "empty",
        "text",
        "datetime",
    )
    assert found.named("numeric") == ["noise"]
    assert found.named("categorical") == ["kind"]
    assert "under another name" in found["copy"].leak


def test_noise_is_no_leak():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({f"n{k}": rng.normal(size=200) for k in range(40)})
    frame["codes"] = rng.integers(0, 150, 200).astype(str)
    frame.loc[rng.random(200) < 0.5, "n0"] = np.nan
    frame["y"] = rng.integers(0, 2, 200)
    assert inspect(frame, "y").leaks == []


def test_task_and_repeated_rows():
    frame = pd.DataFrame({"id": range(40), "a": [1, 2] * 20, "y": np.linspace(0, 1, 20).repeat(2)})
    frame["a"] = 1.5
    found = inspect(frame, "y")
    assert found.task == "regression"
    assert found.duplicates == 20


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Y", "Did you mean 'y'"),
        ("nothing", "no values at all"),
        ("same", "one value only"),
        ("code", "too many"),
    ],
)
def test_targets_that_cannot_be(target, message):
    with pytest.raises(DataError, match=message):
        inspect(table(), target)


def test_a_text_cannot_be_a_quantity():
    with pytest.raises(DataError, match="not a number"):
        inspect(table(), "kind", "regression")


def test_a_table_of_leaks_alone_still_gives_a_workflow(home):
    y = np.tile([0, 1], 50)
    pd.DataFrame({"copy": y * 2.0, "y": y}).to_csv("t.csv", index=False)
    config, found = init("t.csv", "y")
    assert config.columns.numeric == ["copy"]
    assert found.leaks


def test_marks_of_the_table_are_counted(titanic):
    assert read_table(titanic).missing == {"?": 3855}


def test_few_whole_numbers_with_many_rows_are_categories():
    rng = np.random.default_rng(0)
    rows = 40_000
    frame = pd.DataFrame(
        {
            "month": rng.integers(1, 13, rows),
            "half": rng.integers(0, 12, rows) / 2,
            "many": rng.integers(0, 500, rows),
            "y": rng.integers(0, 2, rows),
        }
    )
    assert inspect(frame, "y").named("categorical") == ["month"]
    assert inspect(frame.head(5000), "y").named("categorical") == []
