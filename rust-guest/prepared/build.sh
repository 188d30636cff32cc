#!/bin/sh
# Builds the native guest that starts from a kept heap, inside a toolchain image:
#
#     build.sh OUT
#
# Mounts, and what keeps the bytes the same, are those of ../build.sh. The program is linked to fixed addresses, since a
# kept heap holds addresses of its code; static, so that a guest built on one distribution runs on any other.
set -eu

out=$1
export CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0
: "${CARGO_HOME:=$HOME/.cargo}"

cd /src/prepared
cargo fetch --locked
flags='-C target-feature=+crt-static -C relocation-model=static'
for crates in "$CARGO_HOME"/registry/src/*; do
    flags="$flags --remap-path-prefix=$crates=/crates"
done
triple=$(uname -m)-unknown-linux-gnu
RUSTFLAGS=$flags cargo build --locked --offline --target "$triple" --profile guest-o3

mkdir -p "$out"
cp "/target/$triple/guest-o3/infer" "$out/guest"
