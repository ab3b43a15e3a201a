"""Frames of numbers of several types, and of pandas' own, against scikit-learn, which makes an array of them first."""

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from sklearn import impute as their_imputers
from sklearn import preprocessing as theirs

import ferroflow
import ferroflow.preprocessing as ours
from ferroflow import impute as our_imputers

SCALERS = ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"]
STRATEGIES = ["mean", "median", "most_frequent", "constant"]


def pair(name):
    if name in SCALERS:
        return getattr(ours, name)(), getattr(theirs, name)()
    return our_imputers.SimpleImputer(strategy=name), their_imputers.SimpleImputer(strategy=name)


def numbers(rows=3000):
    # Numbers that sums do not round.
    return np.random.RandomState(0).randint(-100, 100, size=(rows, 4))


def frame(*types):
    X = numbers()
    return pd.DataFrame({f"c{j}": X[:, j].astype(dtype) for j, dtype in enumerate(types)})


def in_parts(X):
    cuts = [0, 1, 700, 700, 2999, len(X)]
    return pl.concat([X[a:b] for a, b in itertools.pairwise(cuts)], rechunk=False)


def with_missing(types, dtype):
    X = frame(*types).astype(dtype)
    return X.mask(np.random.RandomState(1).rand(*X.shape) < 0.2)


FRAMES = {
    "int and float": lambda: frame("i8", "f8", "i8", "f8"),
    "ints": lambda: frame("i8", "i4", "i2", "u1"),
    "int64": lambda: frame("i8", "i8", "i8", "i8"),
    "uint64": lambda: frame("u8", "u8", "u8", "u8"),  # of which some lie beyond int64
    "unsigned": lambda: frame("u8", "i8", "u4", "f8"),
    "small ints and float32": lambda: frame("i1", "f4", "i2", "f4"),
    "int32 and float32": lambda: frame("i4", "f4", "i4", "f4"),
    "both floats": lambda: frame("f4", "f8", "f4", "f8"),
    "float16": lambda: frame("f2", "f8", "f4", "f8"),
    "bool and float": lambda: frame("?", "f8", "f4", "f8"),
    "bool and float32": lambda: frame("?", "f4", "f4", "f4"),
    "bools": lambda: frame("?", "?", "?", "?"),
    "NaN and ints": lambda: (
        frame("i8", "f8", "f4", "i2").mask(lambda X: X == 3).astype({"c0": "f8", "c3": "f4"})
    ),
    "Float64": lambda: with_missing(["f8"] * 4, "Float64"),
    "Float32": lambda: with_missing(["f4"] * 4, "Float32"),
    "Int64 with missing": lambda: with_missing(["i8"] * 4, "Int64"),
    "boolean with missing": lambda: with_missing(["?"] * 4, "boolean"),
    "Float64 and int64": lambda: with_missing(["f8"] * 4, "Float64").assign(c1=7, c2=np.arange(3000.0)),
    "rows of an int array": lambda: pd.DataFrame(numbers()),
    "one row": lambda: frame("i8", "f8", "i8", "f8").iloc[:1],
    "a column twice": lambda: frame("i8", "f8", "i8", "f8").set_axis(list("abba"), axis=1),
    "names of methods": lambda: frame("i8", "f8", "i8", "f8").set_axis(
        ["column_names", "to_series", "iloc", "dtype"], axis=1
    ),
    "text": lambda: frame("i8", "f8", "i8", "f8").assign(c1="a"),
    "double[pyarrow]": lambda: with_missing(["f8"] * 4, "double[pyarrow]"),
    "int16[pyarrow] and double": lambda: with_missing(["f8"] * 4, "double[pyarrow]").assign(
        c1=pd.array(numbers()[:, 0], dtype="int16[pyarrow]")
    ),
    "string[pyarrow]": lambda: with_missing(["f8"] * 4, "double[pyarrow]").assign(
        c1=pd.array(["a"] * 3000, dtype="string[pyarrow]")
    ),
    "a table": lambda: pa.table(dict(zip("abcd", numbers().T.astype("f8"), strict=True))),
    "a table of several types": lambda: pa.table({"a": numbers()[:, 0], "b": numbers()[:, 1].astype("f4")}),
    "a table in parts": lambda: pa.concat_tables([pa.table({"a": [1, 2], "b": [1.5, 2]})] * 2),
    "a table in parts with nulls": lambda: pa.concat_tables(
        [pa.table({"a": [1.0, None, 2.0], "b": [1.5, 2, None]}), pa.table({"a": [2.0], "b": [2.0]})] * 2
    ),
    "polars in parts": lambda: in_parts(pl.DataFrame(frame("i8", "f8", "i2", "f4"))),
    "polars nulls in parts": lambda: in_parts(
        pl.DataFrame(frame("f8", "f8", "f8", "f8")).with_columns(
            pl.when(pl.all() > 50).then(None).otherwise(pl.all()).name.keep()
        )
    ),
    "one polars column in parts": lambda: in_parts(pl.DataFrame(frame("f8"))),
    "one polars column with nulls": lambda: pl.DataFrame({"a": [1.0, None, 3.0, 3.0]}),
    "polars int64": lambda: pl.DataFrame(frame("i8", "i8", "i8", "i8")),
    "polars int64 with nulls": lambda: pl.DataFrame({"a": [1, None, 3, 3], "b": [4, 4, None, 1]}),
    "double[pyarrow] in parts": lambda: pd.concat([with_missing(["f8"] * 4, "double[pyarrow]")] * 3),
    "polars int and float": lambda: pl.DataFrame(frame("i8", "f8", "i8", "f8")),
    "polars float32": lambda: pl.DataFrame(frame("f4", "f4", "f4", "f4")),
    "polars nulls": lambda: pl.DataFrame(frame("i8", "f8", "f4", "i2")).with_columns(
        pl.when(pl.all() > 50).then(None).otherwise(pl.all()).name.keep()
    ),
    "polars bool": lambda: pl.DataFrame(frame("?", "f8", "f4", "f8")),
}


