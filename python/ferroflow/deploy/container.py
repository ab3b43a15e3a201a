"""A container image of a frozen model: the server's program, the model, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ferroflow.deploy import _program
from ferroflow.frozen import FrozenModel

# The user "nonroot" of images that have one.
_USER = "65532:65532"
_PORT = 8080

_DOCKERFILE = """\
# {name}, version {version}: one static program and one model. Any root file system may be read-only.
FROM scratch
LABEL org.opencontainers.image.title={title} \\
      org.opencontainers.image.version={label} \\
      org.opencontainers.image.description="A ferroflow model behind an HTTP API" \\
      io.ferroflow.model.sha256="{sha256}"
COPY ferroflow-server /ferroflow-server
COPY model.ff /model.ff
COPY sbom.cdx.json /sbom.cdx.json
USER {user}
EXPOSE {port}
HEALTHCHECK --interval=10s --timeout=4s CMD ["/ferroflow-server", "--check", "http://127.0.0.1:{port}"]
ENTRYPOINT ["/ferroflow-server", "/model.ff", "--host", "0.0.0.0", "--port", "{port}", "--log", "json"]
"""


@dataclass(frozen=True)
class Container:
    """What was made."""

    folder: Path
    tag: str
    builder: str | None
    """The program that built the image; None if it was not built."""


def container(
    model: FrozenModel | str | os.PathLike,
    output: str | os.PathLike = "container",
    *,
    tag: str | None = None,
    build: bool = False,
) -> Container:
    """Write the folder of a container image, and build the image if asked to.

    The image starts from nothing: it holds the server's program, which is static, the model and a list of what the
    program is made of (CycloneDX). It runs as user 65532 and writes nothing.

    Parameters
    ----------
    model : FrozenModel, str or path-like
        The model, or its file.
    output : str or path-like, default="container"
        The folder to write; made if it is not there.
    tag : str, default=None
        The image's name, by default ``NAME:VERSION`` of the model.
    build : bool, default=False
        Build the image, with podman, buildah or docker, whichever is there.

    Returns
    -------
    Container
        The folder, the tag, and what built the image.

    Raises
    ------
    ValueError
        The file is no model.
    OSError
        The server's program is missing or no static Linux program, there is nothing that builds, or building failed.
    """
    if not isinstance(model, FrozenModel):
        model = FrozenModel.load(model)
    program = _program.find()
    _check_static(program)
    tag = tag or f"{_plain(model.name)}:{_plain(model.version)}"
    builder = _builder() if build else None
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(program, folder / "ferroflow-server")
    (folder / "ferroflow-server").chmod(0o755)
    (folder / "model.ff").write_bytes(model.to_bytes())
    (folder / "model.ff").chmod(0o644)
    made_of = subprocess.run([program, "--sbom"], capture_output=True, check=True).stdout
    (folder / "sbom.cdx.json").write_bytes(made_of)
    dockerfile = _DOCKERFILE.format(
        name=_plain(model.name),
        version=_plain(model.version),
        title=_quoted(model.name),
        label=_quoted(model.version),
        sha256=model.sha256,
        user=_USER,
        port=_PORT,
    )
    (folder / "Dockerfile").write_text(dockerfile)
    if builder is not None:
        _build(builder, folder, tag)
    return Container(folder, tag, builder)


def _plain(text: str) -> str:
    """Return `text` as a part of a tag may be."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "model"


def _quoted(text: str) -> str:
    return json.dumps(text).replace("$", "\\$")


def _check_static(program: Path) -> None:
    """Refuse a program that an empty image cannot run: only 64-bit ELF without an interpreter can."""
    head = program.read_bytes()[:4096]
    interpreted = True
    if head[:5] == b"\x7fELF\x02":
        (start,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        kinds = [struct.unpack_from("<I", head, start + i * size)[0] for i in range(count)]
        interpreted = 3 in kinds  # PT_INTERP
    if interpreted:
        raise OSError(
            f"{program} is not a static Linux program, so an image with nothing else in it cannot run it. "
            "Run this on Linux, with ferroflow from its wheel; in a source tree: make build"
        )


def _builder() -> str:
    for name in ("podman", "buildah", "docker"):
        # Docker's command is often there without its service.
        if shutil.which(name) and (name != "docker" or _quiet(["docker", "info"])):
            return name
    raise OSError(
        "nothing here builds images: install podman, buildah or docker (and start its service), or leave out --build "
        "and build the folder elsewhere"
    )


def _quiet(command: list[str]) -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def _build(builder: str, folder: Path, tag: str) -> None:
    # Docker's own format: the other one has no health checks.
    form = [] if builder == "docker" else ["--format", "docker"]
    command = [builder, "build", *form, "--tag", tag, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise OSError(f"{builder} could not build the image:\n{done.stdout.strip()}")
