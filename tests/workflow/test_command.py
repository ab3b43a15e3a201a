"""The command line: its help, its version, and the way from a raw table to predictions as README has it."""

import subprocess
import sys

import pytest

import ferroflow
from ferroflow.frozen import FrozenModel


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_help_shows_every_command(typed, words):
    out = typed(*words, code=0 if words else 2) if words else typed("--help")
    for name in ("init", "explore", "run", "predict", "serve", "keys", "container", "models"):
        assert f"\n  {name} " in out


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("init", ["--target", "--query", "--task", "--encoding", "--header", "--force", "workflow.toml"]),
        ("explore", ["--target", "--output", "opens without a network"]),
        ("run", ["--fresh", "runs/ID/", "after a kill"]),
        (
            "predict",
            ["--output", "--encoding", "standard input", "others are ignored", "names its row and column"],
        ),
        ("container", ["--tag", "--output", "--build", "docker run --read-only"]),
        ("models", ["promote", "rollback"]),
    ],
)
def test_each_command_explains_itself(typed, name, parts):
    out = " ".join(typed(name, "--help").split())
    for part in parts:
        assert part in out, part
    assert f"ferroflow {name}" in out


def test_version(typed):
    assert typed("--version") == f"ferroflow {ferroflow.__version__}\n"


def test_the_command_starts_fast():
    """Help loads neither pandas nor scikit-learn."""
    code = "import sys; from ferroflow.workflow import cli; print('pandas' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_the_functions_are_plain_ones():
    """Also after their modules were imported by other ways."""
    from ferroflow import workflow

    for name in workflow.__all__:
        assert callable(getattr(workflow, name))


def test_titanic_from_raw_table_to_predictions(typed, home, titanic):
    (home / "titanic.csv").write_bytes(titanic.read_bytes())
    out = typed("init", "titanic.csv", "--target", "survived")
    assert "boat: suspected leak" in out
    assert "body: suspected leak" in out
    out = typed("run", "workflow.toml")
    (model,) = home.glob("runs/*/model.ff")
    assert str(model.relative_to(home)) in out
    import json

    scores = json.loads(model.with_name("scores.json").read_text())
    # What the project promises, on the held-out part, without boat and body.
    assert scores["measures"]["roc_auc"]["value"] >= 0.84
    columns = {column["name"] for column in FrozenModel.load(model).schema["columns"]}
    assert not columns & {"boat", "body"}
    lines = typed("predict", model, "titanic.csv").splitlines()
    assert lines[0] == "prediction,probability_0,probability_1"
    assert len(lines) == 1310


def test_a_reader_that_leaves_is_no_error(finished, home):
    folder, result = finished
    code = f"{sys.executable} -m ferroflow.workflow.cli predict {result.model} {folder}/small.csv | head -3; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""
