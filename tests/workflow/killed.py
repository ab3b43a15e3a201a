"""Kills runs of the workflow in this folder: before each file that a run puts in its place, and after it.

Started by test_kill.py as a process of its own: it forks, and threads of a test runner would not survive that.
Prints the number of moments, or says what differs.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from ferroflow.workflow import run

PLACED = Path.replace


def outcome(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("scores.json", "model.ff", "split.npz")}


def in_child(work) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def dying_run(moment: int) -> None:
    """Run, and be killed at the given moment: even ones before a file gets its name, odd ones after."""
    count = 0

    def replace(self, target):
        nonlocal count
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        placed = PLACED(self, target)
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return placed

    Path.replace = replace
    run()


def main() -> None:
    run()
    (finished,) = Path("runs").iterdir()
    want = outcome(finished)
    files = {path.name for path in finished.iterdir()}
    moment = 0
    while True:
        shutil.rmtree("runs")
        shutil.rmtree(".ferroflow")
        status = in_child(lambda moment=moment: dying_run(moment))
        if status == 0:
            break
        assert os.WIFSIGNALED(status), status
        assert in_child(run) == 0, moment
        (folder,) = Path("runs").iterdir()
        assert outcome(folder) == want, moment
        assert {path.name for path in folder.iterdir()} == files, moment
        moment += 1
    sys.stdout.write(f"{moment}\n")


if __name__ == "__main__":
    main()
