"""`kill -9` at any moment, then the same command again: the same result, and nothing left lying about."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
COMMAND = [sys.executable, "-m", "ferroflow.workflow.cli", "run"]


def test_killed_at_every_file(small, home):
    small()
    driver = Path(__file__).with_name("killed.py")
    done = subprocess.run([sys.executable, driver], cwd=home, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    # Configuration, data, split, four fits, scores, model, report, registry's copy and the end: before and after each.
    assert int(done.stdout) >= 20


def test_killed_from_outside(small, home, finished):
    """The command itself, as a person types it, killed in the middle of the search."""
    small()
    process = subprocess.Popen(COMMAND, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 120
    while not list(home.glob("runs/*/tuning.json")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not list(home.glob("runs/*/run.json"))
    subprocess.run(COMMAND, cwd=home, check=True, capture_output=True)
    (folder,) = home.glob("runs/*")
    for name in ("scores.json", "model.ff"):
        assert (folder / name).read_bytes() == (finished[1].folder / name).read_bytes()
