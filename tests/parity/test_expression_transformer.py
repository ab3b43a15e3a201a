"""ExpressionTransformer against the same computation in plain Python, and its errors."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ferroflow.preprocessing import ExpressionTransformer

PEOPLE = pd.DataFrame(
    {
        "weight": [80.0, 61.5, np.nan, 99.0],
        "height": [2.0, 1.62, 1.8, 1.5],
        "age": [17, 18, 40, 70],
        "own": [True, False, True, True],
        "city": [" Bath", "YORK ", None, "Œly-on-Sea"],
        "address": ["12 Elm St, 90210 X", "no code", "10115 Berlin", None],
        "date": ["2024-02-29", "2023-12-31T23:59:30Z", "no date", "1969-07-20 20:17"],
        "since": ["2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01T12:00+02:00"],
        "a name": [1.0, 2.0, 3.0, 4.0],
    }
)
PEOPLE[["city", "address", "date", "since"]] = PEOPLE[["city", "address", "date", "since"]].astype(object)
NONE = float("nan")


NUMBERS = {
    "weight / height ** 2": [20.0, 61.5 / 1.62**2, NONE, 44.0],
    "-weight + 2 * (height - 1)": [-78.0, -61.5 + 2 * (1.62 - 1), NONE, -98.0],
    "age // 7 + age % 7 / 10": [2.3, 2.4, 5.5, 10.0],
    "-age // 7": [-3, -3, -6, -10],
    "-age % 7": [4, 3, 2, 0],
    "age >= 18": [0, 1, 1, 1],
    "18 <= age < 65": [0, 1, 1, 0],
    "age != 40": [1, 1, 0, 1],
    "age in (17, 70)": [1, 0, 0, 1],
    "age not in [17, 70]": [0, 1, 1, 0],
    "own and age > 17": [0, 0, 1, 1],
    "own or age > 17": [1, 1, 1, 1],
    "not own": [0, 1, 0, 0],
    "1 if age > 30 else weight": [80.0, 61.5, 1, 1],
    "weight if age > 30 else 5": [5, 5, NONE, 99.0],
    "1 if weight > 90 else 2": [2, 2, NONE, 1],
    "is_missing(weight)": [0, 0, 1, 0],
    "is_missing(city) + is_missing(address)": [0, 0, 1, 1],
    "coalesce(weight, height, 0)": [80.0, 61.5, 1.8, 99.0],
    "min(weight, age, 60)": [17, 18, NONE, 60],
    "max(height, 1.7)": [2.0, 1.7, 1.8, 1.7],
    "clip(age, 18, 65)": [18, 18, 40, 65],
    "abs(age - 40)": [23, 22, 0, 30],
    "sqrt(age - 18)": [NONE, 0.0, math.sqrt(22), math.sqrt(52)],
    "exp(height) + log(age)": [
        math.exp(h) + math.log(a) for h, a in zip([2, 1.62, 1.8, 1.5], [17, 18, 40, 70], strict=True)
    ],
    "log1p(age) - expm1(height)": [
        math.log1p(17) - math.expm1(2),
        math.log1p(18) - math.expm1(1.62),
        math.log1p(40) - math.expm1(1.8),
        math.log1p(70) - math.expm1(1.5),
    ],
    "log2(8) + log10(1000) + sign(-3)": [5.0] * 4,
    "sin(2 * pi * age / 7) ** 2 + cos(2 * pi * age / 7) ** 2": [1.0] * 4,
    "floor(height) + ceil(height)": [4.0, 3.0, 3.0, 3.0],
    "round(height)": [2.0, 2.0, 2.0, 2.0],
    "round(weight / height, 1)": [40.0, 38.0, NONE, 66.0],
    "length(city)": [5, 5, NONE, 10],
    "contains(city, 'a')": [1, 0, NONE, 1],
    "starts_with(address, '12')": [1, 0, 0, NONE],
    "ends_with(address, 'n')": [0, 0, 1, NONE],
    "city == 'YORK '": [0, 1, NONE, 0],
    "city != 'YORK '": [1, 0, NONE, 1],
    "city in ('YORK ', 'Rome')": [0, 1, NONE, 0],
    "'B' < strip(city) <= 'Y'": [1, 0, NONE, 0],
    "strip(city) > 'B' and strip(city) >= 'Bath'": [1, 1, NONE, 1],
    "matches(address, '[0-9]{5}')": [1, 0, 1, NONE],
    "number(extract(address, '([0-9])[0-9]{4}', 1))": [9, NONE, 1, NONE],
    "year(date)": [2024, 2023, NONE, 1969],
    "month(date) * 100 + day(date)": [229, 1231, NONE, 720],
    "weekday(date)": [3, 6, NONE, 6],
    "hour(date) + minute(date) / 100": [0, 23.59, NONE, 20.17],
    "days(date)": [19782, 19722 + (86400 - 30) / 86400, NONE, -165 + (20 * 60 + 17) / 1440],
    "date_diff(date, since)": [
        59,
        19722 + (86400 - 30) / 86400 - 19723,
        NONE,
        -165 + (20 * 60 + 17) / 1440 - 19723 - 10 / 24,
    ],
    "col('a name') * True": [1, 2, 3, 4],
    "+age": [17, 18, 40, 70],
}
TEXTS = {
    "lower(strip(city))": ["bath", "york", None, "œly-on-sea"],
    "upper(city)": [" BATH", "YORK ", None, "ŒLY-ON-SEA"],
    "slice(city, 0, 2)": [" B", "YO", None, "Œl"],
    "slice(city, -2, 99)": ["th", "K ", None, "ea"],
    "part(city, '-', 1)": [None, None, None, "on"],
    "part(city, '-', -1)": [" Bath", "YORK ", None, "Sea"],
    "replace(city, 'a', '4')": [" B4th", "YORK ", None, "Œly-on-Se4"],
    "concat(slice(date, 0, 4), '/', strip(city))": ["2024/Bath", "2023/YORK", None, "1969/Œly-on-Sea"],
    "extract(address, '[0-9]{5}')": ["90210", None, "10115", None],
    "coalesce(extract(address, '[0-9]{5}'), city, 'none')": ["90210", "YORK ", "10115", "Œly-on-Sea"],
    "'old' if age > 40 else 'young'": ["young", "young", "young", "old"],
    "city if age > 17 else 'child'": ["child", "YORK ", None, "Œly-on-Sea"],
}


@pytest.mark.parametrize("expression", NUMBERS)
def test_numbers(expression):
    step = ExpressionTransformer({"new": expression}).fit(PEOPLE)
    found = step.transform(PEOPLE)["new"].to_numpy()
    assert step.kinds_ == {"new": "number"}
    assert_allclose(found, np.array(NUMBERS[expression], dtype=float), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("expression", TEXTS)
def test_texts(expression):
    step = ExpressionTransformer({"new": expression}).fit(PEOPLE)
    assert step.kinds_ == {"new": "text"}
    found = step.transform(PEOPLE)["new"]
    assert [None if cell != cell else cell for cell in found.tolist()] == TEXTS[expression]


def test_what_is_kept_and_the_names():
    step = ExpressionTransformer(
        {"city": "lower(city)", "bmi": "weight / height ** 2"}, keep=["age", "city", "own"]
    )
    out = step.fit_transform(PEOPLE)
    assert out.columns.tolist() == step.get_feature_names_out().tolist() == ["age", "own", "city", "bmi"]
    assert out["age"].tolist() == PEOPLE["age"].tolist()
    whole = ExpressionTransformer({"n": "1"}, keep="all").fit_transform(PEOPLE)
    assert whole.columns.tolist() == [*PEOPLE.columns, "n"]
    assert_array_equal(whole.index, PEOPLE.index)


def test_containers_agree():
    table = PEOPLE[["weight", "age", "city", "date"]]
    step = ExpressionTransformer({"a": "weight + age", "b": "lower(city)", "m": "month(date)"}, keep=["age"])
    expected = step.fit_transform(table)
    other = clone(step).fit_transform(pl.from_pandas(table))
    assert isinstance(other, pl.DataFrame)
    assert other.columns == expected.columns.tolist()
    assert other["b"].to_list()[:2] == expected["b"].tolist()[:2]
    assert other["b"].to_list()[2] is None
    assert other["a"].is_null().sum() + other["a"].is_nan().sum() == 1
    texts = table.astype({"city": "category", "date": "string"})
    assert_array_equal(clone(step).fit_transform(texts)["b"].isna(), expected["b"].isna())
    array = ExpressionTransformer({"a": "x0 + x1", "b": "lower(x2)"}).fit_transform(
        table.to_numpy(dtype=object)
    )
    assert array.dtype == object
    assert array[0].tolist() == [97.0, " bath"]
    numbers = ExpressionTransformer({"a": "x0 + x1"}).fit_transform(table[["weight", "age"]].to_numpy())
    assert numbers.dtype == np.float64
    framed = clone(step).set_output(transform="pandas").fit_transform(table)
    assert framed.columns.tolist() == expected.columns.tolist()


@pytest.mark.parametrize("rows", [0, 1, 1023, 1025, 40_000])
def test_many_rows_give_what_one_row_gives(rows):
    rng = np.random.default_rng(rows)
    words = np.array([*TEXTS, "ß", "", " a ", None, "2024-02-29"], dtype=object)
    frame = pd.DataFrame(
        {"n": rng.normal(size=rows), "t": rng.choice(words, rows), "u": rng.choice(words, rows)}
    )
    frame.loc[::3, "n"] = np.nan
    kinds = pd.DataFrame({"n": [1.0], "t": ["a"], "u": ["b"]})
    step = ExpressionTransformer(
        {
            "square": "(n + 1) ** 2",
            "power": "(n + 1 + n + 2 + n + 3) ** 2",
            "same": "t == u",
            "join": "upper(concat(strip(t), '-', u))",
            "pick": "t if n > 0 else lower(u)",
            "year": "year(t)",
        },
        keep=["u"],
    ).fit(kinds)
    out = step.transform(frame)
    chosen = [
        *range(min(rows, 20)),
        *range(max(rows - 20, 0), rows),
        *range(min(rows, 1020), min(rows, 1030)),
    ]
    for i in chosen:
        one = step.transform(frame.iloc[[i]])
        for name in out:
            a, b = out[name].iloc[i], one[name].iloc[0]
            assert a == b or (a != a and b != b)
    texts = frame.astype({"t": "str", "u": "string"})
    for other in (texts, pl.from_pandas(texts), pa.Table.from_pandas(texts)):
        found = step.transform(other)
        assert type(found) is type(other)
        for name in out:
            column = pd.Series(np.asarray(found[name]))
            assert column.isna().tolist() == out[name].isna().tolist()
            assert column.dropna().tolist() == out[name].dropna().tolist()


def test_texts_in_pandas_are_its_own_strings():
    step = ExpressionTransformer({"a": "upper(city)"}).fit(PEOPLE)
    own = pd.DataFrame({"a": ["a", None]})["a"].dtype
    assert step.transform(PEOPLE)["a"].dtype == own
    assert step.transform(PEOPLE[PEOPLE["city"].isna()])["a"].isna().all()


def test_texts_too_long_for_a_block_are_made_row_by_row():
    frame = pd.DataFrame({"t": ["x" * 60_000, "y"] * 400})
    out = ExpressionTransformer({"a": "concat(t, 'z')"}).fit_transform(frame)["a"]
    assert out.str.len().tolist() == [60_001, 2] * 400
    assert (out.str[-1] == "z").all()


def test_halves_of_characters_are_refused():
    X = np.array([["a"], ["\ud800"]], dtype=object)
    with pytest.raises(ValueError, match="'x0' has a text that is not valid Unicode"):
        ExpressionTransformer({"a": "upper(x0)"}).fit_transform(X)


def test_in_a_pipeline_of_named_columns():
    new = ExpressionTransformer({"city": "lower(strip(city))", "bmi": "weight / height ** 2"})
    encode = ColumnTransformer([("t", OneHotEncoder(), ["city"])], remainder="passthrough")
    out = make_pipeline(new, encode).fit_transform(PEOPLE)
    assert out.shape == (4, 5)


WRONG = {
    "weigth / 2": r"expression 'new', character 1: there is no column 'weigth': weigth / 2",
    "1 + frob(age)": r"character 5: there is no function 'frob'; there are abs, ",
    "age +": r"expression 'new': invalid syntax",
    "age.real": r"character 1: Attribute is not part of expressions",
    "__import__('os')": r"there is no function '__import__'",
    "[x for x in age]": r"ListComp is not part of expressions",
    "lambda: 1": r"Lambda is not part of expressions",
    "age @ 2": r"MatMult is not part",
    "~age": r"~ is not part of expressions; use not",
    "age is 1": r"is is not part of expressions; use ==",
    "city + 'a'": r"texts are joined by concat",
    "age + city": r"character 7: a number is needed here, this is a text",
    "city == 1": r"a text is compared with a number",
    "'a' if age > 1 else 2": r"it gives a text if, and a number else",
    "lower(age)": r"character 7: lower needs a text here, this is a number",
    "log(age, 2)": r"log takes 1 arguments, 2 are given",
    "matches(city, '(')": r"the pattern '\(' cannot be used: .*unclosed group",
    "matches(city, '(?i)x')": r"the pattern .* cannot be used",
    "matches(city, 'a{999}{999}')": r"the pattern .* cannot be used",
    "matches(city, lower('a'))": r"a pattern is written out in quotes",
    "extract(city, 'a', 1)": r"has no group 1",
    "age in 3": r"in needs a list of values",
    "concat(city, age)": r"character 14: concat needs a text here",
    "1e999": r"the number is too large",
    "None": r"None is neither a number nor a text",
    "f'{age}'": r"JoinedStr is not part",
    "abs(x=age)": r"functions are called by name, with arguments in their order",
    "equal(age, 1)": r"there is no function 'equal'",
    "round(age, 99)": r"round takes 0 to 15 digits",
    "-" * 200 + "age": r"nested too deeply",
    "(" * 300 + "age" + ")" * 300: r"expression 'new'",
    "ä + age": r"there is no column 'ä'",
}


@pytest.mark.parametrize("expression", WRONG, ids=lambda text: text[:20])
def test_errors_name_the_expression_and_the_place(expression):
    with pytest.raises(ValueError, match=WRONG[expression]):
        ExpressionTransformer({"new": expression}).fit(PEOPLE)


def test_columns_that_do_not_fit():
    step = ExpressionTransformer({"a": "age * 2", "b": "lower(city)"}).fit(PEOPLE[["age", "city"]])
    with pytest.raises(TypeError, match="column 'city' holds numbers, and held texts"):
        step.transform(PEOPLE[["age", "city"]].assign(city=1.0))
    with pytest.raises(TypeError, match="column 'age' must have numbers"):
        step.transform(PEOPLE[["age", "city"]].assign(age="x"))
    with pytest.raises(TypeError, match=r"datetime64.*dates as ISO texts"):
        ExpressionTransformer({"a": "1"}).fit(pd.DataFrame({"d": pd.to_datetime(["2024-01-01"])}))
    with pytest.raises(TypeError, match="must be a dict of texts"):
        ExpressionTransformer({"a": abs}).fit(PEOPLE)
    with pytest.raises(ValueError, match="keep: there is no column 'x'"):
        ExpressionTransformer({"a": "1"}, keep=["x"]).fit(PEOPLE)
    missing = step.transform(pd.DataFrame({"age": [None], "city": [np.nan]}, dtype=object))
    assert missing.isna().all().all()
