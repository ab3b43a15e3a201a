"""What pip and uv call to build ferroflow: maturin, after the server's program, which the wheel carries.

    python python/backend.py

builds the program alone, into target/wheel/scripts, where maturin takes it from (``data`` in pyproject.toml).
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import maturin
from maturin import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "target/wheel/scripts"


def build_server() -> Path:
    """Build ferroflow-server in release mode, static where the system's C library allows, and return its place."""
    command = ["cargo", "rustc", "-q", "--release", "-p", "ferroflow-server", "--bin", "ferroflow-server"]
    command += ["--message-format", "json-render-diagnostics"]
    version = subprocess.run(["rustc", "-vV"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    if "linux-gnu" in version:
        # For the last crate alone: whatever is under it stays shared with other builds.
        command += ["--", "-C", "target-feature=+crt-static"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in built.splitlines()]
    (program,) = [Path(found) for m in messages if (found := m.get("executable"))]
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    # Renamed into place: a server that runs meanwhile keeps its file.
    new = SCRIPTS / f".{program.name}"
    shutil.copy2(program, new)
    return new.replace(SCRIPTS / program.name)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    build_server()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    build_server()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


if __name__ == "__main__":
    sys.stdout.write(f"{build_server()}\n")
