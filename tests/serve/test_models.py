"""A folder of models, as `ferroflow serve` has it: who answers, what a reload and a roll-back change."""

import hashlib
import json
import signal
import threading
import time

import pytest

from .conftest import start

KEY = "a key of 16 letters and more"


@pytest.fixture
def folder(frozen, tmp_path):
    """The model as versions 3 and 10."""
    (tmp_path / "models").mkdir()
    for version in ("3", "10"):
        put(frozen, tmp_path / "models", version)
    return tmp_path / "models"


def put(frozen, folder, version):
    """Write the model in one step, as whoever changes a served folder should."""
    frozen(version).save(folder / "new")
    (folder / "new").rename(folder / f"{version}.ff")


def ask(server, method, path, body=None, key=KEY):
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    status, _, answer = server.ask(method, path, body and json.dumps(body), headers)
    return status, answer


def champion(server, row):
    status, answer = server.predict({"row": row})
    assert status == 200
    return answer["version"]


def test_a_folder_is_managed_while_it_answers(frozen, model, folder, row, tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")
    server = start(folder, "--admin-key-file", str(tmp_path / "key"))
    versions, failed, done = set(), [], threading.Event()

    def client():
        while not done.is_set():
            status, answer = server.predict({"rows": [row]})
            if status != 200 or answer["probabilities"] != model.predict_proba([row]).tolist():
                failed.append(answer)
            else:
                versions.add(answer["version"])

    clients = [threading.Thread(target=client) for _ in range(2)]
    try:
        for thread in clients:
            thread.start()
        assert champion(server, row) == "10"
        status, answer = ask(server, "PUT", "/admin/models/titanic/aliases/champion", {"version": "3"})
        assert (status, answer["version"], answer["in_folder"]) == (200, "3", True)
        assert champion(server, row) == "3"
        put(frozen, folder, "11")
        (folder / "bad.ff").write_bytes(b"no model")
        status, report = ask(server, "POST", "/admin/reload")
        assert status == 200 and report["loaded"] == [{"model": "titanic", "version": "11"}]
        assert report["refused"][0]["file"].endswith("bad.ff")
        assert champion(server, row) == "3"
        assert ask(server, "POST", "/admin/models/titanic/aliases/champion/rollback")[1]["version"] == "10"
        assert champion(server, row) == "10"
        put(frozen, folder, "12")
        server.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if any(v["version"] == "12" for v in ask(server, "GET", "/models/titanic")[1]["versions"]):
                break
            time.sleep(0.05)
        assert ask(server, "DELETE", "/admin/models/titanic/aliases/champion")[0] == 200
        assert champion(server, row) == "12"
        assert ask(server, "POST", "/admin/reload", key="another key of 16")[0] == 401
        assert len(ask(server, "GET", "/models/titanic/aliases")[1]["history"]) == 5
    finally:
        done.set()
        for thread in clients:
            thread.join()
        server.process.terminate()
        server.process.communicate(timeout=20)
    assert not failed and versions >= {"3", "10", "12"}


def test_management_is_off_unless_asked_for(server):
    status, answer = ask(server, "POST", "/admin/reload")
    assert (status, answer["error"]["code"]) == (403, "admin_off")
    assert "--admin-key-file" in answer["error"]["message"]


def test_a_file_a_folder_and_a_default(model_file, folder, row):
    server = start(folder, str(model_file), "--default-model", "titanic")
    try:
        assert server.ask("GET", "/models")[2]["default"] == "titanic"
        assert [v["version"] for v in server.ask("GET", "/models/titanic")[2]["versions"]] == ["3", "10"]
        for version in ("3", "10"):
            status, answer = server.predict({"row": row}, f"/models/titanic/versions/{version}/predict")
            assert (status, answer["version"]) == (200, version)
    finally:
        server.process.terminate()
        server.process.communicate(timeout=20)


def test_with_keys_the_document_says_so(model_file, tmp_path):
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    (tmp_path / "keys").write_text(f"admin me {digest}\n")
    server = start(model_file, "--keys", str(tmp_path / "keys"), "--rate", "1000/s")
    try:
        assert server.ask("GET", "/openapi.json")[0] == 401 and server.ask("GET", "/docs")[0] == 200
        document = ask(server, "GET", "/openapi.json")[1]
        assert ask(server, "POST", "/admin/reload")[0] == 200
    finally:
        server.process.terminate()
        server.process.communicate(timeout=20)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "key"}
    for path, operations in document["paths"].items():
        for method in {"get", "put", "post", "delete"} & set(operations):
            is_open = path == "/docs" or "/health" in path
            assert ("security" in operations[method]) != is_open, path
            assert ("401" in operations[method]["responses"]) != is_open
            assert ("429" in operations[method]["responses"]) != ("/health" in path)
    assert "/admin/reload" in document["paths"]
