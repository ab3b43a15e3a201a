"""Serving: a model file answers over HTTP, in Rust."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ferroflow.deploy import _program

if TYPE_CHECKING:  # a file is served without NumPy
    from ferroflow.frozen import FrozenModel

# How often the waiting thread looks for Ctrl-C, in seconds.
_INTERVAL = 0.05


def serve(
    model: FrozenModel | str | os.PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    listening: Callable[[str], object] | None = None,
) -> None:
    """Serve a frozen model over HTTP until Ctrl-C or SIGTERM.

    ``POST /predict`` predicts rows, ``/docs`` is a page to try it, ``/schema`` and ``/openapi.json`` describe what goes
    in and comes out. Requests at hand are answered before it returns. The server is a program of its own, which ends
    with this one: other Python threads run on.

    Parameters
    ----------
    model : FrozenModel, str or path-like
        The model, or its file.
    host : str, default="127.0.0.1"
        The address to listen on: by default this machine alone. ``"0.0.0.0"`` is everyone; keys and encryption are
        options of the command ``ferroflow serve``.
    port : int, default=8080
        0 takes any free one.
    listening : callable, default=None
        Called once with the address, like ``"http://127.0.0.1:8080"``, when requests are answered.

    Raises
    ------
    ValueError
        The file is no model, was cut or altered, is newer than this reader, or fails its self-test.
    OSError
        The file cannot be read, the port is in use, the address is not this machine's, or the server's program is
        missing.
    """
    with tempfile.TemporaryDirectory(prefix="ferroflow-") as folder:
        if isinstance(model, str | os.PathLike):
            path = Path(model)
            path.open("rb").close()  # Python's own errors for what cannot be read
        else:
            path = Path(folder) / "model.ff"
            path.write_bytes(model.to_bytes())
        _run([str(path), "--host", host, "--port", str(port)], listening)


def _run(arguments: list[str], listening: Callable[[str], object] | None) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, interrupt) if main else None
    command = [str(_program.find()), *arguments, "--child"]
    try:
        # It stops at the end of its standard input, so also when this process is killed.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                line = process.stdout.readline()
                answer = (
                    json.loads(line) if line else {"error": "system", "message": "the server ended at once"}
                )
                if "error" in answer:
                    raise (ValueError if answer["error"] == "model" else OSError)(answer["message"])
                if listening is not None:
                    listening(answer["address"])
                while process.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(_INTERVAL)
            finally:
                process.stdin.close()
                process.wait()
        if process.returncode:
            raise OSError(f"the server ended with code {process.returncode}")
    except KeyboardInterrupt:
        pass
    finally:
        if main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
