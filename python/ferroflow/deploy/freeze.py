"""Freezing: a fitted pipeline and its training frame become one file."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
from sklearn.utils import _safe_indexing

from ferroflow import __version__, _core
from ferroflow.deploy._describe import describe_columns, self_test_inputs
from ferroflow.deploy._freezing.compiler import Compiler
from ferroflow.frozen import FrozenModel
from ferroflow.frozen._columns import columns_of

REPLAYED_ROWS = 5_000
TEST_ROWS = 8
# What BLAS's order of summation may change, in units of the largest value: far above rounding, far below a mistake.
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}


def freeze(
    pipeline: Any,
    X: Any,
    y: Any = None,
    *,
    name: str = "model",
    version: str = "1",
    provenance: Mapping[str, str] | None = None,
) -> FrozenModel:
    """Freeze a fitted pipeline into one model that predicts the same without Python.

    Rows of `X` are replayed through the pipeline and through the frozen model: predictions must be the same. With
    ferroflow's own estimators they are the same to the last bit; scikit-learn's linear models sum in BLAS's order,
    which is reported as a warning, with the largest difference.

    Parameters
    ----------
    pipeline : estimator
        A fitted pipeline, transformer or model: ferroflow's own, and those of scikit-learn, XGBoost and LightGBM that
        the page on freezing lists.
    X : frame or array of shape (n_rows, n_columns)
        The table that the pipeline was fitted on: the input's schema, the statistics against which drift is measured
        and the rows of the file's self-test come from it.
    y : array-like, default=None
        The target; only its name is used, for a regressor's output.
    name : str, default="model"
        What the model calls itself.
    version : str, default="1"
        And its version.
    provenance : mapping of str to str, default=None
        More to be kept of where the model comes from.

    Returns
    -------
    FrozenModel

    Raises
    ------
    TypeError
        A step or a column that cannot be frozen; says which, and what to use instead.
    ValueError
        The frozen model would predict something else than the pipeline.
    """
    names, columns = columns_of(X)
    n_rows = len(columns[0]) if columns else 0
    if n_rows == 0:
        raise ValueError("X has no rows or no columns; give the table that the pipeline was fitted on")
    if names is None:
        names = [f"x{j}" for j in range(len(columns))]
        X = np.asarray(X) if not hasattr(X, "iloc") else X
    if len(set(names)) != len(names):
        raise ValueError("two columns of X share a name; rename one")
    compiler = Compiler()
    schema, statistics, cells = describe_columns(names, columns, compiler)
    rows = _rows_to_replay(cells, n_rows)
    sample = _safe_indexing(X, rows)
    kinds = ["text" if column["kind"] == "text" else "number" for column in schema]
    output = compiler.compile(pipeline, sample, kinds, y)

    document = {
        "format": 1,
        "requires": [],
        "ops": dict.fromkeys(sorted({node["op"] for node in compiler.nodes}), 1),
        "name": str(name),
        "version": str(version),
        "schema": schema,
        "graph": compiler.nodes,
        "output": output,
        "statistics": statistics,
        "provenance": {
            **(provenance or {}),
            "estimator": type(pipeline).__name__,
            "ferroflow": __version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "tests": {"rows": 0, "inputs": [], "expected": compiler.numbers("expected", [])},
    }
    document["tests"]["inputs"] = self_test_inputs(cells, schema, rows[:0], compiler)
    model = FrozenModel(_write(document, compiler))
    document["provenance"]["replay"] = _replay(pipeline, model, sample, compiler.final)

    few = rows[:TEST_ROWS]
    document["tests"] = {
        "rows": len(few),
        "inputs": self_test_inputs(cells, schema, few, compiler),
        "expected": compiler.numbers("expected", _outputs(model, _safe_indexing(X, few))),
    }
    return FrozenModel(_write(document, compiler))


def _write(document: dict, compiler: Compiler) -> bytes:
    tensors = [
        (key, kind, list(array.shape), array.tobytes())
        for key, (kind, array) in sorted(compiler.tensors.items())
    ]
    return _core.frozen_write(json.dumps(document, ensure_ascii=False), tensors)


def _rows_to_replay(cells: list[np.ndarray], n_rows: int) -> np.ndarray:
    """Pick the first row, each column's first missing cell, and rows evenly from the whole table."""
    first = [0]
    for column in cells:
        missing = (
            np.isnan(column) if column.dtype.kind == "f" else np.array([cell is None for cell in column])
        )
        at = int(np.argmax(missing))
        if missing[at]:
            first.append(at)
    spread = np.linspace(0, n_rows - 1, min(n_rows, REPLAYED_ROWS)).astype(int)
    order = [*dict.fromkeys([0, n_rows // 3, n_rows // 2, *first[1:]])]
    return np.array([*order, *np.setdiff1d(spread, order)])


def _outputs(model: FrozenModel, X: Any) -> np.ndarray:
    output, probabilities = model._run(X, "both")
    parts = [np.asarray(output, dtype=np.float64).ravel()]
    if probabilities is not None:
        parts.append(probabilities.ravel())
    return np.concatenate(parts)


def _gaps(pipeline: Any, X: Any) -> np.ndarray:
    """How far each row is from a tie, which may fall to either side where sums differ in their last bit."""
    if hasattr(pipeline, "predict_proba"):
        top = np.sort(pipeline.predict_proba(X), axis=1)
    elif hasattr(pipeline, "decision_function"):
        top = np.asarray(pipeline.decision_function(X))
        if top.ndim == 1:
            return np.abs(top)
        top = np.sort(top, axis=1)
    else:
        return np.full(len(X), np.inf)
    return top[:, -1] - top[:, -2]


def _replay(pipeline: Any, model: FrozenModel, X: Any, final: str) -> str:
    """Compare `model` with `pipeline` on X; say "exact", or warn and say how close."""
    worst = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if model.task == "classifier":
            theirs, ours = np.asarray(pipeline.predict(X)), model.predict(X)
            different = np.flatnonzero(theirs != ours)
            if different.size:
                different = different[_gaps(pipeline, X)[different] > TOLERANCE[model._float]]
            if different.size:
                raise ValueError(
                    f"the frozen model predicts another class than the pipeline in {different.size} of {len(ours)} "
                    f"rows of X, and is refused. Does a step of the pipeline override methods?"
                )
            pairs = []
            if model._has_scores and hasattr(pipeline, "decision_function"):  # a neural network has none
                pairs.append((pipeline.decision_function(X), model.decision_function(X)))
            if model._has_probabilities:
                pairs.append((pipeline.predict_proba(X), model.predict_proba(X)))
        elif model.task == "regressor":
            pairs = [(pipeline.predict(X), model.predict(X))]
        else:
            theirs = pipeline.transform(X)
            theirs = theirs.toarray() if hasattr(theirs, "toarray") else theirs
            pairs = [(np.asarray(theirs), model.transform(X))]
    exact = True
    for theirs, ours in pairs:
        theirs = np.asarray(theirs)
        if theirs.dtype.kind not in "f":
            theirs = theirs.astype(np.float64)
        theirs = theirs.reshape(ours.shape)
        exact = exact and bool(np.array_equal(theirs, ours, equal_nan=True))
        gap = np.abs(theirs.astype(np.float64) - ours)
        gap[np.isnan(theirs) & np.isnan(ours)] = 0.0
        size = max(1.0, float(np.nanmax(np.abs(theirs), initial=0.0)))
        worst = max(worst, float(np.max(gap, initial=0.0)) / size)
        if not worst <= TOLERANCE[model._float]:
            raise ValueError(
                f"the frozen model differs from the pipeline by {worst:.3g} (relative to the largest value) on rows of "
                "X, and is refused. Does a step of the pipeline override methods?"
            )
    if exact:
        return "exact"
    warnings.warn(
        f"the frozen model agrees with the pipeline to {worst:.1e} of the largest value, not to the last bit: "
        f"{final or 'a step'} sums in another order, or its exponentials are the C library's.",
        UserWarning,
        stacklevel=3,
    )
    return "close"
