"""The same rows give the same bits here, on ARM and in WebAssembly: `python tests/targets/run.py`.

For each golden file, 100,000 random rows are predicted in Python, by the server, through the C ABI on this machine, through the C ABI
on 64-bit ARM (under qemu) and in WebAssembly (in node), and each answer's SHA-256 is compared with expected.json.
`--write` adds the digests of golden files that it does not have yet.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import rows
import server
import tools

from ferroflow.frozen import FrozenModel

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
EXPECTED = HERE / "expected.json"
HEADER = tools.ROOT / "rust" / "edge" / "include"
ARM, WASM = "aarch64-unknown-linux-gnu", "wasm32-unknown-unknown"
N_ROWS = 100_000
MOST_BYTES = 1_500_000  # of the WebAssembly module with every op


def build(target: str, profile: str, cargo: list[str], env: dict[str, str]) -> Path:
    command = [*cargo, "build", "-q", "-p", "ferroflow-edge", "--profile", profile]
    folder = tools.ROOT / "target"
    if target != "native":
        command += ["--target", target]
        folder /= target
    subprocess.run(command, check=True, cwd=tools.ROOT, env=os.environ | env)
    return folder / profile


def c_program(compiler: str, library: Path, out: Path) -> None:
    sources = [HERE / "replay.c", library / "libferroflow.a"]
    subprocess.run(
        [
            compiler,
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-O1",
            "-I",
            HEADER,
            *sources,
            "-lm",
            "-lpthread",
            "-ldl",
            "-o",
            out,
        ],
        check=True,
    )


def native(work: Path) -> list:
    c_program("cc", build("native", "release", ["cargo"], {}), work / "native")
    return [work / "native"]


def arm(work: Path) -> list:
    tools.need({"qemu-aarch64": "qemu-user", "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu"})
    if not Path("/usr/aarch64-linux-gnu/include/stdio.h").exists():
        tools.install(["libc6-dev-arm64-cross"])
    cargo, env = tools.cargo(ARM)
    env["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER"] = "aarch64-linux-gnu-gcc"
    c_program("aarch64-linux-gnu-gcc", build(ARM, "release", cargo, env), work / "arm")
    return ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", work / "arm"]


def wasm(work: Path) -> list:
    tools.need({"node": "nodejs"})
    module = build(WASM, "small", *tools.cargo(WASM)) / "ferroflow.wasm"
    size = module.stat().st_size
    print(f"  the module has {size:,} bytes", flush=True)
    if size > MOST_BYTES:
        raise SystemExit(f"the WebAssembly module has {size:,} bytes, more than {MOST_BYTES:,}")
    return ["node", HERE / "replay.mjs", module]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--write", action="store_true", help="add digests of new golden files to expected.json"
    )
    write = parser.parse_args().write
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        files = sorted(GOLDEN.glob("*.ff"))
        for path in files:
            model = FrozenModel.load(path)
            columns = rows.random_columns(model, N_ROWS)
            rows.write(work / f"{path.stem}.rows", columns)
            found = digest(rows.bits(model, rows.dicts(columns)))
            if write:
                expected.setdefault(path.stem, found)
            if expected.get(path.stem) != found:
                failed.append(f"Python: {path.stem}")
            with server.serving(path) as address:
                some = server.writable(model, columns)
                if server.bits(address, model, some) != rows.bits(model, rows.dicts(some)):
                    failed.append(f"the server: {path.stem}")
        if write:
            EXPECTED.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
        print(f"Python and the server: {len(files)} models, {N_ROWS:,} rows each", flush=True)
        for name, prepare in [("this machine", native), (ARM, arm), (WASM, wasm)]:
            print(name, flush=True)
            try:
                program = prepare(work)
            except tools.Unavailable as error:
                print(f"  NOT RUN: {error}")
                if os.environ.get("CI"):
                    failed.append(f"{name}: not run")
                continue
            for path in files:
                answer = subprocess.run([*program, path, work / f"{path.stem}.rows"], stdout=subprocess.PIPE)
                if answer.returncode or digest(answer.stdout) != expected.get(path.stem):
                    failed.append(f"{name}: {path.stem}")
            print("  done", flush=True)
    for line in failed:
        print(f"OTHER BITS  {line}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
