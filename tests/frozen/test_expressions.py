"""Expressions frozen: the bits of ExpressionTransformer, which the same code computes."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ferroflow
from ferroflow.impute import SimpleImputer
from ferroflow.linear_model import GradientDescentClassifier
from ferroflow.preprocessing import ExpressionTransformer, OneHotEncoder, StandardScaler

N = 300


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "weight": rng.normal(70, 15, N),
            "height": rng.normal(1.7, 0.1, N),
            "age": rng.integers(1, 90, N),
            "own": rng.integers(0, 2, N).astype(bool),
            "city": rng.choice([" Bath", "YORK ", "Œly-on-Sea", "rye"], N),
            "address": [f"{rng.integers(1, 99)} Elm St, {rng.integers(10_000, 99_999)}" for _ in range(N)],
            "date": [
                f"20{rng.integers(10, 30)}-{rng.integers(1, 14):02}-{rng.integers(1, 31):02}"
                for _ in range(N)
            ],
        }
    )
    frame.loc[::7, "weight"] = np.nan
    for name, step in (("city", 11), ("address", 5), ("date", 13)):
        frame[name] = frame[name].astype(object)
        frame.loc[::step, name] = None
    frame.loc[3, ["weight", "height"]] = [-0.0, 5e-324]
    return frame


EXPRESSIONS = {
    "bmi": "weight / height ** 2 if height > 1 else weight % 7 // 2",
    "adult": "age >= 18 and not own or is_missing(weight)",
    "curve": "log1p(age) * sin(age / 7) - exp(-height) + round(weight, 2)",
    "city": "upper(strip(city))",
    "zip": "extract(address, '([0-9]{2})[0-9]{3}', 1)",
    "month": "month(date)",
    "days": "days(coalesce(date, '2020-01-01')) - length(city)",
    "word": "concat(part(city, '-', 0), slice(address, 0, 2))",
}


def pipeline():
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    return make_pipeline(
        ExpressionTransformer(EXPRESSIONS, keep=["age", "own"]),
        ColumnTransformer(
            [
                ("t", texts, ["city", "zip", "word"]),
                ("n", numbers, ["age", "bmi", "adult", "curve", "month", "days"]),
            ],
            sparse_threshold=0,
        ),
    )


@pytest.mark.filterwarnings("ignore")
def test_pipelines_have_the_same_bits():
    X = table()
    whole = make_pipeline(pipeline(), GradientDescentClassifier(random_state=0, max_iter=20))
    whole.fit(X, X["age"] > 40)
    model = ferroflow.freeze(whole, X)
    assert model.provenance["replay"] == "exact"
    fresh = table(1)
    fresh["city"] = fresh["city"].map({" Bath": "never seen ß", "rye": ""}.get)
    expected = whole.predict_proba(fresh)
    assert_array_equal(model.predict_proba(fresh), expected)
    rows = fresh.astype(object).where(fresh.notna(), None).to_dict(orient="records")
    assert_array_equal(model.predict_proba(rows), expected)
    for i in (0, 1, 3, 7, 299):
        assert_array_equal(model.predict_proba(rows[i]), expected[i])
        assert_array_equal(model.predict_proba(fresh[i : i + 1]), expected[i : i + 1])
    again = type(model)(model.to_bytes())
    assert_array_equal(again.predict_proba(fresh), expected)


def test_numbers_and_missing_ones_come_out_as_they_are():
    X = table()
    step = ExpressionTransformer(
        {name: text for name, text in EXPRESSIONS.items() if name not in ("city", "zip", "word")}
    )
    model = ferroflow.freeze(step.fit(X), X)
    assert model.outputs == ["bmi", "adult", "curve", "month", "days"]
    assert_array_equal(model.transform(X), step.transform(X).to_numpy())
    assert_array_equal(model.transform(X[:1]), step.transform(X)[:1].to_numpy())
    assert all(column["nullable"] for column in model.schema["columns"])


def test_texts_at_the_end_are_refused():
    X = table()
    with pytest.raises(TypeError, match="the pipeline gives texts"):
        ferroflow.freeze(ExpressionTransformer({"t": "lower(city)"}).fit(X), X)


def test_texts_made_too_long_go_missing_and_many_rows_stay_small():
    X = pd.DataFrame({"t": ["ab" * 2_000] * 3_000 + ["b"] * 5}, dtype=object)
    step = ExpressionTransformer(
        {"n": "length(replace(t, 'a', 'aaaaaaaaaa'))", "l": "length(concat(t, t, t))"}
    )
    out = step.fit_transform(X)
    assert out["n"].tolist() == [22_000.0] * 3_000 + [1.0] * 5
    more = ExpressionTransformer({"n": "length(replace(replace(t, 'a', 'aaaaaaaaaa'), 'a', 'aaaaaaaaaa'))"})
    assert more.fit_transform(X)["n"].tolist() == [None] * 3_000 + [1.0] * 5 or np.isnan(
        more.fit_transform(X)["n"][0]
    )
    # So much text that a block goes row by row.
    grown = ExpressionTransformer({"t": "replace(t, 'a', 'aaaaaaaaaa')"})
    encoded = make_pipeline(grown, ExpressionTransformer({"n": "length(t)"})).fit(X)
    model = ferroflow.freeze(encoded, X)
    assert_array_equal(model.transform(X)[:, 0], out["n"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "func", [np.log1p, np.log, np.exp, np.expm1, np.log2, np.log10, np.sin, np.cos, np.tan, np.sign, np.sqrt]
)
def test_functions_of_numpy(func, dtype):
    X = np.abs(np.random.default_rng(0).normal(1, 3, (400, 3))).astype(dtype)
    step = FunctionTransformer(func)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ferroflow.freeze(step.fit(X), X)
    expected = step.transform(X)
    found = model.transform(X)
    assert found.dtype == expected.dtype
    assert_allclose(found, expected, rtol=1e-13 if dtype == np.float64 else 1e-5)
