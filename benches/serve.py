"""The server as one file: requests per second, CPU per request, start, memory. Needs `wrk`; loopback only.

    cargo build --release -p ferroflow-server
    python benches/serve.py [target/release/ferroflow-server]

One row of 15 named columns goes into a scaled logistic regression; input checks and metrics are on. The CPU time is the
server's own, of user and system, from /proc. TARGETS: 16 us a request at 8 connections, 45 us at 1; 30 ms from the start to
the first answer; 12 MB resident.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ferroflow

SECONDS = 5
STARTS = 20


def model_and_row(folder: Path) -> tuple[Path, dict]:
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(1000, 15)), columns=[f"feature_{j}" for j in range(15)]
    )
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X["feature_0"] > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ferroflow.freeze(pipeline, X).save(folder / "model.ff")
    return folder / "model.ff", X.iloc[0].round(6).to_dict()


def start(binary: str, model: Path) -> tuple[subprocess.Popen, int, float]:
    """Start the server; return it, its port, and the milliseconds until its first answer."""
    began = time.perf_counter()
    process = subprocess.Popen([binary, model, "--port", "0"], stderr=subprocess.PIPE, text=True)
    port = int(re.search(r"on http://127\.0\.0\.1:(\d+)", process.stderr.readline())[1])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    elapsed = 1e3 * (time.perf_counter() - began)
    connection.close()
    return process, port, elapsed


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def load(folder: Path, port: int, pid: int, row: dict, connections: int) -> None:
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f"wrk.body = [[{json.dumps({'rows': [row]})}]]\n"
    )
    before = cpu_seconds(pid)
    url = f"http://127.0.0.1:{port}/predict"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", script, url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    n = int(re.search(r"(\d+) requests in", out)[1])
    cpu = 1e6 * (cpu_seconds(pid) - before) / n
    print(f"{connections} connections: {n / SECONDS:,.0f} requests/s, {cpu:.1f} us of CPU a request")


def main() -> None:
    binary = sys.argv[1] if len(sys.argv) > 1 else "target/release/ferroflow-server"
    with tempfile.TemporaryDirectory() as name:
        model, row = model_and_row(Path(name))
        times = []
        for _ in range(STARTS):
            process, _, elapsed = start(binary, model)
            times.append(elapsed)
            process.terminate()
            process.communicate()
        print(f"start to first answer: {np.median(times):.1f} ms, {min(times):.1f} to {max(times):.1f}")
        process, port, _ = start(binary, model)
        print(f"resident at the start: {resident_mb(process.pid):.1f} MB")
        for connections in (8, 1):
            load(Path(name), port, process.pid, row, connections)
        print(f"resident afterwards: {resident_mb(process.pid):.1f} MB")
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    main()
