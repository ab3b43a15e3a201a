"""The server's program, which comes with the wheel: where it is, and how a command becomes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

_NAME = "ferroflow-server" + (sysconfig.get_config_var("EXE") or "")


def find() -> Path:
    """Return the program's place: beside this Python, where `pip --user` or `--target` put it, or on the PATH."""
    package = Path(__file__).resolve().parents[1]
    folders: list[str | Path] = [
        sysconfig.get_path("scripts"),
        Path(sys.executable).parent,
        sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")),
        package.parent / "bin",
    ]
    for folder in folders:
        place = Path(folder) / _NAME
        if os.access(place, os.X_OK):
            return place
    if found := shutil.which(_NAME):
        return Path(found)
    raise FileNotFoundError(
        f"the program {_NAME}, which comes with ferroflow, is neither in {folders[0]} nor on the PATH. "
        "Install ferroflow again (pip install --force-reinstall ferroflow); in a source tree: make build"
    )


def become(name: str, arguments: list[str]) -> int:
    """Run the program in place of this one, under `name`; return its exit code where a system cannot replace one."""
    program = str(find())
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(program, [name, *arguments])
    return subprocess.run([name, *arguments], executable=program).returncode
