"""Health, schema, OpenAPI, the page, metrics."""

import re
import time

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


def check(schema, value, root):
    """A reader of the JSON Schema words that the document uses; unknown words fail."""
    if "$ref" in schema:
        return check(root["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], value, root)
    if "oneOf" in schema:
        return sum(check(one, value, root) for one in schema["oneOf"]) == 1
    assert set(schema) <= {
        *("type", "properties", "required", "additionalProperties", "items", "enum"),
        *("minItems", "maxItems", "description", "examples"),
    }
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "null": type(None),
        "integer": int,
        "number": int | float,
    }
    types = schema.get("type", list(kinds))
    types = types if isinstance(types, list) else [types]
    if not any(
        isinstance(value, kinds[t]) and (t == "boolean" or not isinstance(value, bool)) for t in types
    ):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        if set(schema.get("required", ())) - set(value):
            return False
        if schema.get("additionalProperties") is False and set(value) - set(properties):
            return False
        return all(check(properties[k], v, root) for k, v in value.items() if k in properties)
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return False
        return all(check(schema.get("items", {}), v, root) for v in value)
    return True


def test_openapi_says_what_the_server_does(server, row):
    status, _, document = server.ask("GET", "/openapi.json")
    assert status == 200 and document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "titanic" and document["info"]["version"] == "3"
    post = document["paths"]["/predict"]["post"]
    request = post["requestBody"]["content"]["application/json"]
    answer_schema = post["responses"]["200"]["content"]["application/json"]["schema"]
    error_schema = post["responses"]["422"]["content"]["application/json"]["schema"]
    for example in request["examples"].values():
        assert check(request["schema"], example["value"], document)
        status, answer = server.predict(example["value"])
        assert status == 200 and check(answer_schema, answer, document)
    refused = [
        {"rows": [row | {"deck": "B"}]},
        {"rows": [{k: v for k, v in row.items() if k != "age"}]},
        {"rows": [row | {"age": "x"}]},
        {"rows": [row | {"siblings": None}]},
        {"rows": []},
        {},
    ]
    for body in refused:
        assert not check(request["schema"], body, document)
        status, answer = server.predict(body)
        assert status == 422 and check(error_schema, answer, document)
    for path in document["paths"]:
        assert server.ask("GET", path)[0] == (405 if path == "/predict" else 200)


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
