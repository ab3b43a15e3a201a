import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.pipeline import make_pipeline as theirs

from ferroflow.pipeline import DropDuplicates, DropMissing, OutlierRemover, make_pipeline

NAN = np.nan
TABLE = np.array([[1.0, 2, 3], [1, NAN, 3], [NAN, NAN, NAN], [1, 2, 3], [4, 5, 6]])


def frames(table):
    names = [f"c{j}" for j in range(table.shape[1])]
    frame = pd.DataFrame(table, columns=names, index=np.arange(len(table)) + 10)
    return {"array": table, "pandas": frame, "polars": pl.DataFrame(table, schema=names, nan_to_null=True)}


def kept(step, X, y=None):
    return step.fit_resample(X, y)[0], step.sample_indices_.tolist()


@pytest.mark.parametrize("container", ["array", "pandas", "polars"])
@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [0, 3, 4]),
        ({"how": "all"}, [0, 1, 3, 4]),
        ({"thresh": 2}, [0, 1, 3, 4]),
        ({"thresh": 0}, [0, 1, 2, 3, 4]),
        ({"subset": [0]}, [0, 1, 3, 4]),
        ({"subset": [-1]}, [0, 1, 3, 4]),
    ],
)
def test_missing_rows(container, options, rows):
    X = frames(TABLE)[container]
    out, found = kept(DropMissing(**options), X)
    assert found == rows
    assert type(out) is type(X)
    assert_array_equal(np.asarray(out, dtype=float), TABLE[rows])
    if container == "pandas":
        assert out.index.tolist() == [10 + i for i in rows]
        by_name = DropMissing(subset=["c1"]).fit(X)
        assert by_name.sample_indices_.tolist() == [0, 3, 4]
        assert by_name.feature_names_in_.tolist() == ["c0", "c1", "c2"]


@pytest.mark.parametrize("container", ["array", "pandas", "polars"])
def test_missing_columns(container):
    table = np.column_stack([TABLE[[0, 3, 4]], [1, NAN, 2], [NAN] * 3])
    X = frames(table)[container]
    for options, columns in (
        ({}, [0, 1, 2]),
        ({"how": "all"}, [0, 1, 2, 3]),
        ({"thresh": 3}, [0, 1, 2]),
        ({"subset": [0, 4]}, [0, 1, 2, 3]),
    ):
        step = DropMissing(axis="columns", **options)
        out = step.fit_transform(X)
        assert type(out) is type(X)
        assert step.features_.tolist() == columns
        assert_array_equal(np.asarray(out, dtype=float), table[:, columns])
        assert_array_equal(np.asarray(step.transform(X), dtype=float), table[:, columns])
        if container != "array":
            assert step.get_feature_names_out().tolist() == [f"c{j}" for j in columns]
    framed = DropMissing(axis="columns").set_output(transform="pandas").fit_transform(frames(table)["pandas"])
    assert list(framed.columns) == ["c0", "c1", "c2"]


def test_every_mark_of_what_is_missing():
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None, 3, 4], dtype="Int64"),
            "b": ["x", "y", None, "z"],
            "c": pd.to_datetime(["2020", "2021", "2022", None]),
        }
    )
    assert kept(DropMissing(), frame)[1] == [0]
    objects = np.array([["a", None], ["b", "c"], [NAN, "d"]], dtype=object)
    assert kept(DropMissing(), objects)[1] == [1]
    assert kept(DropMissing(missing_values=None), objects)[1] == [1]
    assert kept(DropMissing(missing_values=-1), np.array([[1, -1], [2, 3]]))[1] == [1]
    assert kept(DropMissing(), sparse.csr_matrix(np.array([[0, NAN], [0, 1.0]])))[1] == [1]
    assert kept(DropMissing(), [[1.0, NAN], [1.0, 2.0]])[1] == [1]


@pytest.mark.parametrize("container", ["array", "pandas", "polars"])
def test_duplicates(container):
    X = frames(np.vstack([TABLE, TABLE[1:3]]))[container]
    y = [0, 0, 0, 1, 0, 0, 0]
    assert kept(DropDuplicates(), X)[1] == [0, 1, 2, 4]
    assert kept(DropDuplicates(), X, y)[1] == [0, 1, 2, 3, 4]
    assert kept(DropDuplicates(with_target=False), X, y)[1] == [0, 1, 2, 4]
    assert kept(DropDuplicates(keep="last"), X)[1] == [3, 4, 5, 6]
    assert kept(DropDuplicates(keep=False), X)[1] == [4]
    assert kept(DropDuplicates(subset=[0]), X)[1] == [0, 2, 4]
    with pytest.raises(ValueError, match="keep must be"):
        DropDuplicates(keep=True).fit(X)


