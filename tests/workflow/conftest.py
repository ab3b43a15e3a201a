"""The command line typed in one process, small tables, and one finished run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferroflow.workflow import cli

TITANIC = Path(__file__).parents[2] / "examples" / "data" / "titanic.csv"

# Two candidates on two folds: all stages, little work.
CONFIG = """
[data]
source = "small.csv"
missing = ["?", "NA"]

[target]
column = "bought"
task = "classification"
positive = "yes"

[columns]
numeric = ["age", "income"]
categorical = ["town", "floor"]

[tune]
learning_rate = [0.01, 0.05]
alpha = [0.001]
batch_size = [32]
folds = 2

[train]
max_iter = 20

[evaluate]
bootstrap = 20
"""


def small_table(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """People who buy when they are young and rich, and a little by town."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows)
    income = np.round(rng.lognormal(10, 0.5, rows), 2)
    town = rng.choice(["Bath", "York", "Ely"], rows, p=[0.5, 0.3, 0.2])
    score = -0.05 * (age - 50) + (np.log(income) - 10) + (town == "York") + rng.normal(size=rows) * 0.5
    return pd.DataFrame(
        {
            "id": np.arange(rows) + 1000,
            "age": age.astype(float),
            "income": income,
            "town": town,
            "floor": rng.integers(0, 4, rows),
            "bought": np.where(score > 0, "yes", "no"),
        }
    )


def write_small(folder: Path, config: str = CONFIG, **changes: object) -> None:
    """Write small.csv with gaps written `?`, and workflow.toml."""
    table = small_table().astype({"age": object, "town": object})
    table.loc[::11, "age"] = "?"
    table.loc[5::17, "town"] = "NA"
    table.assign(**changes).to_csv(folder / "small.csv", index=False)
    (folder / "workflow.toml").write_text(config)


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture(scope="session")
def titanic():
    return TITANIC


@pytest.fixture
def small(home):
    """Write the small table and its workflow.toml into the folder: ``small(config, column=[...])``."""

    def write(*config: str, **changes: object) -> None:
        write_small(home, *config, **changes)

    return write


@pytest.fixture(scope="session")
def config():
    return CONFIG


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FERROFLOW_REGISTRY", raising=False)
    return tmp_path


@pytest.fixture
def typed(home, capsys):
    """Type a command; returns what it printed, or its message if it is expected to fail."""

    def call(*words: object, code: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert left.value.code == code, (left.value.code, out, err)
        return out if code == 0 else err

    return call


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with small.csv, workflow.toml and its finished run; not to be changed."""
    from ferroflow.workflow import run

    folder = tmp_path_factory.mktemp("finished")
    write_small(folder)
    return folder, run(folder / "workflow.toml")
