"""Print the table of ours against theirs and write it as JSON.

python benches/run.py                      every row
python benches/run.py scaler f1            rows whose name has one of these words
python benches/run.py --json out.json --pairs 9
python benches/run.py --cases rivals       against other libraries; `make bench-rivals` installs them
"""

import argparse
import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import numpy
import sklearn

sys.path.insert(0, str(Path(__file__).parent))
import ferroflow
from harness import Case, Result, bandwidth, measure


def all_cases(folder: str) -> list[Case]:
    """Every family's rows, families in alphabetical order."""
    names = sorted(p.stem for p in (Path(__file__).parent / folder).glob("*.py") if p.stem != "__init__")
    return [case for name in names for case in importlib.import_module(f"{folder}.{name}").CASES]


def machine() -> dict[str, object]:
    """What a reader needs to judge the numbers."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next(
            (x.split(":")[1].strip() for x in cpuinfo.read_text().splitlines() if "model name" in x), ""
        )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scikit-learn": sklearn.__version__,
        "ferroflow": ferroflow.__version__,
    }


def human(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, scale in (("s ", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def line(r: Result) -> str:
    """One printed row."""
    if r.error:
        return f"{r.row:<58} wrong result, no number: {r.error}"
    goal = f"{r.must or '-'} / {r.aim or '-'}"
    return (
        f"{r.row:<58}{human(r.ours):>10}{human(r.theirs):>10}{r.ratio:>9.2f}x  {r.low:>7.2f}..{r.high:<8.2f}"
        f"{human(r.limit) if r.limit else '-':>9}{r.peak_ours / 2**20:>8.0f}{r.peak_theirs / 2**20:>8.0f}"
        f"{goal:>12}  {r.verdict}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="run the rows whose name has one of these words")
    parser.add_argument(
        "--cases", choices=["cases", "rivals"], default="cases", help="scikit-learn, or other libraries"
    )
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--pairs", type=int, default=5, help="counted pairs a row (default: %(default)s)")
    options = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    words = [word.lower() for word in options.words]
    cases = [c for c in all_cases(options.cases) if not words or any(word in c.row.lower() for word in words)]
    if not cases:
        parser.error(f"no row has {' or '.join(words)} in its name")
    rates = bandwidth()
    facts = machine()
    print(", ".join(f"{k} {v}" for k, v in facts.items()))
    print(f"reads {rates[0] / 1e9:.1f} GB/s, writes fresh memory at {rates[1] / 1e9:.1f} GB/s\n")
    print(
        f"{'row':<58}{'ours':>10}{'theirs':>10}{'ratio':>10}  {'spread':<17}{'limit':>9}{'MB':>8}{'MB':>8}"
        f"{'must/aim':>12}"
    )
    results = []
    for case in cases:
        results.append(measure(case, rates, options.pairs))
        print(line(results[-1]), flush=True)
    if options.json:
        rows = [{**asdict(r), "verdict": r.verdict} for r in results]
        options.json.write_text(json.dumps({"machine": facts, "rows": rows}, indent=1) + "\n")
    return int(any(r.error for r in results))


if __name__ == "__main__":
    sys.exit(main())
