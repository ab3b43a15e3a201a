"""Bad requests: the status, the code, the place and a message that says what is wrong; and the server goes on."""

import json
import socket

import pytest


def body(row, **changes):
    return {"rows": [row, row | changes]}


def raw(row, name, text):
    """A body with `text` in place of a value."""
    return json.dumps({"rows": [row, row | {name: "HERE"}]}).replace('"HERE"', text).encode()


def without(row, name):
    return {k: v for k, v in row.items() if k != name}


PORT = "port of call, 'é\" ✓"

CASES = {
    # name: (body from a row, status, code, row, column, words of the message)
    "empty": (lambda r: b"", 400, "malformed_json", None, None, ["empty"]),
    "not JSON": (lambda r: b"age=3", 400, "malformed_json", None, None, ["line 1 column 1"]),
    "cut JSON": (lambda r: raw(r, "age", "3")[:-2], 400, "malformed_json", None, None, ["EOF"]),
    "cut in a cell": (lambda r: b'{"rows": [{"age": ', 400, "malformed_json", 0, "age", ["row 0", "'age'"]),
    "trailing": (lambda r: raw(r, "age", "3") + b"x", 400, "malformed_json", None, None, ["trailing"]),
    "not UTF-8": (
        lambda r: raw(r, "sex", '"HE"').replace(b"HE", b"\xff"),
        400,
        "malformed_json",
        1,
        "sex",
        [],
    ),
    "lone surrogate": (lambda r: raw(r, "sex", '"\\ud800"'), 400, "malformed_json", 1, "sex", []),
    "NaN": (lambda r: raw(r, "age", "NaN"), 400, "malformed_json", 1, "age", ["row 1", "null"]),
    "Infinity": (lambda r: raw(r, "age", "Infinity"), 400, "malformed_json", 1, "age", ["null"]),
    "-Infinity": (lambda r: raw(r, "age", "-Infinity"), 400, "malformed_json", 1, "age", ["null"]),
    "1e999": (lambda r: raw(r, "age", "1e999"), 422, "not_finite", 1, "age", ["row 1", "too large"]),
    "deep": (lambda r: raw(r, "age", "[" * 100_000), 422, "wrong_type", 1, "age", ["list"]),
    "deep at the top": (lambda r: b"[" * 100_000, 422, "wrong_shape", None, None, ["an object"]),
    "deep keys": (lambda r: b'{"rows":' * 50_000, 422, "wrong_shape", None, None, ["a list of rows"]),
    "null": (lambda r: b"null", 422, "wrong_shape", None, None, ["an object"]),
    "no key": (lambda r: {}, 422, "wrong_shape", None, None, ["rows"]),
    "unknown key": (lambda r: {"data": [r]}, 422, "wrong_shape", None, None, ["'data'", '"rows"', '"row"']),
    "a list as the row": (lambda r: {"row": [r]}, 422, "wrong_shape", 0, None, ["row 0", "an object"]),
    "a bad row": (lambda r: {"row": r | {"age": "old"}}, 422, "wrong_type", 0, "age", ["row 0", "a number"]),
    "row and rows": (lambda r: {"row": r, "rows": [r]}, 422, "wrong_shape", None, None, ["only one"]),
    "both keys": (lambda r: {"rows": [r], "columns": {}}, 422, "wrong_shape", None, None, ["only one"]),
    "doubled key": (
        lambda r: b'{"rows": [%s], "rows": []}' % json.dumps(r).encode(),
        422,
        "wrong_shape",
        None,
        None,
        [],
    ),
    "no rows": (lambda r: {"rows": []}, 422, "no_rows", None, None, []),
    "no values": (lambda r: {"columns": {k: [] for k in r}}, 422, "no_rows", None, None, []),
    "rows is no list": (lambda r: {"rows": r}, 422, "wrong_shape", None, None, ["a list of rows"]),
    "a row is no object": (
        lambda r: {"rows": [r, [1, 2]]},
        422,
        "wrong_shape",
        1,
        None,
        ["row 1", "an object"],
    ),
    "a column is no list": (lambda r: {"columns": {"age": 3}}, 422, "wrong_shape", None, "age", ["a list"]),
    "unknown column": (lambda r: body(r, deck="B"), 422, "unknown_column", 1, "deck", ["row 1", "'deck'"]),
    "doubled column": (lambda r: raw(r, "age", '3, "age": 3'), 422, "duplicate_column", 1, "age", ["twice"]),
    "missing column": (
        lambda r: {"rows": [r, without(r, "fare")]},
        422,
        "missing_column",
        1,
        "fare",
        ["'fare'"],
    ),
    "empty row": (lambda r: {"rows": [{}]}, 422, "missing_column", 0, "age", []),
    "missing in columns": (lambda r: {"columns": {"age": [1]}}, 422, "missing_column", None, "fare", []),
    "text for number": (lambda r: body(r, age="old"), 422, "wrong_type", 1, "age", ["a number", "'old'"]),
    "number for text": (lambda r: body(r, sex=3), 422, "wrong_type", 1, "sex", ["a text"]),
    "truth for number": (lambda r: body(r, age=True), 422, "wrong_type", 1, "age", ["a number"]),
    "number for truth": (lambda r: body(r, alone=3), 422, "wrong_type", 1, "alone", ["true or false"]),
    "list in a cell": (lambda r: body(r, age=[3]), 422, "wrong_type", 1, "age", ["list"]),
    "object in a cell": (lambda r: body(r, age={"a": 3}), 422, "wrong_type", 1, "age", ["object"]),
    "null where none may be": (lambda r: body(r, siblings=None), 422, "missing_value", 1, "siblings", []),
    "unknown category": (lambda r: body(r, **{PORT: "Mars"}), 422, "unknown_category", 1, PORT, ["Mars"]),
    "long text": (lambda r: body(r, sex="x" * 65_537), 422, "text_too_long", 1, "sex", ["65536"]),
    "in columns": (
        lambda r: {"columns": {k: [v, v, "x" if k == "age" else v] for k, v in r.items()}},
        *(422, "wrong_type", 2, "age", ["row 2"]),
    ),
    "unequal columns": (
        lambda r: {"columns": {k: [v] * (2 if k == "sex" else 3) for k, v in r.items()}},
        *(422, "unequal_lengths", None, "sex", ["2 values", "has 3"]),
    ),
    "too many rows": (
        lambda r: b'{"columns": {"age": [' + b"1," * 100_000 + b"1]}}",
        *(422, "too_many_rows", None, None, ["100000"]),
    ),
    "too many, in rows": (
        lambda r: b'{"rows": [' + b",".join([json.dumps(r).encode()] * 100_001) + b"]}",
        *(422, "too_many_rows", None, None, ["100000"]),
    ),
    "doubled in columns": (
        lambda r: b'{"columns": {"age": [1], "sex": ["male"], "age": [1]}}',
        *(422, "duplicate_column", None, "age", ["twice"]),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_refused(server, row, case):
    make, status, code, at, column, words = case
    found, answer = server.predict(make(row))
    error = answer["error"]
    assert set(answer) == {"error"} and set(error) == {"code", "message", "row", "column"}
    assert (found, error["code"], error["row"], error["column"]) == (status, code, at, column), error
    assert [word for word in words if word not in error["message"]] == []
    assert server.predict({"rows": [row]})[0] == 200


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]
)
def test_other_types_of_content(server, row, kind):
    headers = {} if kind is None else {"content-type": kind}
    status, _, answer = server.ask("POST", "/predict", json.dumps({"rows": [row]}).encode(), headers)
    assert (status, answer["error"]["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer["error"]["message"]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]
)
def test_json_by_other_names(server, row, kind):
    status, *_ = server.ask("POST", "/predict", json.dumps({"rows": [row]}).encode(), {"content-type": kind})
    assert status == 200


def test_a_packed_body(server):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    status, _, answer = server.ask("POST", "/predict", b"\x1f\x8b", headers)
    assert (status, answer["error"]["code"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize(
    "path", ["/nothing", "/predict/", "/%70redict", "/../etc/passwd", "/predict%00", "/" + "x" * 20_000]
)
def test_unknown_paths(server, path):
    status, _, answer = server.ask("GET", path)
    assert (status, answer["error"]["code"]) == (404, "unknown_path")
    assert "POST /predict" in answer["error"]["message"]
    assert len(answer["error"]["message"]) < 300


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "NONSENSE"])
def test_wrong_methods(server, method):
    status, headers, answer = server.ask(method, "/predict")
    assert status == 405 and headers["allow"] == "POST"
    if method != "HEAD":
        assert answer["error"]["code"] == "wrong_method"
    if method not in ("GET", "HEAD"):
        status, headers, answer = server.ask(method, "/schema")
        assert (status, headers["allow"], answer["error"]["code"]) == (405, "GET,HEAD", "wrong_method")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_of_100_mb(server, chunked):
    """It is sent whole by a client that reads nothing before: and it reads the answer all the same."""
    piece = b" " * 1_000_000
    data = iter([piece] * 100) if chunked else piece * 100
    headers = {"content-type": "application/json"}
    status, answer_headers, answer = server.ask("POST", "/predict", data, headers)
    assert (status, answer["error"]["code"]) == (413, "body_too_large")
    assert "16000000 bytes" in answer["error"]["message"]
    assert answer_headers["connection"] == "close"


def test_a_body_just_under_the_limit(server, row):
    start = json.dumps({"rows": [row]}).encode()
    assert server.predict(start + b" " * (16_000_000 - len(start)))[0] == 200
    assert server.predict(start + b" " * (16_000_001 - len(start)))[0] == 413


def exchange(server, data):
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_a_body_that_is_cut_short(server, row):
    head = (
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    )
    answer = exchange(server, head + b'{"rows": [')
    assert answer.startswith(b"HTTP/1.1 400 ") and b"body_cut_short" in answer
    assert server.predict({"rows": [row]})[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nhost: x\r\nhuge: " + b"x" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
    ],
    ids=[
        "TLS",
        "nonsense",
        "header",
        "length -1",
        "length huge",
        "two lengths",
        "huge header",
        "many headers",
    ],
)
def test_what_is_no_http(server, row, data):
    answer = exchange(server, data)
    assert answer.startswith(b"HTTP/1.1 4")
    assert server.predict({"rows": [row]})[0] == 200
