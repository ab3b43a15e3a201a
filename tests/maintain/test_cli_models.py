"""`ferroflow models` as a person or a program types it."""

import json

import numpy as np
import pytest

import ferroflow
from ferroflow.preprocessing import StandardScaler
from ferroflow.workflow import cli


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FERROFLOW_REGISTRY", raising=False)
    for seed in (0, 1):
        X = np.random.default_rng(seed).normal(size=(20, 2))
        ferroflow.freeze(StandardScaler().fit(X), X, name="demo").save(f"m{seed}.ff")
    return tmp_path


@pytest.fixture
def models(home, capsys):
    def call(*words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(["models", *words])
        out, err = capsys.readouterr()
        assert left.value.code == code, err
        return out if code == 0 else err

    return call


def test_from_registering_to_rolling_back(models, home):
    (home / "scores.json").write_text('{"measures": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}}}')
    assert models("register", "m0.ff", "--scores", "scores.json") == "demo:1\n"
    assert models("register", "m1.ff", "--notes", "by hand") == "demo:2\n"
    assert models("promote", "demo", "1") == "demo@champion: nothing -> version 1\n"
    assert models("promote", "demo:2", "--why", "newer") == "demo@champion: version 1 -> version 2\n"
    assert "nothing changed" in models("promote", "demo:2")
    listed = models("list").splitlines()
    assert listed[1].split()[:2] == ["demo:2", "@champion"]
    assert "roc_auc 0.8" in listed[2]
    assert models("rollback", "demo", "--why", "worse") == "demo@champion: version 2 -> version 1\n"
    assert [line.split()[2] for line in models("history", "demo").splitlines()[1:]] == [
        "promote",
        "promote",
        "rollback",
    ]
    assert "0.7 to 0.9" in models("show", "demo")
    place = models("path", "demo@champion").strip()
    assert (home / place).read_bytes() == (home / "m0.ff").read_bytes()


def test_json_for_programs(models):
    registered = json.loads(models("register", "m0.ff", "--json"))
    assert registered["number"] == 1
    models("register", "m1.ff")
    assert json.loads(models("promote", "demo:1", "--json"))["to"] == 1
    assert json.loads(models("promote", "demo:1", "--json")) is None
    assert json.loads(models("list", "--json"))[0]["aliases"] == {"champion": 1}
    assert json.loads(models("show", "demo", "--json"))["path"].endswith(".ff")
    assert json.loads(models("compare", "demo:1", "demo:2", "--json"))["warnings"]
    assert [move["to"] for move in json.loads(models("history", "demo", "--json"))] == [1]


def test_errors_are_one_line_and_exit_codes_say_which(models, home, tmp_path):
    assert models("list", code=1).startswith("ferroflow: there is no registry at ")
    assert not (home / ".ferroflow").exists()
    models("register", "m0.ff")
    assert models("show", "nope", code=1) == "ferroflow: there is no model 'nope'; known: demo\n"
    assert "has no version 9" in models("promote", "demo", "9", code=1)
    assert "names a version already" in models("show", "demo:1", "1", code=2)
    assert "nope.ff" in models("register", "nope.ff", code=1)
    assert "nope" in models("nope", code=2)
    (tmp_path / "s.json").write_text("[1]")
    assert "holds no scores" in models("register", "m0.ff", "--scores", "s.json", code=1)


def test_help_teaches(models):
    for command in ("list", "show", "compare", "promote", "rollback", "history", "register", "path"):
        text = models(command, "--help")
        assert f"ferroflow models {command}" in text


def test_the_registry_can_be_elsewhere(models, home, monkeypatch):
    models("register", "m0.ff", "--registry", "shelf/registry.db")
    monkeypatch.setenv("FERROFLOW_REGISTRY", str(home / "shelf"))
    assert "demo:1" in models("list")
    assert "demo:1" in models("list", "--registry", f"sqlite:///{home}/shelf/registry.db")
