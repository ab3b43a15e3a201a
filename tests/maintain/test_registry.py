"""The registry: versions, aliases and their history, several writers at once, a kill at any moment."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

import ferroflow
from ferroflow.maintain.compare import compare
from ferroflow.maintain.registry import Registry, RegistryError, held_out_digest, register_run
from ferroflow.preprocessing import StandardScaler


def make(seed: int, name: str = "demo"):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 2))
    return ferroflow.freeze(StandardScaler().fit(X), X, name=name)


@pytest.fixture(scope="module")
def models():
    return [make(seed) for seed in range(6)]


@pytest.fixture
def registry(tmp_path):
    with Registry(tmp_path / "registry.db", create=True) as found:
        yield found


def test_versions_count_up_and_the_same_file_is_one_version(registry, models):
    first = registry.register(models[0], metrics={"accuracy": 0.5}, notes="first")
    second = registry.register(models[1])
    again = registry.register(models[0], metrics={"accuracy": 0.9})
    assert (str(first), str(second), again) == ("demo:1", "demo:2", first)
    assert registry.register(models[0], name="other").number == 1
    assert [m.name for m in registry.models()] == ["demo", "other"]
    assert registry.version("demo").number == 2
    assert registry.version("demo:1").metrics == {"accuracy": 0.5}
    assert registry.load("demo:1").to_bytes() == models[0].to_bytes()
    assert first.sha256 == models[0].sha256
    # One file, though two names have it.
    assert len(list(registry.path("demo:1").parent.iterdir())) == 2


def test_aliases_move_through_a_history_that_is_only_added_to(registry, models):
    for model in models[:3]:
        registry.register(model)
    registry.promote("demo:1", why="the first")
    registry.promote("demo:3")
    assert registry.promote("demo:3") is None
    registry.promote("demo:2", alias="challenger")
    assert registry.version("demo").number == 3
    assert registry.version("demo@challenger").number == 2
    back = registry.rollback("demo", why="complaints")
    assert (back.origin, back.to, back.kind) == (3, 1, "rollback")
    assert [(m.alias, m.origin, m.to, m.why) for m in registry.history("demo")] == [
        ("champion", None, 1, "the first"),
        ("champion", 1, 3, ""),
        ("challenger", None, 2, ""),
        ("champion", 3, 1, "complaints"),
    ]
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        registry.rollback("demo")
    with registry._store.writing() as c, pytest.raises(sa.exc.IntegrityError, match="append-only"):
        c.execute(sa.text("UPDATE moves SET to_number = 2"))
    with registry._store.writing() as c, pytest.raises(sa.exc.IntegrityError, match="append-only"):
        c.execute(sa.text("DELETE FROM moves"))


# An example is a dozen transactions on disk; 50 of them cover every short sequence of moves that matters.
@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, None]), max_size=12))
def test_any_moves_leave_what_a_stack_leaves(tmp_path_factory, models, moves):
    with Registry(_three(tmp_path_factory, models)) as registry:
        alias = f"a{len(registry.model('demo').aliases)}"
        stack: list[int] = []
        told = 0
        for move in moves:
            if move is None:
                if len(stack) < 2:
                    with pytest.raises(RegistryError, match="nothing to roll back"):
                        registry.rollback("demo", alias)
                    continue
                stack.pop()
                assert registry.rollback("demo", alias).to == stack[-1]
            elif stack and stack[-1] == move:
                assert registry.promote(f"demo:{move}", alias) is None
                continue
            else:
                stack.append(move)
                registry.promote(f"demo:{move}", alias)
            told += 1
        assert registry.model("demo").aliases.get(alias) == (stack[-1] if stack else None)
        history = registry.history("demo", alias)
        assert len(history) == told
        assert all(b.origin == a.to for a, b in pairwise(history))


_FOLDERS: list[Path] = []


def _three(factory, models) -> Path:
    """Make a registry with three versions once: each example has an alias of its own."""
    if not _FOLDERS:
        _FOLDERS.append(factory.mktemp("stack"))
        with Registry(_FOLDERS[0] / "registry.db", create=True) as registry:
            for model in models[:3]:
                registry.register(model)
    return _FOLDERS[0]


def test_errors_say_what_there_is(registry, models, tmp_path):
    with pytest.raises(RegistryError, match="no model 'demo'; known: none yet"):
        registry.version("demo")
    registry.register(models[0])
    with pytest.raises(RegistryError, match="no model 'dmeo'; known: demo"):
        registry.version("dmeo")
    with pytest.raises(RegistryError, match="no version 4; it has 1 to 1"):
        registry.version("demo:4")
    with pytest.raises(RegistryError, match="names no version"):
        registry.version("demo:x")
    with pytest.raises(RegistryError, match="no alias 'champion'; its aliases: none yet"):
        registry.version("demo@champion")
    with pytest.raises(RegistryError, match="no alias 'champion' yet"):
        registry.rollback("demo")
    with pytest.raises(RegistryError, match="cannot be an alias"):
        registry.promote("demo:1", alias="No Good")
    with pytest.raises(RegistryError, match="cannot be a model's name"):
        registry.register(models[0], name="a:b")
    with pytest.raises(RegistryError, match="JSON compliant"):
        registry.register(models[0], metrics={"accuracy": float("nan")})
    with pytest.raises(RegistryError, match="there is no registry at"):
        Registry(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    bad = tmp_path / "bad.ff"
    bad.write_bytes(models[0].to_bytes()[:-1])
    with pytest.raises(RegistryError, match=r"bad\.ff"):
        registry.register(bad)
    text = tmp_path / "text.db"
    text.write_text("no database at all, but a text that is long enough to be one" * 20)
    with pytest.raises(RegistryError, match="not a database"):
        Registry(text)
    with pytest.raises(RegistryError, match="memory"):
        Registry("sqlite://")
    with pytest.raises(RegistryError, match="FERROFLOW_ARTIFACTS"):
        Registry("postgresql+psycopg://me:secret@host/db")


def test_a_newer_registry_is_left_alone(registry, tmp_path):
    with registry._store.writing() as c:
        c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RegistryError, match="newer version of ferroflow"):
        Registry(tmp_path)


def test_an_altered_or_lost_file_is_found_and_mended(registry, models):
    registry.register(models[0])
    path = registry.path("demo")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(RegistryError, match="was altered"):
        registry.path("demo")
    registry.register(models[0])
    assert registry.path("demo").read_bytes() == data
    path.unlink()
    with pytest.raises(RegistryError, match="is gone"):
        registry.path("demo")


def test_comparing_warns_when_the_rows_differ(registry, models):
    a = registry.register(models[0], metrics={"roc_auc": {"value": 0.8}, "log_loss": 0.5}, held_out="x")
    b = registry.register(models[1], metrics={"roc_auc": {"value": 0.9}, "mae": None}, held_out="x")
    c = registry.register(models[2], metrics={"log_loss": 0.6}, held_out="y")
    same = compare(a, b)
    assert same.warnings == ()
    assert [(d.measure, d.difference, d.better) for d in same.differences] == [
        ("roc_auc", pytest.approx(0.1), True),
        ("log_loss", None, None),
    ]
    other = compare(a, c)
    assert "different rows" in other.warnings[0]
    assert [d.better for d in other.differences] == [None, False]
    rows = np.array([5, 1, 3])
    assert held_out_digest("d", "y", rows) == held_out_digest("d", "y", np.sort(rows).astype(np.int32))
    assert held_out_digest("d", "y", rows) != held_out_digest("d", "z", rows)


def test_a_run_registers_once(tmp_path, models, monkeypatch):
    monkeypatch.delenv("FERROFLOW_REGISTRY", raising=False)
    run = tmp_path / "runs" / "abc"
    run.mkdir(parents=True)
    models[0].save(run / "model.ff")
    given = {"name": "Sale price, €", "measures": {"r2": {"value": 0.5}}, "data": "d", "held_out": "h"}
    assert register_run(run, **given) == "Sale_price:1"
    assert register_run(run, **given) == "Sale_price:1"
    with Registry(tmp_path / ".ferroflow") as registry:
        version = registry.version("Sale_price")
    assert (version.run, version.data, version.held_out) == ("abc", "d", "h")


def test_writers_at_the_same_moment_lose_nothing(tmp_path, models):
    where = tmp_path / "registry.db"

    def work(seed: int) -> None:
        with Registry(where, create=True) as registry:
            version = registry.register(models[seed])
            registry.promote(str(version), why=str(seed))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with Registry(where) as registry:
        assert [v.number for v in registry.model("demo").versions] == [1, 2, 3, 4, 5, 6]
        history = registry.history("demo")
        assert sorted(m.why for m in history) == list("012345")
        assert [m.step for m in history] == [1, 2, 3, 4, 5, 6]
        assert [m.origin for m in history] == [None, *(m.to for m in history[:-1])]


WRITER = """
import sys
from ferroflow.frozen import FrozenModel
from ferroflow.maintain.registry import Registry
model = FrozenModel.load(sys.argv[2])
print("ready", flush=True)
for i in range(100_000):
    with Registry(sys.argv[1], create=True) as registry:
        registry.register(model, name=f"m{i}")
        registry.promote(f"m{i}")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_leaves_nothing_half_written(tmp_path, models):
    models[0].save(tmp_path / "model.ff")
    where = tmp_path / "registry.db"
    arguments = [sys.executable, "-c", WRITER, str(where), str(tmp_path / "model.ff")]
    for wait in (0.0, 0.03, 0.11, 0.4):
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.kill()
        process.communicate()
        with Registry(where, create=True) as registry:
            for model in registry.models():
                assert [v.number for v in model.versions] == [1]
                registry.load(model.name)  # whole, and what was registered
                assert len(registry.history(model.name)) <= 1
            registry.register(models[1], name="after")
            registry.promote("after:1")


def test_the_tables_are_what_the_migrations_make(registry):
    from ferroflow.maintain import _store

    with registry._store.reading() as c:
        found = sa.inspect(c)
        for table in (_store.MODELS, _store.VERSIONS, _store.MOVES):
            assert [column["name"] for column in found.get_columns(table.name)] == list(table.columns.keys())
    newest = max(p.stem for p in (Path(_store.__file__).parent / "migrations/versions").glob("v*.py"))
    assert newest.startswith(f"v{_store.HEAD}")


def test_metrics_survive_as_they_are(registry, models):
    metrics = {"é": 1, "b": {"value": 0.1 + 0.2, "low": None}}
    version = registry.register(models[0], metrics=metrics)
    assert json.dumps(version.metrics) == json.dumps(metrics)
