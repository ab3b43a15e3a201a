"""A search's finished fits in a file, from which it goes on after it was killed."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.model_selection._fingerprint import fingerprint

if TYPE_CHECKING:
    from ferroflow.model_selection._tasks import Task

_FORMAT = "ferroflow search 1"
_SCHEMA = (
    "CREATE TABLE problem (part TEXT PRIMARY KEY, digest TEXT NOT NULL)",
    "CREATE TABLE fits (round INTEGER, position INTEGER, result TEXT NOT NULL, PRIMARY KEY (round, position))",
    f"INSERT INTO problem VALUES ('format', '{_FORMAT}')",
)


class Checkpoint:
    """Results of fits by round and position, each written in a transaction of its own.

    Workers write to it from their own processes, so none of them loses more than the fit that it is at.

    Parameters
    ----------
    path : str or path
        A SQLite file; made if there is none.
    problem : mapping of str to str
        Digests of what has to be the same if the file goes on with an earlier search.

    Raises
    ------
    ValueError
        If the file is of another search, or none of ours.
    """

    def __init__(self, path: str | Path, problem: Mapping[str, str]) -> None:
        self.path = str(path)
        self.round = -1
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()
        self._open()
        self._agree(problem)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "round": self.round}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._connection = None
        self._lock = Lock()

    def begin_round(self, tasks: "Sequence[Task]") -> None:
        """Begin the next round of fits, which has to be the one that the file knows."""
        self.round += 1
        folds = {task.fold: (task.kwargs["train"], task.kwargs["test"]) for task in tasks}
        self._agree(
            {
                f"candidates of round {self.round}": fingerprint([task.parameters for task in tasks]),
                f"folds of round {self.round}": fingerprint(list(folds.values())),
            }
        )

    def done(self) -> dict[int, dict[str, Any]]:
        """The results of this round that the file has, by position."""
        rows = self._db().execute("SELECT position, result FROM fits WHERE round = ?", (self.round,))
        return {position: json.loads(result) for position, result in rows}

    def add(self, position: int, result: Mapping[str, Any]) -> None:
        """Write a result down."""
        text = json.dumps(result, default=_number)
        with self._lock, self._db() as db:
            db.execute("INSERT OR REPLACE INTO fits VALUES (?, ?, ?)", (self.round, position, text))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._connection.execute("PRAGMA synchronous = NORMAL")
        return self._connection

    def _open(self) -> None:
        try:
            if self._db().execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                self._db().execute("PRAGMA journal_mode = WAL")
                with self._db() as db:
                    db.execute("BEGIN IMMEDIATE")  # all of it or nothing, if it is killed here
                    for statement in _SCHEMA:
                        db.execute(statement)
            if self._known().get("format") == _FORMAT:
                return
        except sqlite3.OperationalError as error:
            self.close()
            if "no such table" not in str(error):
                raise OSError(f"The checkpoint {self.path} cannot be used: {error}.") from error
        except sqlite3.DatabaseError:
            self.close()  # the file is of another kind
        raise ValueError(f"{self.path} is not a checkpoint of a search; give another path.")

    def _known(self) -> dict[str, str]:
        return dict(self._db().execute("SELECT part, digest FROM problem").fetchall())

    def _agree(self, problem: Mapping[str, str]) -> None:
        """Note what the search is about, or refuse where that is not what the file says."""
        known = self._known()
        other = [part for part, digest in problem.items() if known.get(part, digest) != digest]
        if other:
            self.close()
            raise ValueError(
                f"The checkpoint {self.path} is of another search: not the same {', '.join(other)}. Delete it or give "
                "another path. A search goes on only where candidates and folds do not depend on chance: give it, "
                "and cv, an int as random_state."
            )
        with self._db() as db:
            db.executemany("INSERT OR IGNORE INTO problem VALUES (?, ?)", problem.items())


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else float(value)
