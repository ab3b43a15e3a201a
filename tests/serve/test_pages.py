"""Health, schema, OpenAPI, the page, metrics."""

import re
import time

from jsonschema import Draft202012Validator

import ferroflow


def test_health(server, model):
    status, headers, first = server.ask("GET", "/health")
    assert status == 200 and headers["content-type"] == "application/json"
    assert {**first, "uptime_seconds": 0} == {
        "status": "ok",
        "model": "titanic",
        "version": "3",
        "sha256": model.sha256,
        "uptime_seconds": 0,
    }
    time.sleep(0.02)
    assert server.ask("GET", "/health")[2]["uptime_seconds"] > first["uptime_seconds"] > 0


def test_live_and_ready(server):
    for path, word in (("/health/live", "live"), ("/health/ready", "ready")):
        status, headers, answer = server.ask("GET", path)
        assert (status, answer, headers["cache-control"]) == (200, {"status": word}, "no-store")


def test_schema_is_the_models(server, model):
    status, _, schema = server.ask("GET", "/schema")
    assert status == 200
    assert schema["columns"] == model.schema["columns"]
    assert schema["classes"] == model.classes_.tolist()
    assert schema["probabilities"] is True
    assert schema["limits"] == {"rows": 100_000, "body_bytes": 16_000_000, "text_bytes": 65_536}


def test_the_example_is_a_good_row(server):
    example = server.ask("GET", "/schema")[2]["example"]
    assert server.predict({"rows": [example]})[0] == 200


def resolved(document, schema):
    """A schema with what it refers to, for a validator."""
    return {**schema, "components": document["components"]}


def test_openapi_says_what_the_server_does(server, row):
    status, _, document = server.ask("GET", "/openapi.json")
    assert status == 200 and document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "titanic" and document["info"]["version"] == "3"
    for path in ("/predict", "/models/titanic/predict", "/models/titanic/versions/3/predict"):
        post = document["paths"][path]["post"]
        request = post["requestBody"]["content"]["application/json"]
        answers = {
            status: Draft202012Validator(
                resolved(document, response["content"]["application/json"]["schema"])
            )
            for status, response in post["responses"].items()
        }
        asked = Draft202012Validator(resolved(document, request["schema"]))
        assert set(request["examples"]) == {"rows", "columns", "row"}
        for example in request["examples"].values():
            asked.validate(example["value"])
            status, answer = server.predict(example["value"], path)
            assert status == 200
            answers["200"].validate(answer)
        refused = [
            {"rows": [row | {"deck": "B"}]},
            {"rows": [{k: v for k, v in row.items() if k != "age"}]},
            {"rows": [row | {"age": "x"}]},
            {"rows": [row | {"siblings": None}]},
            {"rows": []},
            {"row": [row]},
            {},
        ]
        for body in refused:
            assert not asked.is_valid(body)
            status, answer = server.predict(body, path)
            assert status == 422
            answers["422"].validate(answer)
    infer = document["paths"]["/v2/models/titanic/infer"]["post"]
    example = infer["requestBody"]["content"]["application/json"]["examples"]["row"]["value"]
    status, answer = server.predict(example, "/v2/models/titanic/infer")
    assert status == 200
    schema = infer["responses"]["200"]["content"]["application/json"]["schema"]
    Draft202012Validator(resolved(document, schema)).validate(answer)


def test_openapi_names_what_is_there(server):
    document = server.ask("GET", "/openapi.json")[2]
    Draft202012Validator.check_schema(resolved(document, {}))
    ids = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(set(ids)) == len(ids) and not [path for path in document["paths"] if "admin" in path]
    for path, operations in document["paths"].items():
        status, _, answer = server.ask("GET", path)
        assert status == (405 if "post" in operations else 200), path
        if status == 200:
            (kind, content), *_ = operations["get"]["responses"]["200"]["content"].items()
            if kind == "application/json":
                Draft202012Validator(resolved(document, content["schema"])).validate(answer)


def test_the_page_is_one_file_without_a_network(server):
    status, headers, page = server.ask("GET", "/docs")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8"
    assert server.ask("GET", "/")[2] == page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert re.findall(rb"(?:src|href)=\"([^\"]*)\"", page) and not re.search(rb"https?://", page)
    for link in re.findall(rb"href=\"(/[^\"]*)\"", page):
        assert server.ask("GET", link.decode())[0] == 200


def test_head_has_no_body(server):
    for path in ("/", "/docs", "/health", "/schema", "/openapi.json", "/metrics"):
        status, headers, body = server.ask("HEAD", path)
        assert status == 200 and int(headers["content-length"]) > 0 and body == b""


def metric(server, name):
    text = server.ask("GET", "/metrics")[2].decode()
    return sum(float(v) for v in re.findall(rf"^ferroflow_{re.escape(name)} (\S+)$", text, re.MULTILINE))


def test_metrics_count(server, row):
    names = (
        "rows_total{LABELS}",
        'requests_total{LABELS,status="200"}',
        'requests_total{LABELS,status="422"}',
        'errors_total{LABELS,code="no_rows"}',
        "predict_seconds_count{LABELS}",
        'predict_seconds_bucket{le="+Inf",LABELS}',
        'missing_values_total{LABELS,column="age"}',
        'unseen_categories_total{LABELS,column="sex"}',
        'requests_total{model="",version="",status="404"}',
        'errors_total{model="",version="",code="unknown_model"}',
    )
    names = [name.replace("LABELS", 'model="titanic",version="3"') for name in names]
    before = [metric(server, name) for name in names]
    server.predict({"rows": [row | {"age": None}, row | {"age": None, "sex": "?"}, row]})
    server.predict({"rows": []})
    server.ask("POST", "/models/none/predict", b"{}", {"content-type": "application/json"})
    after = [metric(server, name) - b for name, b in zip(names, before, strict=True)]
    assert after == [3, 1, 1, 1, 1, 1, 2, 1, 1, 1]
    assert metric(server, 'model{model="titanic",version="3"}') == 1


def test_the_version_is_the_packages(server):
    assert ferroflow.__version__ in server.ask("GET", "/openapi.json")[2]["info"]["description"]
