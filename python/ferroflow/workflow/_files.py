"""Files that are there whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

_MARK = ".writing-"


@contextmanager
def write_beside(path: Path, mode: str = "w", *, durable: bool = True) -> Iterator[IO[Any]]:
    """Open a file beside `path` to write; it takes its name only when all of it is on disk.

    A process that is killed in between leaves `path` as it was. With `durable` a loss of power does so too.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}{_MARK}", dir=path.parent)
    text = "b" not in mode
    try:
        with os.fdopen(
            handle, mode, encoding="utf-8" if text else None, newline="" if text else None
        ) as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write `value` as JSON with sorted keys."""
    with write_beside(path, durable=durable) as file:
        json.dump(value, file, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in `folder`."""
    for path in folder.glob(f".*{_MARK}*"):
        with suppress(OSError):
            path.unlink()


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value
