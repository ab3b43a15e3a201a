"""``python -m ferroflow script.py [ARGS]``: run a scikit-learn script, unchanged, on ferroflow."""

import argparse
import sys
from pathlib import Path

from ferroflow._bridge.accelerate import run_script


def main() -> None:
    """Parse the command line and run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m ferroflow",
        description="Run a Python script with ferroflow's classes and functions in scikit-learn's place.",
        epilog="The workflow's commands (init, explore, run, predict, serve, models) are in `ferroflow --help`.",
    )
    parser.add_argument("--explain", action="store_true", help="print at the end what ran where, and why")
    parser.add_argument("script", help="the script to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    options = parser.parse_args()
    if not Path(options.script).is_file():
        parser.error(f"there is no script {options.script!r}")
    try:
        run_script([options.script, *options.args])
    finally:
        if options.explain:
            from ferroflow import explain

            explain(file=sys.stderr)


if __name__ == "__main__":
    main()
