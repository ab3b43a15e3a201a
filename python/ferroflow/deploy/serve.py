"""Serving: a model file answers over HTTP, in Rust."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ferroflow import _core

if TYPE_CHECKING:  # a file is served without NumPy
    from ferroflow.frozen import FrozenModel


def serve(
    model: FrozenModel | str | os.PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    listening: Callable[[str], object] | None = None,
) -> None:
    """Serve a frozen model over HTTP until Ctrl-C or SIGTERM.

    ``POST /predict`` predicts rows, ``/docs`` is a page to try it, ``/schema`` and ``/openapi.json`` describe what goes
    in and comes out. Requests at hand are answered before it returns. The interpreter is not used meanwhile: other
    Python threads run on.

    Parameters
    ----------
    model : FrozenModel, str or path-like
        The model, or its file.
    host : str, default="127.0.0.1"
        The address to listen on: by default this machine alone. ``"0.0.0.0"`` is everyone; there is neither
        encryption nor a password, so put a proxy that has them in front.
    port : int, default=8080
        0 takes any free one.
    listening : callable, default=None
        Called once with the address, like ``"http://127.0.0.1:8080"``, when requests are answered.

    Raises
    ------
    ValueError
        The file is no model, was cut or altered, is newer than this reader, or fails its self-test.
    OSError
        The file cannot be read, the port is in use, or the address is not this machine's.
    """
    path = Path(model) if isinstance(model, str | os.PathLike) else None
    data = path.read_bytes() if path else model.to_bytes()  # type: ignore[union-attr]

    def tell(ip: str, port: int) -> None:
        if listening is not None:
            listening(f"http://[{ip}]:{port}" if ":" in ip else f"http://{ip}:{port}")

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, interrupt) if main else None
    try:
        _core.serve(data, host, port, tell)
    except KeyboardInterrupt:
        pass
    except ValueError as error:
        if path is None:
            raise
        raise ValueError(f"{path}: {error}") from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
