#!/usr/bin/env bash
# sysroot.sh TARGET DIR: Rust's standard library for another target from Debian's own packages, without rustup.
set -euo pipefail
target=$1 out=$2
library=/usr/lib/rustlib/src/rust/library
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
touch "$work/src/lib.rs"
printf '[package]\nname = "std-only"\nversion = "0.0.0"\nedition = "2021"\n' > "$work/Cargo.toml"
cd "$work"
# With bitcode: what is linked for size is optimised across crates, this one too.
PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C embed-bitcode=yes" CARGO_HOME=$work/home CARGO_TARGET_DIR=$work/target \
  cargo build -q --release --offline --target "$target" -Z build-std=std,panic_abort \
  --config 'source.crates-io.replace-with="debian"' --config "source.debian.directory=\"$library/vendor\""
mkdir -p "$out.new/lib/rustlib/$target/lib"
find "$work/target/$target/release/deps" -name '*.rlib' ! -name 'libstd_only*' -exec cp -t "$out.new/lib/rustlib/$target/lib" {} +
rm -rf "$out"
mv "$out.new" "$out"
