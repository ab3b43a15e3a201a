"""The frozen model against ONNX Runtime."""

import functools
import warnings

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import ferroflow
from harness import Case

COLUMNS = 20


@functools.cache
def models(kind):
    X, y = make_classification(20_000, COLUMNS, n_informative=10, random_state=0)
    X = X.astype(np.float32)
    model = {
        "logistic": LogisticRegression(),
        "forest": RandomForestClassifier(100, max_depth=12, min_samples_leaf=7, random_state=0),
    }[kind].fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frozen = ferroflow.freeze(model, X)
    written = to_onnx(model, X[:1], options={"zipmap": False}).SerializeToString()
    print(f"{kind}: our file has {len(frozen.to_bytes()):,} bytes, theirs {len(written):,}")
    return frozen, written


def session(written, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(written, options, providers=["CPUExecutionProvider"])


def one(kind, how):
    def make():
        frozen, written = models(kind)
        theirs = session(written, 1)
        row = np.random.default_rng(1).normal(size=(1, COLUMNS)).astype(np.float32)
        given = {
            "dict": {f"x{j}": float(v) for j, v in enumerate(row[0])},
            "list": row.tolist(),
            "array": row,
        }[how]
        return lambda: frozen.predict_proba(given), lambda: theirs.run(["probabilities"], {"X": row})[0]

    return make


def many(kind, n):
    def make():
        frozen, written = models(kind)
        theirs = session(written, 0)
        X = np.random.default_rng(1).normal(size=(n, COLUMNS)).astype(np.float32)
        return lambda: frozen.predict_proba(X), lambda: theirs.run(["probabilities"], {"X": X})[0]

    return make


def near(mine, theirs):
    """ONNX sums in single precision."""
    np.testing.assert_allclose(mine, np.asarray(theirs).reshape(mine.shape), atol=1e-5)


CASES = [
    *(
        Case(f"frozen {kind}, 1 row, {how}", one(kind, how), near, 1, n_jobs=False)
        for kind in ("logistic", "forest")
        for how in ("dict", "list", "array")
    ),
    *(
        Case(f"frozen {kind}, {n:,} rows", many(kind, n), near, 1, n_jobs=False)
        for kind in ("logistic", "forest")
        for n in (1_000, 100_000)
    ),
]