def test_duplicates_of_sparse_rows_and_texts():
    X = sparse.csr_matrix(np.array([[0, 1.0], [2, 0], [0, 1], [0, 0], [0, 0]]))
    X.data[0] = 1
    out, found = kept(DropDuplicates(), X)
    assert found == [0, 1, 3]
    assert out.shape == (3, 2)
    assert kept(DropDuplicates(), np.array([["a", None], ["a", None], ["b", "c"]], dtype=object))[1] == [0, 2]


@pytest.mark.parametrize("container", ["array", "pandas", "polars"])
@pytest.mark.parametrize("method", ["iqr", "zscore", "mad", "isolation_forest"])
def test_outliers(container, method):
    rng = np.random.RandomState(0)
    table = rng.randn(300, 3)
    table[7, 1] = 60
    table[9, 2] = -70
    X = frames(table)[container]
    step = OutlierRemover(
        method=method, random_state=0, threshold=None if method == "isolation_forest" else 6
    )
    out, found = kept(step, X)
    assert type(out) is type(X)
    assert not {7, 9} & set(found)
    if method != "isolation_forest":
        assert len(found) == 298
        middle = {
            "iqr": np.quantile(table, 0.75, axis=0),
            "zscore": table.mean(axis=0),
            "mad": np.median(table, axis=0),
        }
        spread = {
            "iqr": np.subtract(*np.quantile(table, [0.75, 0.25], axis=0)),
            "zscore": table.std(axis=0),
            "mad": 1.4826 * np.median(np.abs(table - np.median(table, axis=0)), axis=0),
        }
        np.testing.assert_allclose(step.upper_, middle[method] + 6 * spread[method])


def test_missing_values_constants_and_texts_are_no_outliers():
    X = np.column_stack([[1.0, 1, 1, 1, 9], [1, NAN, 2, 3, 2], [NAN] * 5])
    for method in ("iqr", "zscore", "mad"):
        step = OutlierRemover(method=method, threshold=1.9)
        assert kept(step, X[:, [0, 2]])[1] == ([0, 1, 2, 3] if method == "zscore" else [0, 1, 2, 3, 4])
        assert kept(step, X[:, 1:])[1] == [0, 1, 2, 3, 4]
    frame = pd.DataFrame(
        {"a": [1.0, 2, 3, 2, 99], "b": list("vwxyz"), "c": [True, False, False, False, False]}
    )
    assert kept(OutlierRemover(), frame)[1] == [0, 1, 2, 3]
    assert kept(OutlierRemover(subset=["a"]), frame)[1] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="no column of numbers"):
        OutlierRemover().fit(frame[["b"]])


def test_targets_keep_their_container():
    X = frames(TABLE)["pandas"]
    y = pd.Series(list("abcde"), index=X.index)
    assert DropMissing().fit_resample(X, y)[1].tolist() == ["a", "d", "e"]
    assert DropMissing().fit_resample(X, list("abcde"))[1] == ["a", "d", "e"]
    assert DropMissing().fit_resample(X)[1] is None


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="DropMissing leaves none of the 2 rows"):
        DropMissing().fit([[NAN, 1.0], [1.0, NAN]])
    with pytest.raises(ValueError, match="subset has a column 'x'"):
        DropMissing(subset=["x"]).fit(frames(TABLE)["pandas"])
    with pytest.raises(ValueError, match="subset has column 3"):
        DropDuplicates(subset=[3]).fit(TABLE)
    with pytest.raises(ValueError, match="axis"):
        DropMissing(axis=1).fit(TABLE)


def test_no_pipeline_takes_them_and_does_nothing():
    assert not hasattr(DropMissing(), "transform")
    assert not hasattr(DropMissing(axis="columns"), "fit_resample")
    with pytest.raises(TypeError, match="transform"):
        theirs(DropMissing(), "passthrough").fit(TABLE)
    make_pipeline(DropMissing(axis="columns", thresh=1), DropMissing()).fit(TABLE)
