"""What tests of splitters share: calls made with both modules, and labels of every kind."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import model_selection as theirs

import ferroflow.model_selection as ours

SEEDS = ["none", 0, 2**32 - 1, np.int64(7), True, "instance", "global"]


def outcome(call):
    """(what it returned, the warnings), or (the error, the warnings)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            result = (type(error), str(error))
    return result, [(w.category, str(w.message)) for w in caught]


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        assert a.flags.c_contiguous == b.flags.c_contiguous
        assert a.flags.f_contiguous == b.flags.f_contiguous
        assert a.flags.writeable
        assert_array_equal(a, b)
    elif sparse.issparse(a):
        assert a.format == b.format
        assert (a != b).nnz == 0
    elif isinstance(a, pd.DataFrame | pd.Series | pl.DataFrame | pl.Series):
        assert a.equals(b)
    else:
        assert a == b


def assert_same_outcome(call, seed=None):
    """``call(module, random_state)`` gives the same with both modules, and leaves the random states alike."""
    results, states = [], []
    for module in (ours, theirs):
        rng = np.random.RandomState(5)
        rng.standard_normal(3)  # half way through the words, with a normal number cached
        np.random.seed(3)  # noqa: NPY002  (the stream that None stands for)
        state = {"instance": rng, "none": None, "global": np.random}.get(seed, seed)
        results.append(outcome(lambda module=module, state=state: call(module, state)))
        states.append((rng.get_state()[1:], np.random.get_state()[1:]))  # noqa: NPY002
    assert_same(*results)
    for a, b in zip(*states, strict=True):
        assert_array_equal(a[0], b[0])
        assert a[1:] == b[1:]
    return results[0]


def labels(n, seed=0):
    rng = np.random.RandomState(seed)
    few = rng.randint(0, 3, n)
    letters = np.array(["é", "z", "ab", "a"])
    return {
        "int64": few - 1,
        "sparse int64": few * 10**15,
        "many": rng.randint(0, max(1, n // 3), n),
        "uint64": few.astype(np.uint64) + 2**63,
        "int8": few.astype(np.int8),
        "strided": np.repeat(few, 2)[::2],
        "big endian": few.astype(">i4"),
        "bool": few > 0,
        "float": few - 1.0,
        "float32": few.astype(np.float32),
        "float16": few.astype(np.float16),
        "fractions": few / 4,
        "nan": np.where(few == 1, np.nan, few),
        "infinity": np.where(few == 1, np.inf, few),
        "str": letters[few],
        "object": letters.astype(object)[few],
        "object, distinct": np.array([str(x) + "x" for x in few], object),
        "object with numbers": np.where(few == 1, few.astype(object), "a"),
        "object with None": np.where(few == 1, None, "a"),
        "object with NaN": np.where(few == 1, np.nan, np.array("a", object)),
        "bytes": np.array([b"a", b"b", b"c"])[few],
        "datetime": few.astype("M8[D]"),
        "complex": few * 1j,
        "column": few[:, None],
        "two columns": np.c_[few, few[::-1]],
        "list": few.tolist(),
        "list of str": letters[few].tolist(),
        "series": pd.Series(few, index=np.arange(n) * 2),
        "str series": pd.Series(letters[few]),
        "category": pd.Series(letters[few]).astype("category"),
        "polars": pl.Series(letters[few].tolist()),
        "one class": np.zeros(n, int),
        "short": few[:-1],
    }
