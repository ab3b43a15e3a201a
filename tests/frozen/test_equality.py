"""A pipeline and its frozen model give the same bits for 100,000 random rows: missing cells, -0, subnormal numbers, rows
far from training, texts never seen. tests/targets/run.py takes the same rows to other machines."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ferroflow

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "targets"))
from make_golden import models
from rows import random_columns

MODELS = models()
# Models of other libraries sum in their own order. Relative to the largest value.
OTHER_SUMS = dict.fromkeys(("svr", "svm", "pairs", "nearest", "calibrated"), 1e-12)
# Scores of boosted trees are the library's to the bit; its exponential may round the last bit otherwise.
OTHER_EXP = {
    "gradient": 1e-15,
    "histogram": 1e-15,
    "histogram-gamma": 1e-15,
    "lightgbm": 1e-15,
} | dict.fromkeys(("xgboost", "xgboost-many"), 5e-7)


@pytest.mark.parametrize("name", MODELS)
def test_the_pipeline_and_the_frozen_model_give_the_same_bits(name):
    pipeline, X, y = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(X, y)
        model = ferroflow.freeze(pipeline, X)
    columns = random_columns(model, 100_000, seed=1)
    if isinstance(X, pd.DataFrame):
        rows = pd.DataFrame({c: pd.Series(v).astype(_dtype(X[c], v)) for c, v in columns.items()})
    else:
        rows = np.column_stack(list(columns.values())).astype(X.dtype)
    for what in ("transform", "predict", "predict_proba", "decision_function"):
        if hasattr(pipeline, what) and (what != "transform" or model.task == "transformer"):
            ours = getattr(model, what)(rows)
            theirs = np.asarray(getattr(pipeline, what)(rows))
            gap = OTHER_SUMS.get(name, 0 if what == "decision_function" else OTHER_EXP.get(name, 0))
            if gap and ours.dtype.kind == "f":
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=gap * np.abs(theirs).max())
                continue
            np.testing.assert_array_equal(ours, theirs.astype(ours.dtype, copy=False))
            if ours.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs))


def _dtype(seen: pd.Series, cells: np.ndarray):
    # Whole numbers and truths stay what they were where none is missing.
    missing = pd.isna(cells).any()
    return np.float64 if missing and seen.dtype.kind in "iub" else seen.dtype