def done(call):
    try:
        return call(), None
    except Exception as error:
        return None, error


def assert_same(mine, other):
    (a, failed), (b, expected) = mine, other
    assert type(failed) is type(expected), (failed, expected)
    if expected is not None:
        assert str(failed) == str(expected)
        return
    assert a.dtype == b.dtype
    if a.dtype == object:
        assert [[str(v) for v in row] for row in a.tolist()] == [[str(v) for v in row] for row in b.tolist()]
    else:
        # The variance, and what it divides; scikit-learn before 1.8 adds float32 up in single precision.
        rtol = 1e-12 if a.dtype == np.float64 else 1e-5
        assert_allclose(a, b, rtol=rtol, atol=rtol)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("name", SCALERS + STRATEGIES)
def test_values_types_and_errors(name, kind):
    X = FRAMES[kind]()
    mine, other = pair(name)
    assert_same(done(lambda: mine.fit_transform(X)), done(lambda: other.fit_transform(X)))
    mine, other = pair(name)
    (_, failed), (_, expected) = done(lambda: mine.fit(X)), done(lambda: other.fit(X))
    assert type(failed) is type(expected)
    if expected is None:
        assert_same(done(lambda: mine.transform(X)), done(lambda: other.transform(X)))
        assert vars(mine).get("n_features_in_") == other.n_features_in_
        names = getattr(other, "feature_names_in_", None)
        assert names is None or mine.feature_names_in_.tolist() == names.tolist()
        if name in SCALERS[:3]:
            assert_same(
                done(lambda: mine.partial_fit(X).transform(X)),
                done(lambda: other.partial_fit(X).transform(X)),
            )


@pytest.mark.parametrize("name", [*SCALERS, "mean", "median"])
@pytest.mark.parametrize(
    "kind",
    [
        "int and float",
        "ints",
        "both floats",
        "bool and float",
        "Float64",
        "Int64 with missing",
        "double[pyarrow]",
        "a table",
        "polars nulls",
        "polars nulls in parts",
        "a table in parts with nulls",
        "double[pyarrow] in parts",
    ],
)
def test_the_core_reads_them(name, kind):
    X, (mine, _) = FRAMES[kind](), pair(name)
    with ferroflow.config(strict=True):
        mine.fit_transform(X)
        mine.transform(X)


@pytest.mark.parametrize("name", [*SCALERS, "mean", "median"])
def test_infinities_are_refused(name):
    X = frame("i8", "f8", "i8", "f4")
    X.loc[5, "c3"] = np.inf
    for estimator in pair(name):
        with pytest.raises(ValueError, match="Input X contains infinity"):
            estimator.fit(X)


def test_columns_are_not_copied_together():
    # What a wrong place of a marked value would show.
    X = with_missing(["f8"] * 4, "Float64").assign(c1=np.arange(3000))
    found = our_imputers.SimpleImputer(strategy="median").fit(X)
    assert_allclose(found.statistics_, X.astype("float64").median().to_numpy())
