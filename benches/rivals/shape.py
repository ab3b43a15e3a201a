"""Transforms of one column's shape against the libraries that do the same."""

import numpy as np
import pandas as pd
from feature_engine.discretisation import EqualFrequencyDiscretiser, EqualWidthDiscretiser
from feature_engine.transformation import BoxCoxTransformer, YeoJohnsonTransformer

from ferroflow.preprocessing import KBinsDiscretizer, PowerTransformer
from harness import Case


def data(rows):
    X = np.random.RandomState(0).randn(rows, 10)
    return pd.DataFrame(X, columns=[f"c{j}" for j in range(10)])


def pair(mine, theirs, rows):
    def make():
        X = data(rows)
        if theirs is BoxCoxTransformer:
            X = np.exp(X)
        return lambda: mine().fit_transform(X), lambda: theirs().fit_transform(X)

    return make


def near(mine, theirs):
    """The best exponent lies in a flat valley: found to 1e-7 or so."""
    np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-5, atol=1e-5)


def nearly_all(mine, theirs):
    """Bins; a value on an edge is the next bin's here and the last one's there."""
    assert (np.asarray(mine) == np.asarray(theirs)).mean() > 0.999


def bins(strategy):
    return lambda: KBinsDiscretizer(
        5, encode="ordinal", strategy=strategy, subsample=None, quantile_method="linear"
    )


PAIRS = [
    ("YeoJohnson", lambda: PowerTransformer(standardize=False), YeoJohnsonTransformer, near),
    ("BoxCox", lambda: PowerTransformer("box-cox", standardize=False), BoxCoxTransformer, near),
    ("KBins uniform", bins("uniform"), lambda: EqualWidthDiscretiser(bins=5), nearly_all),
    ("KBins quantile", bins("quantile"), lambda: EqualFrequencyDiscretiser(q=5), nearly_all),
]

CASES = [
    Case(f"feature-engine: {row} {size} x 10 frame", pair(mine, theirs, rows), same)
    for row, mine, theirs, same in PAIRS
    for size, rows in (("1000", 1_000), ("200k", 200_000))
]
