"""Our server against FastAPI with ONNX Runtime: CPU per request, start, memory. Needs `wrk`; loopback only.

    make bench-serving

One row of 15 named columns goes into a scaled logistic regression: the same model, the same JSON, checks of every column
and metrics on. The CPU time is the server's own, of user and system, from /proc; the two take turns. TARGETS: 16 us a request
at 8 connections, 45 us at 1; 30 ms from the start to the first answer; 12 MB resident.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ferroflow
from ferroflow.deploy import _program

HERE = Path(__file__).resolve().parent
ROUNDS = 3
SECONDS = 3
STARTS = 10


def models_and_row(folder: Path) -> dict:
    """Write the model for both; return a row."""
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(1000, 15)), columns=[f"feature_{j}" for j in range(15)]
    )
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X["feature_0"] > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ferroflow.freeze(pipeline, X).save(folder / "model.ff")
    joblib.dump((pipeline, list(X)), folder / "pipeline.joblib")
    return X.iloc[0].round(6).to_dict()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(command: list) -> tuple[subprocess.Popen, int, float]:
    """Start a server; return it, its port, and the milliseconds until its first answer."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen([*map(str, command), "--port", str(port)], stderr=subprocess.DEVNULL)
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            break
        except OSError:
            assert process.poll() is None, "it did not start"
            time.sleep(0.0005)
        finally:
            connection.close()
    return process, port, 1e3 * (time.perf_counter() - began)


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(20)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def load(script: Path, port: int, pid: int, connections: int) -> tuple[float, float]:
    """Return requests a second and microseconds of CPU a request."""
    before = cpu_seconds(pid)
    url = f"http://127.0.0.1:{port}/predict"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", script, url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    n = int(re.search(r"(\d+) requests in", out)[1])
    return n / SECONDS, 1e6 * (cpu_seconds(pid) - before) / n


def probability(port: int, row: dict) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps({"rows": [row]})
    connection.request("POST", "/predict", body, {"content-type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["probabilities"][0][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rival", help="a Python that has FastAPI and ONNX Runtime")
    parser.add_argument("--program", type=Path, help="the server; by default the one of this environment")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk makes the load: apt-get install wrk")
    program = given.program or _program.find()
    print(f"{program}: {program.stat().st_size / 1e6:.1f} MB; load of the machine: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row = models_and_row(folder)
        script = folder / "post.lua"
        script.write_text(
            'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
            f"wrk.body = [[{json.dumps({'rows': [row]})}]]\n"
        )
        commands = {"ferroflow": [program, folder / "model.ff"]}
        if given.rival:
            rival, onnx = [given.rival, HERE / "fastapi_onnx.py"], folder / "model.onnx"
            subprocess.run([*rival, "convert", onnx, "--pipeline", folder / "pipeline.joblib"], check=True)
            commands["FastAPI + ONNX Runtime"] = [*rival, "serve", onnx]
            command = [*rival, "in-process", onnx]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            print(f"ONNX Runtime in process, one row: {json.loads(out)['us']:.1f} us")
        found = {}
        for who, command in commands.items():
            times = []
            for _ in range(STARTS if who == "ferroflow" else 2):
                process, port, elapsed = start(command)
                times.append(elapsed)
                found[who] = (probability(port, row), resident_mb(process.pid))
                stop(process)
            print(
                f"{who}: start to first answer {np.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})"
            )
        if len({round(p, 5) for p, _ in found.values()}) > 1:
            sys.exit(f"they do not agree: {found}")
        best: dict = {}
        for _ in range(ROUNDS):
            for who, command in commands.items():
                process, port, _ = start(command)
                for connections in (8, 1):
                    rate, cpu = load(script, port, process.pid, connections)
                    best[who, connections] = min(best.get((who, connections), (9e9, 0)), (cpu, rate))
                best[who, "resident"] = max(best.get((who, "resident"), 0), resident_mb(process.pid))
                stop(process)
        for who in commands:
            for connections in (8, 1):
                cpu, rate = best[who, connections]
                print(
                    f"{who}: {connections} connections, {cpu:.1f} us of CPU a request, {rate:,.0f} requests/s"
                )
            print(
                f"{who}: resident {found[who][1]:.1f} MB at the start, {best[who, 'resident']:.1f} MB after load"
            )


if __name__ == "__main__":
    main()
