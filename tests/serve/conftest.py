"""A model, and a server of it as a process: what the command line starts."""

import http.client
import json
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import ferroflow

# As the installed command starts: `ferroflow serve`.
COMMAND = [sys.executable, "-c", "from ferroflow._command import main; main()", "serve"]


@dataclass
class Server:
    """A running server and a way to ask it."""

    process: subprocess.Popen
    host: str
    port: int

    def ask(self, method, path, body=None, headers=None):
        """Return status, headers and the parsed JSON (or the text)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        kind = response.headers.get("content-type", "")
        return response.status, response.headers, json.loads(data) if "json" in kind and data else data

    def predict(self, body, path="/predict"):
        """Post `body` (an object, or the bytes themselves); return status and answer."""
        data = body if isinstance(body, bytes) else json.dumps(body, allow_nan=False).encode()
        status, _, answer = self.ask("POST", path, data, {"content-type": "application/json"})
        return status, answer


def start(path: Path, *options: str) -> Server:
    process = subprocess.Popen(
        [*COMMAND, str(path), "--port", "0", *options], stderr=subprocess.PIPE, text=True
    )
    line = process.stderr.readline()
    found = re.search(r"http://(127\.0\.0\.1):(\d+) ", line)
    if not found:
        process.kill()
        raise AssertionError(line + process.communicate()[1])
    return Server(process, found[1], int(found[2]))


@pytest.fixture(scope="session")
def table():
    random = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 12, n),
            "fare": random.gamma(2, 20, n),
            "siblings": random.integers(0, 5, n),
            "alone": random.random(n) < 0.4,
            "sex": random.choice(["female", "male"], n),
            "port of call, 'é\" ✓": random.choice(["Cherbourg", "Queenstown", "Southampton"], n),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


@pytest.fixture(scope="session")
def frozen(table):
    """A function from a version to the model."""
    random = np.random.default_rng(1)
    y = np.where(random.random(len(table)) < np.where(table["sex"] == "female", 0.7, 0.2), "survived", "died")
    numeric = ["age", "fare"]
    pipeline = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numeric),
            ("passthrough", ["siblings", "alone"]),
            (OneHotEncoder(handle_unknown="ignore"), ["sex"]),
            (OneHotEncoder(), list(table.columns[-1:])),
        ),
        LogisticRegression(),
    ).fit(table, y)

    def freeze(version):
        with warnings.catch_warnings():
            # BLAS sums in another order; the file's bits are what counts.
            warnings.simplefilter("ignore", UserWarning)
            return ferroflow.freeze(pipeline, table, y, name="titanic", version=version)

    return freeze


@pytest.fixture(scope="session")
def model(frozen):
    return frozen("3")


@pytest.fixture(scope="session")
def model_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("serve") / "model.ff"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def server(model_file):
    running = start(model_file)
    yield running
    running.process.terminate()
    running.process.communicate(timeout=20)


@pytest.fixture
def row(table):
    """One good row."""
    return json.loads(table.iloc[[1]].to_json(orient="records", double_precision=15))[0]
