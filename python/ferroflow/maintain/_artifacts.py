"""Model files by their SHA-256 in one folder."""

import hashlib
from pathlib import Path

from ferroflow.maintain._store import RegistryError
from ferroflow.workflow._files import write_beside


def keep(folder: Path, data: bytes) -> str:
    """Store a model file, whole or not at all, and return its SHA-256.

    The same bytes are stored once; what a killed process left half-written has a hidden name and is never read.
    """
    digest = hashlib.sha256(data).hexdigest()
    path = place(folder, digest)
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        return digest
    folder.mkdir(parents=True, exist_ok=True)
    with write_beside(path, "wb") as file:
        file.write(data)
    return digest


def place(folder: Path, digest: str) -> Path:
    return folder / f"{digest}.ff"


def checked(folder: Path, digest: str) -> Path:
    """Return where the model file lies, after a look that it is what was registered."""
    path = place(folder, digest)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise RegistryError(
            f"the model file {path} is gone; register the same model.ff again to put it back"
        ) from None
    if found != digest:
        raise RegistryError(
            f"the model file {path} was altered since it was registered; register the original model.ff again to repair it"
        )
    return path
