//! Kernels for types that differ in name alone compile to the same code: the linker keeps it once, a fiftieth of the wheel.

use std::env::var;
use std::process::Command;

/// The first rustc that links this target with its own lld, which knows the flag.
const OWN_LINKER_SINCE: u32 = 90;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let target = is("TARGET", "x86_64-unknown-linux-gnu") && is("PROFILE", "release");
    if target && minor_version().is_some_and(|minor| minor >= OWN_LINKER_SINCE) {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--icf=all");
    }
}

/// 95 of "rustc 1.95.0 (...)".
fn minor_version() -> Option<u32> {
    let said = Command::new(var("RUSTC").ok()?).arg("--version").output().ok()?.stdout;
    String::from_utf8(said).ok()?.split('.').nth(1)?.parse().ok()
}
