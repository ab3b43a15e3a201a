"""`ferroflow serve` as a process: its start, its end, its errors."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import ferroflow.deploy.serve
from ferroflow.deploy import _program

from .conftest import COMMAND, start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_with_code_0(model_file, row, number):
    server = start(model_file)
    assert server.predict({"rows": [row]})[0] == 200
    server.process.send_signal(number)
    assert "Stopped" in server.process.communicate(timeout=20)[1]
    assert server.process.returncode == 0
    with pytest.raises(OSError):
        server.predict({"rows": [row]})


def test_a_request_at_hand_is_finished(model_file, row):
    server = start(model_file)
    body = json.dumps({"rows": [row]}).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with (
        socket.create_connection((server.host, server.port), timeout=20) as busy,
        socket.create_connection((server.host, server.port), timeout=20) as idle,
    ):
        busy.sendall(head.encode() + body[:10])
        idle.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        server.process.terminate()
        assert idle.recv(4096) == b""  # closed at once
        for _ in range(100):  # the system may take a connection before the listener is closed
            try:
                socket.create_connection((server.host, server.port), timeout=5).close()
            except OSError:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("it goes on listening")
        busy.sendall(body[10:])
        assert busy.recv(65536).startswith(b"HTTP/1.1 200")
    assert server.process.wait(20) == 0
    server.process.stderr.close()


def run(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_a_port_in_use(model_file, server):
    result = run(model_file, "--port", server.port)
    assert result.returncode == 1
    assert f"port {server.port} of 127.0.0.1 is in use" in result.stderr and "--port" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "", "300.1.1.1"])
def test_an_address_that_is_not_ours(model_file, host):
    result = run(model_file, "--port", "0", "--host", host)
    assert result.returncode == 1 and "cannot listen on" in result.stderr and "Traceback" not in result.stderr


def test_a_file_that_is_not_there(tmp_path):
    result = run(tmp_path / "none.ff")
    assert result.returncode == 1 and "none.ff" in result.stderr and "Traceback" not in result.stderr


def test_a_file_that_is_no_model(tmp_path, model_file):
    data = model_file.read_bytes()
    for bad in (b"", b"text", data[:-1], data[:200] + b"\0" + data[201:]):
        (tmp_path / "bad.ff").write_bytes(bad)
        result = run(tmp_path / "bad.ff")
        assert result.returncode == 1 and "bad.ff: " in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--port", "80"], ["m.ff", "--port", "70000"], ["m.ff", "--port", "x"], ["m.ff", "--nonsense"]],
)
def test_wrong_usage(arguments):
    assert run(*arguments).returncode == 2


def test_help_teaches():
    result = run("--help")
    assert result.returncode == 0 and "/docs" in result.stdout and "curl" in result.stdout
    assert "Usage: ferroflow serve MODEL" in result.stdout
    also = subprocess.run(
        [sys.executable, "-m", "ferroflow.workflow.cli", "serve", "-h"], capture_output=True, text=True
    )
    assert also.stdout == result.stdout


def test_keys(model_file, row, tmp_path):
    """Made by one command and taken by another; without a key there is no prediction."""
    made = subprocess.run(
        [*COMMAND[:-1], "keys", "new", "--name", "app", "--file", tmp_path / "keys.txt"],
        capture_output=True,
        text=True,
        check=True,
    )
    server = start(model_file, "--keys", str(tmp_path / "keys.txt"))
    assert server.predict({"rows": [row]})[0] == 401
    headers = {"content-type": "application/json", "authorization": f"Bearer {made.stdout.strip()}"}
    assert server.ask("POST", "/predict", json.dumps({"rows": [row]}), headers)[0] == 200
    server.process.terminate()
    server.process.communicate(timeout=20)


def test_the_command_becomes_the_program(model_file):
    """One process, which is not Python."""
    server = start(model_file)
    if sys.platform == "linux":
        assert Path(f"/proc/{server.process.pid}/exe").readlink().name == "ferroflow-server"
    server.process.terminate()
    server.process.communicate(timeout=20)


def test_without_the_program(model, monkeypatch, tmp_path):
    monkeypatch.setattr(_program, "_NAME", "no-such-program")
    with pytest.raises(FileNotFoundError, match=r"no-such-program, which comes with ferroflow"):
        ferroflow.deploy.serve.serve(model, port=0)


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed in another way there")
def test_no_server_is_left_when_python_is_killed(model_file):
    code = (
        "import sys; from ferroflow.deploy.serve import serve; "
        "serve(sys.argv[1], port=0, listening=lambda address: print(address, flush=True))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, model_file], stdout=subprocess.PIPE, text=True)
    host, port = parent.stdout.readline().strip().removeprefix("http://").split(":")
    socket.create_connection((host, int(port)), timeout=20).close()
    parent.kill()
    parent.communicate()
    for _ in range(200):
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("it goes on listening")


def test_errors_from_python(model, server, tmp_path):
    (tmp_path / "bad.ff").write_bytes(model.to_bytes()[:-1])
    with pytest.raises(ValueError, match=r"bad\.ff: "):
        ferroflow.deploy.serve.serve(tmp_path / "bad.ff", port=0)
    with pytest.raises(FileNotFoundError):
        ferroflow.deploy.serve.serve(tmp_path / "none.ff", port=0)
    with pytest.raises(OSError, match="is in use"):
        ferroflow.deploy.serve.serve(model, port=server.port)


def test_from_python_beside_other_threads(model, row):
    """Serving holds no lock: the thread that asks is in the same interpreter. An exception in `listening` ends it."""
    answers = []

    class Done(Exception):
        pass

    def ask(address):
        host, port = address.removeprefix("http://").rsplit(":", 1)
        from .conftest import Server

        answers.append(Server(None, host, int(port)).predict({"rows": [row]}))
        raise Done

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Done):
        ferroflow.deploy.serve.serve(model, port=0, listening=ask)
    assert answers[0][0] == 200 and signal.getsignal(signal.SIGTERM) is before


def test_from_a_thread_and_ended_by_an_interrupt(model):
    address = threading.Event()

    def interrupt():
        assert address.wait(20)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    ferroflow.deploy.serve.serve(model, port=0, listening=lambda _: address.set())
    thread.join()
