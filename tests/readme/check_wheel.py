"""Build the wheel, install it into a clean environment, and run the README's commands there.

    python tests/readme/check_wheel.py --bin .venv/bin

Runs every block of README.md that is marked ``sh`` or ``python``, in order, in one new folder that holds
examples/data/titanic.csv, as a reader would.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(*command: str | Path, **options) -> None:
    subprocess.run([str(c) for c in command], check=True, **options)


def build(tools: Path, out: Path) -> Path:
    """Return the path of a new release wheel."""
    maturin = (tools / "maturin").absolute()
    run((tools / "python").absolute(), ROOT / "python/backend.py", stdout=subprocess.DEVNULL)
    run(maturin, "build", "--release", "-q", "-o", out, cwd=ROOT)
    (wheel,) = out.glob("*.whl")
    size = wheel.stat().st_size / 2**20
    if "abi3" not in wheel.name or size > 10:
        sys.exit(f"{wheel.name} is {size:.1f} MB: it must be an abi3 wheel of under 10 MB")
    sys.stdout.write(f"{wheel.name}: {size:.1f} MB\n")
    return wheel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=Path, default=ROOT / ".venv" / "bin", help="where maturin and uv are")
    tools = parser.parse_args().bin
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(tools, folder / "dist")
        venv = folder / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", venv)
        run(
            (tools / "uv").absolute(),
            "pip",
            "install",
            "-q",
            "--python",
            venv / "bin/python",
            f"{wheel}[workflow]",
        )
        work = folder / "work"
        work.mkdir()
        shutil.copy(ROOT / "examples/data/titanic.csv", work)
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        env["PATH"] = f"{venv / 'bin'}:{env['PATH']}"
        run("ferroflow-server", "--version", env=env)
        run("ferroflow", "serve", "--help", env=env, stdout=subprocess.DEVNULL)
        blocks = BLOCK.findall((ROOT / "README.md").read_text())
        for language, code in blocks:
            sys.stdout.write(f"--- README, {language}\n{code}")
            sys.stdout.flush()
            if language == "sh":
                run("bash", "-euo", "pipefail", "-c", code, cwd=work, env=env)
            else:
                run("python", "-W", "error::DeprecationWarning", "-c", code, cwd=work, env=env)
        sys.stdout.write(f"the wheel works in a clean environment; {len(blocks)} blocks of the README ran\n")


if __name__ == "__main__":
    main()
