"""The folder of a container image: what is in it, and that it runs where nothing else is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ferroflow.deploy import _program
from ferroflow.deploy.container import container

from .conftest import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="images hold Linux programs")


@pytest.fixture
def made(model, tmp_path):
    return container(model, tmp_path / "image")


def test_what_is_in_it(made, model):
    assert sorted(file.name for file in made.folder.iterdir()) == [
        "Dockerfile",
        "ferroflow-server",
        "model.ff",
        "sbom.cdx.json",
    ]
    assert (made.folder / "model.ff").read_bytes() == model.to_bytes()
    assert (made.tag, made.builder) == ("titanic:3", None)
    text = (made.folder / "Dockerfile").read_text()
    for line in ("FROM scratch", "USER 65532:65532", "EXPOSE 8080"):
        assert f"\n{line}\n" in text
    assert f'io.ferroflow.model.sha256="{model.sha256}"' in text
    assert json.loads((made.folder / "sbom.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    for name in re.findall(r"^COPY (\S+)", text, re.MULTILINE):
        assert (made.folder / name).exists()
    # What the image runs, the program understands.
    for words in re.findall(r'(?:ENTRYPOINT|CMD) (\[.*"\])', text):
        program, *arguments = json.loads(words)
        assert program == "/ferroflow-server"
        done = subprocess.run([made.folder / "ferroflow-server", *arguments, "--help"], capture_output=True)
        assert done.returncode in (0, 1)  # 1: nothing is at the place that the health check asks


def test_no_more_than_15_mb(made):
    if (made.folder / "ferroflow-server").stat().st_size > 30e6:
        pytest.skip("a debug build")
    assert sum(file.stat().st_size for file in made.folder.iterdir()) < 15e6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may leave the rest of the system")
def test_it_runs_where_nothing_else_is(made, row):
    def alone():
        os.chroot(made.folder)
        os.chdir("/")
        os.setgid(65532)
        os.setuid(65532)

    made.folder.parent.parent.chmod(0o755)
    process = subprocess.Popen(
        ["/ferroflow-server", "/model.ff", "--host", "localhost", "--port", "0"],
        preexec_fn=alone,
        stderr=subprocess.PIPE,
        text=True,
        env={},
    )
    line = process.stderr.readline()
    port = re.search(r"http://127\.0\.0\.1:(\d+) ", line)
    assert port, line + process.communicate()[1]
    server = Server(process, "127.0.0.1", int(port[1]))
    assert server.predict({"rows": [row]})[0] == 200
    process.terminate()
    process.communicate(timeout=20)


def test_a_program_that_needs_others_is_refused(model, tmp_path, monkeypatch):
    for program in (Path(sys.executable), Path(__file__)):
        monkeypatch.setattr(_program, "find", lambda program=program: program)
        with pytest.raises(OSError, match="is not a static Linux program"):
            container(model, tmp_path / "image")
    assert not (tmp_path / "image").exists()


def test_without_a_builder(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="nothing here builds images"):
        container(model, tmp_path / "image", build=True)


def test_names_that_no_tag_can_have(model, tmp_path, monkeypatch):
    monkeypatch.setattr(model, "name", 'A "$model" é\n')
    made = container(model, tmp_path / "image", tag=None)
    assert made.tag == "a-model:3"
    text = (made.folder / "Dockerfile").read_text()
    assert r'title="A \"\$model\" \u00e9\n"' in text
