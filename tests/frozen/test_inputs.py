"""What goes in is checked cell by cell, and an error names row and column."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OrdinalEncoder

import ferroflow
from ferroflow.impute import SimpleImputer
from ferroflow.preprocessing import StandardScaler


@pytest.fixture(scope="module")
def model():
    X = pd.DataFrame(
        {"a": [1.0, 2.0, np.nan], "n": [1, 2, 3], "flag": [True, False, True], "town": ["x", "y", "x"]}
    )
    step = make_column_transformer(
        (SimpleImputer(), ["a"]),
        ("passthrough", ["n", "flag"]),
        (OrdinalEncoder(), ["town"]),
        sparse_threshold=0,
    )
    return ferroflow.freeze(step.fit(X), X)


GOOD = {"a": 1.5, "n": 2, "flag": True, "town": "y"}


def test_one_row(model):
    np.testing.assert_array_equal(model.transform(GOOD), [1.5, 2, 1, 1])
    np.testing.assert_array_equal(model.transform([GOOD, GOOD]), [[1.5, 2, 1, 1]] * 2)
    assert model.transform([]).shape == (0, 4)
    assert model.transform(pd.DataFrame({k: [] for k in GOOD})).shape == (0, 4)


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA, np.float32("nan")])
def test_missing_values_by_any_name(model, missing):
    np.testing.assert_array_equal(model.transform({**GOOD, "a": missing}), [1.5, 2, 1, 1])


@pytest.mark.parametrize(
    "number",
    [1, 1.0, np.float64(1), np.float32(1), np.int8(1), np.uint64(1), decimal.Decimal(1), np.array(1.0)],
)
def test_numbers_by_any_type(model, number):
    assert model.transform({**GOOD, "a": number})[0] == 1.0


@pytest.mark.parametrize("truth", [True, np.True_, 1, 1.0])
def test_truths_by_any_type(model, truth):
    assert model.transform({**GOOD, "flag": truth})[2] == 1.0


BAD = [
    ({"a": "x"}, "row 0, column 'a': a number is needed, found the text 'x'"),
    ({"a": "x" * 100}, "row 0, column 'a': a number is needed, found the text '" + "x" * 40 + "'"),
    ({"a": True}, "row 0, column 'a': a number is needed, found true"),
    ({"a": float("inf")}, "row 0, column 'a': the number is infinite or too large"),
    ({"a": 10**400}, "row 0, column 'a': the number is infinite or too large"),
    ({"a": [1]}, "row 0, column 'a': a value of the type list is neither number nor text"),
    ({"a": datetime.date(2020, 1, 1)}, "row 0, column 'a': a value of the type date is neither"),
    ({"a": 1j}, "row 0, column 'a': a value of the type complex is neither"),
    ({"flag": 2}, "row 0, column 'flag': true or false is needed, found 2"),
    ({"flag": "yes"}, "row 0, column 'flag': true or false is needed, found the text 'yes'"),
    ({"town": 1}, "row 0, column 'town': a text is needed, found the number 1"),
    ({"town": None}, "row 0, column 'town': a value is needed here"),
    ({"town": "z"}, "row 0, column 'town': the category 'z' was not seen in training"),
    ({"town": "\ud800"}, "row 0, column 'town': the text is not valid Unicode"),
    ({"more": 1}, "row 0: the model has no column 'more'; leave it out"),
    ({1: 1}, "row 0: the model has no column '1'; leave it out"),
]


@pytest.mark.parametrize(("change", "told"), BAD, ids=lambda v: str(v)[:40])
def test_a_bad_cell_is_named(model, change, told):
    with pytest.raises(ValueError) as one:
        model.transform({**GOOD, **change})
    assert str(one.value).startswith(told)
    with pytest.raises(ValueError) as third:
        model.transform([GOOD, GOOD, {**GOOD, **change}])
    assert str(third.value).startswith(told.replace("row 0", "row 2"))


def test_missing_columns_are_named(model):
    with pytest.raises(ValueError, match="row 0: the column 'town' is missing; give None"):
        model.transform({k: v for k, v in GOOD.items() if k != "town"})
    with pytest.raises(ValueError, match="the column 'town' is missing"):
        model.transform(pd.DataFrame([GOOD]).drop(columns="town"))
    with pytest.raises(ValueError, match="no column 'more'; leave it out"):
        model.transform(pd.DataFrame([GOOD]).assign(more=1))
    with pytest.raises(ValueError, match="dates as numbers or texts"):
        model.transform(pd.DataFrame([GOOD]).assign(a=pd.Timestamp("2020-01-01")))
    with pytest.raises(ValueError, match="row 1, column 'a'"):
        model.transform(pd.DataFrame([GOOD, {**GOOD, "a": np.inf}]))
    with pytest.raises(TypeError, match="row 1 is no dict"):
        model._native.run_dicts([GOOD, 1], "output")


def test_arrays(model):
    X = np.random.default_rng(0).normal(size=(9, 3))
    scaler = StandardScaler().fit(X)
    frozen = ferroflow.freeze(scaler, X)
    expected = scaler.transform(X)
    for form in (X, np.asfortranarray(X), X.tolist(), X[::-1][::-1], X.astype(">f8"), np.ma.asarray(X)):
        np.testing.assert_array_equal(frozen.transform(form), expected)
    for i in range(len(X)):
        np.testing.assert_array_equal(frozen.transform(X[i : i + 1]), expected[i : i + 1])
    np.testing.assert_array_equal(frozen.transform(X[::2, :]), expected[::2])
    assert frozen.transform(X[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="the array has 2 columns, the model needs 3"):
        frozen.transform(X[:, :2])
    with pytest.raises(ValueError, match="two dimensions is needed, found 1"):
        frozen.transform(X[0])
    bad = X.copy()
    bad[4, 1] = np.inf
    with pytest.raises(ValueError, match="row 4, column 'x1': the number is infinite"):
        frozen.transform(bad)
    with pytest.raises(ValueError, match="row 0, column 'x1': the number is infinite"):
        frozen.transform(bad[4:5])


def test_many_rows_are_the_rows_one_by_one():
    X = np.random.default_rng(0).normal(size=(100_000, 3))
    scaler = StandardScaler().fit(X)
    frozen = ferroflow.freeze(scaler, X)
    np.testing.assert_array_equal(frozen.transform(X), scaler.transform(X))
    X[[90_000, 30_000, 70_000], 1] = np.inf
    with pytest.raises(ValueError, match="row 30000, column 'x1'"):
        frozen.transform(X)


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float16, np.int8, np.uint32, np.int64, bool, ">f4", np.longdouble]
)
def test_arrays_of_any_number_are_the_numbers(dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(40, 3))
    model = ferroflow.freeze(StandardScaler().fit(X * 1.0), X * 1.0)
    expected = model.transform(X * 1.0)
    for rows in (X.astype(dtype), np.asfortranarray(X.astype(dtype)), X.astype(dtype)[::-1][::-1]):
        np.testing.assert_array_equal(model.transform(rows), expected)
        np.testing.assert_array_equal(model.transform(rows[:1]), expected[:1])


def test_an_array_that_is_not_aligned_is_taken_all_the_same():
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = ferroflow.freeze(StandardScaler().fit(X), X)
    odd = np.frombuffer(b"." + X.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(X.shape)
    assert not odd.flags.aligned
    np.testing.assert_array_equal(model.transform(odd), model.transform(X))


def test_rows_as_lists_and_tuples_keep_numbers_and_texts_apart(model):
    expected = [[1.5, 2, 1, 1]]
    row = (1.5, 2, True, "y")
    np.testing.assert_array_equal(model.transform([row]), expected)
    np.testing.assert_array_equal(model.transform(([*row], [*row])), expected * 2)
    for bare in (row, list(row)):
        with pytest.raises(ValueError, match=r"one row is given in a list of rows, \[row\], or as a dict"):
            model.transform(bare)


def test_what_a_model_does_not_do_says_so(model):
    with pytest.raises(AttributeError, match="it has transform, not predict"):
        model.predict(GOOD)
    with pytest.raises(AttributeError, match="no probabilities"):
        model.predict_proba(GOOD)
    with pytest.raises(AttributeError, match="it has no decision_function"):
        model.decision_function(GOOD)
