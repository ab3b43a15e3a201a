"""Compilers for the other targets: rustup's where it has them, else Debian's, built once into target/sysroots."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SYSROOTS = ROOT / "target" / "sysroots"


class Unavailable(Exception):
    """A tool that this machine has not and cannot get; says which."""


def need(programs: dict[str, str]) -> None:
    """Install the Debian packages of programs that are not there."""
    absent = [
        package
        for program, package in programs.items()
        if not shutil.which(program, path="/usr/bin:" + os.environ["PATH"])
    ]
    if absent:
        install(absent)


def install(packages: list[str]) -> None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Unavailable(f"needs {', '.join(packages)} (Debian's names); install them, or run this as root")
    quiet = {
        "check": True,
        "stdout": subprocess.DEVNULL,
        "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
    }
    try:
        subprocess.run(["apt-get", "update", "-q"], **quiet)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *packages], **quiet)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{', '.join(packages)} could not be installed: {error}") from None


def cargo(target: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment of a cargo that builds for `target`."""
    if _rustup_has(target):
        return ["cargo"], {}
    sysroot = SYSROOTS / target
    if not sysroot.exists():
        need({"/usr/bin/rustc": "rustc-web", "/usr/bin/cargo": "cargo-web", "wasm-ld": "lld"})
        if not Path("/usr/lib/rustlib/src/rust/library").exists():
            install(["rust-web-src"])
        print(f"{target}: building Rust's standard library, once", flush=True)
        subprocess.run(["bash", Path(__file__).parent / "sysroot.sh", target, sysroot], check=True)
    flags = f"CARGO_TARGET_{target.upper().replace('-', '_')}_RUSTFLAGS"
    # Debian's cargo and compiler: its standard library fits no other.
    env = {flags: f"--sysroot {sysroot}", "PATH": "/usr/bin:" + os.environ["PATH"]}
    if target.startswith("wasm"):
        env[flags.replace("RUSTFLAGS", "LINKER")] = "wasm-ld"
    return ["/usr/bin/cargo"], env


def _rustup_has(target: str) -> bool:
    there = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", target], capture_output=True, text=True, cwd=ROOT
    )
    if there.returncode == 0 and list(Path(there.stdout.strip()).glob("libstd-*.rlib")):
        return True
    if not shutil.which("rustup"):
        return False
    return subprocess.run(["rustup", "target", "add", target], capture_output=True, cwd=ROOT).returncode == 0
