"""The server against its own OpenAPI document, by schemathesis: run by hand, in a minute or two.

    python -m venv /tmp/contract && /tmp/contract/bin/pip install schemathesis
    python tests/serve/contract.py /tmp/contract/bin/schemathesis [SECONDS]

All of its checks run: no 5xx, no answer outside the document, no request refused that the document allows or taken that
it does not. What no schema can say (columns of unlike length, a tensor that does not fit its model) may be refused by
400 and 422. Management is open and tried last, on its own: it unloads the models, so that nothing is ready any more.
"""

import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import ferroflow
from ferroflow.deploy import _program

CONFIG = """\
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "409", "422"]
"""
ADMIN = "^/(admin|v2/repository)/"


def models(folder: Path) -> None:
    random = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 12, n),
            "siblings": random.integers(0, 5, n),
            "alone": random.random(n) < 0.4,
            "sex": random.choice(["female", "male"], n),
        }
    )
    frame.loc[::7, "age"] = np.nan
    y = np.where(random.random(n) < 0.5, "survived", "died")
    pipeline = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
            ("passthrough", ["siblings", "alone"]),
            (OneHotEncoder(handle_unknown="ignore"), ["sex"]),
        ),
        LogisticRegression(),
    ).fit(frame, y)
    for version in (1, 2):
        ferroflow.freeze(pipeline, frame, y, name="titanic", version=version).save(folder / f"{version}.ff")
    X = random.normal(size=(100, 3)).astype(np.float32)
    ridge = make_pipeline(StandardScaler(), Ridge()).fit(X, X[:, 0])
    ferroflow.freeze(ridge, X, name="a/b é", version="1").save(folder / "numbers.ff")


def main() -> int:
    program, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            models(folder)
        (folder / "schemathesis.toml").write_text(CONFIG)
        command = [_program.find(), folder, "--port", "0", "--default-model", "titanic", "--admin-open"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        address = re.search(r"http://[\d.]+:\d+", server.stderr.readline())[0]
        run = [program, "--config-file", folder / "schemathesis.toml", "run", f"{address}/openapi.json"]
        run += ["--checks", "all", "--max-time", seconds, "--seed", "1"]
        codes = [
            subprocess.run([*run, "--exclude-path-regex", ADMIN], cwd=folder).returncode,
            subprocess.run([*run, "--include-path-regex", ADMIN], cwd=folder).returncode,
        ]
        alive = server.poll() is None
        server.terminate()
        server.communicate()
    return int(any(codes) or not alive)


if __name__ == "__main__":
    sys.exit(main())
