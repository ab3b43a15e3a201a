"""The server under load and under abuse, for minutes: no request may fail, and memory stays flat. Loopback only.

    cargo build --release -p ferroflow-server
    python benches/serve_soak.py [target/release/ferroflow-server] [--seconds 300] [--connections 16]

Soak: all connections predict without a pause while every second a new version is moved into the served folder and
reloaded, the alias `champion` is set and rolled back, and the version before is removed and unloaded. An answer that is
not 200, a closed connection, or probabilities of another bit count as failed.

Abuse: bodies of 1 GB announced and sent, JSON nested a million deep, heads and bodies that never end, half requests,
wrong keys, uploads that are no model. Each has to be refused with the status written beside it, and a good request is
answered after each.
"""

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ferroflow

KEY = "the key of the soak, which is long enough"
VERSIONS = 8
JSON = {"content-type": "application/json"}


def models(folder: Path) -> tuple[list[bytes], dict, list[list[float]]]:
    """Return the files of some versions of one model, a request, and its probabilities."""
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(1000, 15)), columns=[f"feature_{j}" for j in range(15)]
    )
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X["feature_0"] > 0)
    files = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for version in range(VERSIONS):
            model = ferroflow.freeze(pipeline, X, name="soak", version=version)
            model.save(folder / "model")
            files.append((folder / "model").read_bytes())
    (folder / "model").unlink()
    row = X.iloc[0].to_dict()
    return files, {"rows": [row]}, model.predict_proba([row]).tolist()


