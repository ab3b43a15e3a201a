"""Rows, targets and strange rows for models of trees."""

import warnings

import numpy as np
import pandas as pd

import ferroflow

RNG = np.random.RandomState(0)
X = RNG.randn(400, 6)
X[:, 2] = RNG.randint(0, 4, 400)
SCORES = X @ RNG.randn(6, 3) + 0.5 * RNG.randn(400, 3)
BINARY = np.array(["no", "yes"])[(SCORES[:, 0] > 0).astype(int)]
THREE = SCORES.argmax(axis=1)


def holes(rows):
    rows = rows.copy()
    rows[RNG.rand(*rows.shape) < 0.1] = np.nan
    return rows


def strange(rows, missing=True):
    """Rows with numbers at the edges of what there is."""
    rng = np.random.default_rng(1)
    rows = rng.choice(rows[~np.isnan(rows)], size=(1_000, rows.shape[1]))
    values = [
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        1e-35,
        -1e-35,
        1e-40,
        3e38,
        -3e38,
        1e-46,
        *([np.nan] if missing else []),
    ]
    spots = rng.random(rows.shape) < 0.2
    rows[spots] = rng.choice(values, spots.sum())
    return rows


def frozen(model, rows, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows, y)
        return ferroflow.freeze(model, rows, y)


def town_frame(rows=400):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows).astype(np.float32)})
    frame["town"] = pd.Categorical(rng.choice(["Bath", "York", "Rye", "Ely"], rows))
    frame["size"] = pd.Categorical(rng.choice([10, 20, 30], rows))
    frame.loc[::9, "town"] = np.nan
    return frame, frame["a"] + frame["town"].isin(["Bath", "Rye"]) + (frame["size"] == 20) * 0.5 > 0.5
