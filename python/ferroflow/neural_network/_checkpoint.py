"""The state of a training in a file, from which it goes on after it was killed."""

import json
import os
import time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

_FORMAT = "ferroflow network 1"
# Epochs are skipped so that writing takes no larger share of the time than this.
_SHARE = 0.05


class Checkpoint:
    """A NumPy archive: the state as JSON, whose arrays lie beside it. Written beside the file and renamed, so whole.

    Parameters
    ----------
    path : str or path
    problem : str
        Digest of what has to be the same if the file goes on with an earlier training.
    """

    def __init__(self, path, problem):
        self.path, self.problem = Path(path), problem
        self._last, self._took = -np.inf, 0.0

    def load(self):
        """Return the state that was saved, or None if there is no file.

        Raises
        ------
        ValueError
            If the file is of another training, or none of ours.
        """
        try:
            with np.load(self.path, allow_pickle=False) as file:
                text = json.loads(str(file["state"]), object_hook=lambda d: _array(d, file))
            known = text["format"] == _FORMAT
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, BadZipFile, EOFError):
            known = False
        if not known:
            raise ValueError(f"{self.path} is not a checkpoint of a network; give another path.")
        if text["problem"] != self.problem:
            raise ValueError(
                f"The checkpoint {self.path} is of another training: not the same parameters or rows. Delete it or "
                "give another path."
            )
        return text["state"]

    def save(self, state):
        """Write the state down, if not too much of the time has gone into that."""
        start = time.perf_counter()
        if (start - self._last) * _SHARE < self._took:
            return
        arrays: dict[str, Any] = {}

        def place(value):
            if isinstance(value, np.ndarray):
                arrays[f"array{len(arrays)}"] = value
                return {"array": f"array{len(arrays) - 1}"}
            return value.item()

        text = json.dumps({"format": _FORMAT, "problem": self.problem, "state": state}, default=place)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with beside.open("wb") as file:
            np.savez(file, state=np.array(text), **arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._last = time.perf_counter()
        self._took = self._last - start

    def remove(self):
        """The training has come to its end."""
        self.path.unlink(missing_ok=True)


def _array(value, file):
    return file[value["array"]] if value.keys() == {"array"} else value