class Server:
    def __init__(self, binary: str, folder: Path, key: Path) -> None:
        command = [binary, folder, "--port", "0", "--admin-key-file", key]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stderr.readline())[1])

    def rss(self) -> float:
        """Resident megabytes."""
        return (
            int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024
        )

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def manage(self, method: str, path: str, body: dict | None = None) -> dict:
        headers = {"authorization": f"Bearer {KEY}", **JSON}
        status, answer = self.ask(
            method, f"/admin/{path}", json.dumps(body).encode() if body else None, headers
        )
        assert status == 200, answer
        return json.loads(answer)

    def exchange(self, pieces: list[bytes], pause: float = 0.0) -> bytes:
        """Send pieces by a plain socket; return what comes back until the server closes, or for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=90) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
            except OSError:
                pass  # refused while sending; the answer is there all the same
            answer = b""
            try:
                while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
                    answer += piece
            except OSError:
                pass
            return answer


class Client(threading.Thread):
    """Predicts on one connection until told to stop."""

    def __init__(self, server: Server, body: bytes, expected: list, done: threading.Event) -> None:
        super().__init__()
        self.server, self.body, self.expected, self.done = server, body, expected, done
        self.answered, self.failures, self.versions = 0, [], set()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        while not self.done.is_set():
            try:
                connection.request("POST", "/predict", self.body, JSON)
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status != 200 or answer["probabilities"] != self.expected:
                    raise ValueError(f"{response.status} {answer}")
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.failures.append(repr(error)[:200])
                connection.close()
                continue
            self.answered += 1
            self.versions.add(answer["version"])


def soak(
    server: Server, folder: Path, files: list[bytes], clients: list[Client], seconds: float
) -> list[float]:
    """Swap versions every second; return the resident megabytes, taken every tenth of the time."""
    sizes, began, swaps, back = [], time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - began) < seconds:
        new, old = swaps % VERSIONS, (swaps - 2) % VERSIONS
        (folder / "part").write_bytes(files[new])
        (folder / "part").rename(folder / f"{new}.ff")
        server.manage("POST", "reload")
        server.manage("PUT", "models/soak/aliases/champion", {"version": str(new)})
        if swaps % 3 == 2:
            server.manage("POST", "models/soak/aliases/champion/rollback")
            server.manage("PUT", "models/soak/aliases/champion", {"version": str(new)})
            back += 1
        if (folder / f"{old}.ff").exists():
            (folder / f"{old}.ff").unlink()
            server.manage("POST", "reload")
        swaps += 1
        if elapsed >= len(sizes) * seconds / 10:
            sizes.append(server.rss())
            print(
                f"{elapsed:5.0f} s  {sum(c.answered for c in clients):>10,} answered  {sizes[-1]:.1f} MB",
                flush=True,
            )
        time.sleep(max(0.0, began + swaps - time.monotonic()))
    print(f"{swaps} swaps, {back} roll-backs")
    return sizes


def abuse(server: Server, good: bytes) -> int:
    """Return how many of the cases were not refused as they should."""
    post = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    upload = f"POST /admin/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n".encode()
    upload += b"content-type: application/octet-stream\r\n"
    million = 1_000_000
    spaces = b" " * million
    deep = b'{"rows": [{"feature_0": ' + b"[" * million
    tensor = b'{"inputs": [{"name": "feature_0", "shape": [1], "datatype": "FP64", "data": ' + b"[" * million

    def sized(head: bytes, body: bytes) -> list[bytes]:
        return [head + b"content-length: %d\r\n\r\n" % len(body), body]

    cases = [
        ("1 GB announced", [post + b"content-length: 1000000000\r\n\r\n"], b" 413 "),
        ("1 GB sent", [post + b"content-length: 1000000000\r\n\r\n", *[spaces] * 1000], b" 413 "),
        ("1 GB in chunks", [post + b"transfer-encoding: chunked\r\n\r\n", *[b"f4240\r\n" + spaces + b"\r\n"] * 1000], b" 413 "),
        ("1 GB uploaded", [upload + b"content-length: 1000000000\r\n\r\n", *[spaces] * 1000], b" 413 "),
        ("200 MB uploaded, no model", [upload + b"content-length: 200000000\r\n\r\n", *[spaces] * 200], b" 422 "),
        ("deep JSON", sized(post, deep), b" 422 "),
        ("deep keys", sized(post, b'{"rows":' * 100_000), b" 422 "),
        ("deep tensor", sized(post.replace(b"/predict", b"/v2/models/soak/infer"), tensor), b" 400 "),
        ("a head of 1 MB", [b"GET / HTTP/1.1\r\nhost: x\r\nx: " + spaces], b" 431 "),
        ("no HTTP", [b"\x16\x03\x01\x02\x00\x01\x00\xff\r\n\r\n"], b" 400 "),
        ("half a body", [post + b"content-length: 1000\r\n\r\n{"], b" 408 "),
        ("a slow head", [b"GET / HTTP/1.1\r\nhost: x\r\nx: ", *[b"x"] * 40], b""),
    ]  # fmt: skip
    wrong = 0
    for name, pieces, status in cases:
        before = time.monotonic()
        answer = server.exchange(pieces, 1.0 if name == "a slow head" else 0.0)
        first = answer.split(b"\r\n")[0]
        fine = status in first and server.ask("POST", "/predict", good, JSON)[0] == 200
        wrong += not fine
        took = time.monotonic() - before
        print(
            f"{'ok ' if fine else 'BAD'} {name}: {first.decode() or 'closed'}, {took:.1f} s, {server.rss():.1f} MB",
            flush=True,
        )
    for _ in range(2000):
        status, _ = server.ask(
            "POST", "/admin/reload", headers={"authorization": "Bearer " + os.urandom(8).hex()}
        )
        wrong += status != 401
    print(f"2,000 wrong keys, {server.rss():.1f} MB")
    halves = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(500)]
    for half in halves:
        half.sendall(post + b"content-length: 1000\r\n\r\n{")
    wrong += server.ask("POST", "/predict", good, JSON)[0] != 200
    print(f"500 half requests held open, {server.rss():.1f} MB")
    for half in halves:
        half.close()
    time.sleep(1)
    print(f"afterwards {server.rss():.1f} MB")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", nargs="?", default="target/release/ferroflow-server")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, key = Path(name) / "models", Path(name) / "key"
        folder.mkdir()
        key.write_text(KEY)
        files, request, expected = models(folder)
        (folder / "0.ff").write_bytes(files[0])
        server = Server(options.binary, folder, key)
        body = json.dumps(request).encode()
        done = threading.Event()
        clients = [Client(server, body, expected, done) for _ in range(options.connections)]
        for client in clients:
            client.start()
        try:
            sizes = soak(server, folder, files, clients, options.seconds)
        finally:
            done.set()
            for client in clients:
                client.join()
        failures = [failure for client in clients for failure in client.failures]
        versions = set().union(*(client.versions for client in clients))
        answered = sum(client.answered for client in clients)
        print(f"{answered:,} answered by {len(versions)} versions, {len(failures)} failed {failures[:3]}")
        grown = sizes[-1] - sizes[len(sizes) // 2]
        print(f"memory {sizes[0]:.1f} to {sizes[-1]:.1f} MB, {grown:+.1f} MB in the second half")
        wrong = abuse(server, body)
        alive = server.process.poll() is None
        server.process.terminate()
        server.process.communicate()
    return int(bool(failures) or bool(wrong) or grown > 2 or not alive)


if __name__ == "__main__":
    sys.exit(main())
