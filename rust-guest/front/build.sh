#!/bin/sh
# Builds the guest of one format, inside a toolchain image:
#
#     build.sh VARIANT TARGET OUT FORMAT
#
#     VARIANT  o3 or o3-simd
#     TARGET   wasm or native
#     OUT      directory for guest.wasm or guest
#     FORMAT   onnx or tflite
#
# Mounts, and what keeps the bytes the same, are those of ../build.sh.
set -eu

variant=$1 target=$2 out=$3 format=$4
export CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0 CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld
: "${CARGO_HOME:=$HOME/.cargo}"

case $target in
    wasm) triple=wasm32-wasip1 flags='-C link-arg=--compress-relocations' ;;
    native) triple=$(uname -m)-unknown-linux-gnu flags='-C target-feature=+crt-static' ;;
    *) echo "error: unknown target $target: expected wasm or native" >&2; exit 2 ;;
esac
case $variant in
    o3) ;;
    o3-simd) flags="$flags -C target-feature=+simd128" ;;
    *) echo "error: unknown variant $variant: expected o3 or o3-simd" >&2; exit 2 ;;
esac

cd /src/front
cargo fetch --locked
for crates in "$CARGO_HOME"/registry/src/*; do
    flags="$flags --remap-path-prefix=$crates=/crates"
done
RUSTFLAGS=$flags cargo build --locked --offline --target "$triple" --profile guest-o3 --features "$format"

mkdir -p "$out"
built=/target/$triple/guest-o3
case $target in
    wasm) cp "$built/infer.wasm" "$out/guest.wasm" ;;
    native) cp "$built/infer" "$out/guest" ;;
esac
