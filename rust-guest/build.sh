#!/bin/sh
# Builds one guest, or the tools, inside a toolchain image:
#
#     build.sh VARIANT TARGET OUT [TRACT]
#
#     VARIANT  o0, o2, o2-simd, o3, o3-simd, o3-relaxed, dev (guests) or tool (probe and fixture)
#     TARGET   wasm or native
#     OUT      directory for guest.wasm, guest, or probe and fixture
#     TRACT    0.20, 0.22 or 0.23 (if not given)
#
# The same bytes each time need the same source and target path each time: mount this directory at /src and an
# empty or earlier target directory at /target. Downloads happen only in `cargo fetch`.
set -eu

variant=$1 target=$2 out=$3 tract=${4:-0.23}

# A tract other than the newest is a workspace of its own. Debian's compiler for Rust 1.91 and later has no standard
# library for wasm, only its sources, from which cargo builds one.
case $tract in
    0.23) cd /src; own_std=yes ;;
    0.20 | 0.22) cd "/src/tract-$tract"; own_std=no ;;
    *) echo "error: unknown tract $tract: expected 0.20, 0.22 or 0.23" >&2; exit 2 ;;
esac
export CARGO_TARGET_DIR=/target CARGO_INCREMENTAL=0 CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld
: "${CARGO_HOME:=$HOME/.cargo}"

std=''
case $target in
    # WAMR refuses the padded numbers that relocations leave behind.
    wasm)
        triple=wasm32-wasip1 flags='-C link-arg=--compress-relocations'
        if [ $own_std = yes ]; then
            std='-Zbuild-std=std,panic_abort'
            export RUSTC_BOOTSTRAP=1
            libc=/usr/lib/wasm32-wasi
            flags="$flags -C link-self-contained=no -C link-arg=-L$libc -C link-arg=$libc/crt1-command.o"
        fi
        ;;
    # Static: a guest built on one distribution runs on any other.
    native) triple=$(uname -m)-unknown-linux-gnu flags='-C target-feature=+crt-static' ;;
    *) echo "error: unknown target $target: expected wasm or native" >&2; exit 2 ;;
esac
case $variant in
    o0 | o2 | o3 | dev) profile=guest-$variant packages='-p infer' ;;
    o2-simd | o3-simd) profile=guest-${variant%-simd} packages='-p infer' flags="$flags -C target-feature=+simd128" ;;
    o3-relaxed) profile=guest-o3 packages='-p infer' flags="$flags -C target-feature=+simd128,+relaxed-simd" ;;
    tool) profile=tool packages='-p probe -p fixture' ;;
    *) echo "error: unknown variant $variant" >&2; exit 2 ;;
esac

# shellcheck disable=SC2086  # lists of options, here and below
cargo fetch --locked
if [ -n "$std" ]; then
    cargo fetch --locked --manifest-path "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.toml"
fi
# Panic messages hold source paths; where the registry keeps its sources must not show in the bytes.
for crates in "$CARGO_HOME"/registry/src/*; do
    flags="$flags --remap-path-prefix=$crates=/crates"
done
# shellcheck disable=SC2086
RUSTFLAGS=$flags cargo build --locked --offline --target "$triple" --profile "$profile" $std $packages

mkdir -p "$out"
built=/target/$triple/$profile
case $variant-$target in
    tool-*) cp "$built/probe" "$built/fixture" "$out" ;;
    *-wasm) cp "$built/infer.wasm" "$out/guest.wasm" ;;
    *-native) cp "$built/infer" "$out/guest" ;;
esac
