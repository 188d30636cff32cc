#!/bin/sh
# Builds one guest, or the tools, inside the toolchain image:
#
#     build.sh VARIANT TARGET OUT [EDITION]
#
#     VARIANT  o0, o3, o3-simd, dev (guests) or tool (probe and fixture)
#     TARGET   wasm or native
#     OUT      directory for guest.wasm, guest, or probe and fixture
#     EDITION  current (if not given) or paper (guests only)
#
# The same bytes each time need the same source and target path each time: mount this directory at /src and an
# empty or earlier target directory at /target. Downloads happen only in `cargo fetch`.
set -eu

variant=$1 target=$2 out=$3 edition=${4:-current}

case $edition in
    current) cd /src ;;
    paper) cd /src/paper ;;
    *) echo "error: unknown edition $edition: expected current or paper" >&2; exit 2 ;;
esac
export CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0 CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld
: "${CARGO_HOME:=$HOME/.cargo}"

case $target in
    # WAMR refuses the padded numbers that relocations leave behind.
    wasm) triple=wasm32-wasip1 flags='-C link-arg=--compress-relocations' ;;
    # Static: a guest built on one distribution runs on any other.
    native) triple=$(uname -m)-unknown-linux-gnu flags='-C target-feature=+crt-static' ;;
    *) echo "error: unknown target $target: expected wasm or native" >&2; exit 2 ;;
esac
case $variant in
    o0 | o3 | dev) profile=guest-$variant packages='-p infer' ;;
    o3-simd) profile=guest-o3 packages='-p infer' flags="$flags -C target-feature=+simd128" ;;
    tool) profile=tool packages='-p probe -p fixture' ;;
    *) echo "error: unknown variant $variant: expected o0, o3, o3-simd, dev or tool" >&2; exit 2 ;;
esac

cargo fetch --locked
# Panic messages hold source paths; where the registry keeps its sources must not show in the bytes.
for crates in "$CARGO_HOME"/registry/src/*; do
    flags="$flags --remap-path-prefix=$crates=/crates"
done
# shellcheck disable=SC2086  # a list of options
RUSTFLAGS=$flags cargo build --locked --offline --target "$triple" --profile "$profile" $packages

mkdir -p "$out"
built=/target/$triple/$profile
case $variant-$target in
    tool-*) cp "$built/probe" "$built/fixture" "$out" ;;
    *-wasm) cp "$built/infer.wasm" "$out/guest.wasm" ;;
    *-native) cp "$built/infer" "$out/guest" ;;
esac
