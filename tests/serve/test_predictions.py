"""What the server predicts is what FrozenModel predicts, to the last bit."""

import json
import urllib.request
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import ferroflow

from .conftest import start


def rows_of(table):
    """Rows as JSON objects: repr's digits read back to the same bits, NaN is null."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]


def test_rows_give_the_models_bits(server, model, table):
    status, answer = server.predict({"rows": rows_of(table)})
    assert status == 200
    assert answer["predictions"] == model.predict(table).tolist()
    assert answer["probabilities"] == model.predict_proba(table).tolist()
    assert (answer["model"], answer["version"]) == ("titanic", "3")
    assert list(answer) == ["model", "version", "ids", "predictions", "probabilities"]


def test_columns_give_the_same(server, model, table):
    rows = rows_of(table)
    columns = {name: [row[name] for row in rows] for name in reversed(table.columns)}
    status, answer = server.predict({"columns": columns})
    assert status == 200
    assert answer["probabilities"] == model.predict_proba(rows).tolist()


def test_one_row_is_a_request_of_one(server, row):
    one, other = server.predict({"row": row})[1], server.predict({"rows": [row]})[1]
    assert {**one, "ids": 0} == {**other, "ids": 0} and len(one["ids"]) == 1


def test_the_order_of_keys_does_not_matter(server, row):
    shuffled = dict(sorted(row.items(), reverse=True))
    _, one = server.predict({"rows": [row]})
    _, other = server.predict({"rows": [shuffled]})
    assert one["probabilities"] == other["probabilities"]


def test_ids_are_never_given_twice(server, row):
    answers = [server.predict({"rows": [row] * n})[1]["ids"] for n in (1, 3, 200, 1)]
    assert [len(ids) for ids in answers] == [1, 3, 200, 1]
    assert len({i for ids in answers for i in ids}) == 205


def test_missing_and_unknown_values_as_in_python(server, model, row):
    rows = [row | {"age": None}, row | {"sex": "unheard of"}, row | {"alone": 1}, row | {"siblings": 2.5}]
    status, answer = server.predict({"rows": rows})
    assert status == 200
    assert answer["probabilities"] == model.predict_proba(rows).tolist()


@pytest.mark.parametrize(
    "number",
    ["5e-324", "1e-400", "-0.0", "-0", "0.1", "12345678901234567891", "123456789012345678901234567890"]
    + ["2.2250738585072011e-308", "9007199254740993", "0.30000000000000004"],
)
def test_hard_numbers_are_read_as_python_reads_them(server, model, row, number):
    body = json.dumps({"rows": [row | {"fare": "HERE"}]}).replace('"HERE"', number).encode()
    status, answer = server.predict(body)
    assert status == 200
    assert answer["probabilities"] == model.predict_proba(json.loads(body)["rows"]).tolist()


def test_a_large_request(server, model, table):
    rows = rows_of(table) * 100
    status, answer = server.predict({"rows": rows})
    assert status == 200
    assert answer["probabilities"] == model.predict_proba(table).tolist() * 100


def models():
    random = np.random.default_rng(2)
    X = random.normal(size=(120, 3))
    three = np.digitize(X[:, 0], [-0.5, 0.5])
    yield "ints", X, three, LogisticRegression()
    yield "floats", X, three * 2.0, LogisticRegression()
    yield "truths", X, X[:, 0] > 0, LogisticRegression()
    yield "hinge", X, three, LinearSVC()
    yield "single", X.astype(np.float32), three, LogisticRegression()
    yield "number", X, X @ [1.0, 2.0, 3.0], Ridge()
    yield "numbers", X, X[:, :2] * 2, LinearRegression()
    yield "transformer", X, None, None


def infer(server, name, X):
    """Ask by the Open Inference Protocol, all columns in one tensor."""
    data = [[None if v != v else v for v in row] for row in X.astype(float).tolist()]
    body = {"inputs": [{"name": "any", "datatype": "FP64", "shape": list(X.shape), "data": data}]}
    headers = {"content-type": "application/json"}
    status, _, answer = server.ask("POST", f"/v2/models/{name}/infer", json.dumps(body), headers)
    assert status == 200, answer
    return answer


@pytest.mark.parametrize(("X", "y", "last"), [m[1:] for m in models()], ids=[m[0] for m in models()])
def test_every_kind_of_model(X, y, last, tmp_path):
    pipeline = make_pipeline(StandardScaler(), *([last] if last else [])).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = ferroflow.freeze(pipeline, X, y)
    model.save(tmp_path / "m.ff")
    if not last:
        X[0, 0] = np.nan  # scikit-learn's scaler lets it pass, so does ours: null on both ways
    frame = pd.DataFrame(X.astype(np.float64), columns=["x0", "x1", "x2"])
    server = start(tmp_path / "m.ff")
    try:
        status, answer = server.predict({"rows": rows_of(frame)})
        open_protocol = infer(server, "model", X)
        schema = server.ask("GET", "/schema")[2]
        openapi = server.ask("GET", "/openapi.json")[2]
    finally:
        server.process.terminate()
        assert server.process.wait(20) == 0
    assert status == 200
    expected = (model.predict if last else model.transform)(X)
    expected = expected.astype(object)
    expected[expected != expected] = None
    assert answer["predictions"] == expected.tolist()
    assert json.dumps(answer["predictions"][1]) == json.dumps(
        expected[1].tolist() if expected.ndim > 1 else expected[1]
    )
    assert ("probabilities" in answer) == (model.task == "classifier" and hasattr(pipeline, "predict_proba"))
    outputs = {o["name"]: o["data"] for o in open_protocol["outputs"]}
    assert np.asarray(outputs["predict"]).tolist() == np.asarray(answer["predictions"]).ravel().tolist()
    assert np.asarray(outputs.get("probabilities", [])).tolist() == [
        p for row in answer.get("probabilities", []) for p in row
    ]
    assert schema["probabilities"] == ("probabilities" in answer)
    if "probabilities" in answer:
        assert answer["probabilities"] == model.predict_proba(X).tolist()
    assert schema["classes"] == model.classes_.tolist()
    assert schema["outputs"] == model.outputs
    required = openapi["components"]["schemas"]["Answer"]["required"]
    assert ("probabilities" in required) == schema["probabilities"]


def test_the_same_over_urllib(server, model, row):
    """The way of the README."""
    request = urllib.request.Request(
        f"http://{server.host}:{server.port}/predict",
        json.dumps({"rows": [row]}).encode(),
        {"content-type": "application/json"},
    )
    answer = json.load(urllib.request.urlopen(request))
    assert answer["probabilities"] == model.predict_proba([row]).tolist()
