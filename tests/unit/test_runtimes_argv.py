"""Command lines, as each was seen to work in a hardened container; a change here wants to be tried in one."""

from __future__ import annotations

import pytest

from lab.core.arm import Arm, Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_WASM, Runtime
from lab.runtimes.registry import RUNTIMES, all_arms, pinned

ARGS = ("model.pb", "--save", "out/output.f32")
TAIL = " ".join(ARGS)
NODE = "/usr/local/bin/node --disable-warning=ExperimentalWarning"
V8_CODE = "--allow-natives-syntax --no-liftoff --no-wasm-lazy-compilation"
DENO = (
    "/usr/local/bin/deno run --no-code-cache --no-config --no-lock --no-npm --no-remote --no-prompt "
    "--allow-read=. --allow-write=."
)
BUN = "/usr/local/bin/bun --no-install --no-env-file /usr/local/lib/lab/run.mjs"

RUN = {
    ("native@o0", ""): "/work/guest",
    ("wasmtime-jit-cranelift@o3", "49.0.0"): "/usr/local/bin/wasmtime run -C cache=n --dir . guest.wasm",
    ("wasmtime-jit-cranelift-o0@o3", "49.0.0"): (
        "/usr/local/bin/wasmtime run -C cache=n -O opt-level=0 --dir . guest.wasm"
    ),
    ("wasmtime-jit-winch@o3", "49.0.0"): "/usr/local/bin/wasmtime run -C cache=n -C compiler=winch --dir . guest.wasm",
    ("wasmtime-interpreter-pulley@o3", "49.0.0"): (
        "/usr/local/bin/wasmtime run -C cache=n --target pulley64 --dir . guest.wasm"
    ),
    ("wasmtime-aot-cranelift@o3", "49.0.0"): (
        "/usr/local/bin/wasmtime run -C cache=n --allow-precompiled --dir . guest.cwasm"
    ),
    ("wasmtime-jit-cranelift@o3", "10.0.2"): "/usr/local/bin/wasmtime run --disable-cache --dir . guest.wasm",
    ("wasmtime-jit-cranelift-o0@o3", "10.0.2"): (
        "/usr/local/bin/wasmtime run --disable-cache --opt-level 0 --dir . guest.wasm"
    ),
    ("wasmtime-aot-cranelift-cache@o3", "49.0.0"): "/usr/local/bin/wasmtime run --dir . guest.wasm",
    ("wasmtime-aot-cranelift-cache@o3", "10.0.2"): "/usr/local/bin/wasmtime run --dir . guest.wasm",
    ("wasmer-aot-cranelift-cache@o3", "7.4.2"): (
        "/usr/local/bin/wasmer run --cranelift --volume /work:/ --volume /work/out:/out guest.wasm --"
    ),
    ("wasmer-jit-singlepass@o3", "7.4.2"): (
        "/usr/local/bin/wasmer run --singlepass --disable-cache --volume /work:/ --volume /work/out:/out guest.wasm --"
    ),
    ("wasmer-aot-llvm@o3", "7.4.2"): (
        "/usr/local/bin/wasmer run --disable-cache --volume /work:/ --volume /work/out:/out guest.wasmu --"
    ),
    ("wasmer-jit-cranelift@o3", "4.1.2"): "/usr/local/bin/wasmer run --cranelift --dir . guest.wasm --",
    ("wasmedge-interpreter@o3", "0.14.1"): "/usr/bin/wasmedge --force-interpreter --dir .:. guest.wasm",
    ("wasmedge-interpreter@o3", "0.13.5"): "/usr/bin/wasmedge --dir .:. guest.wasm",
    ("wasmedge-jit-llvm@o3", "0.14.1"): "/usr/bin/wasmedge --enable-jit --dir .:. guest.wasm",
    ("wasmedge-aot-llvm@o3", "0.14.1"): "/usr/bin/wasmedge --dir .:. guest.so",
    ("wasmedge-aot-llvm@o3", "0.17.0"): "/usr/bin/wasmedge --run-mode=aot --dir .:. guest.so",
    ("wavm-jit-llvm@o3", "0.1.0"): "/usr/local/bin/wavm run --nocache --abi=wasi --mount-root /work guest.wasm",
    ("wavm-aot-llvm@o3", "0.1.0"): (
        "/usr/local/bin/wavm run --precompiled --nocache --abi=wasi --mount-root /work guest.wavm"
    ),
    ("wamr-interpreter-fast@o3", "0.1.1"): "/usr/local/bin/iwasm-fast --stack-size=8388608 --dir=. guest.wasm",
    ("wamr-interpreter-classic@o3", "0.1.1"): "/usr/local/bin/iwasm-classic --stack-size=8388608 --dir=. guest.wasm",
    ("wamr-aot-llvm@o3", "0.1.1"): "/usr/local/bin/iwasm-fast --stack-size=8388608 --dir=. guest.aot",
    ("node-jit-tiered@o3", "24.19.0"): f"{NODE} /usr/local/lib/lab/run.mjs guest.wasm",
    ("node-jit-liftoff@o3", "24.19.0"): f"{NODE} --liftoff-only /usr/local/lib/lab/run.mjs guest.wasm",
    ("node-jit-turbofan-eager@o3", "24.19.0"): (
        f"{NODE} --no-liftoff --no-wasm-lazy-compilation /usr/local/lib/lab/run.mjs guest.wasm"
    ),
    ("node-aot-turbofan@o3", "24.19.0"): f"{NODE} {V8_CODE} /usr/local/lib/lab/run.mjs guest.v8",
    ("deno-jit-tiered@o3", "2.9.8"): f"{DENO} /usr/local/lib/lab/run.mjs guest.wasm",
    ("deno-jit-turbofan-eager@o3", "2.9.8"): (
        f"{DENO} --v8-flags=--no-liftoff,--no-wasm-lazy-compilation /usr/local/lib/lab/run.mjs guest.wasm"
    ),
    ("bun-jit-tiered@o3", "1.4.4"): f"{BUN} guest.wasm",
    ("bun-jit-bbq@o3", "1.4.4"): f"{BUN} guest.wasm",
    ("bun-interpreter@o3", "1.4.4"): f"{BUN} guest.wasm",
    ("wasmi-interpreter-lazy-translation@o3", "2.0.0"): (
        "/usr/local/bin/wasmi run --compilation-mode lazy-translation --dir . guest.wasm"
    ),
    ("wasmi-interpreter-eager@o3", "2.0.0"): "/usr/local/bin/wasmi run --compilation-mode eager --dir . guest.wasm",
    ("wasm3-interpreter@o3", "0.5.0"): "/usr/local/bin/wasm3 guest.wasm",
    ("wasm2c-aot-gcc-o2@o3", "1.0.36"): "/usr/local/bin/wasm2c-run guest.so",
    ("litert-framework@python", "2.3.0"): "/usr/bin/python3 guest.py",
    ("onnxruntime-framework@python", "1.32.0"): "/usr/bin/python3 guest.py",
    ("tensorflow-framework@python", "2.21.0"): "/usr/bin/python3 guest.py",
}

COMPILE = {
    ("wasmtime-aot-cranelift@o3", "49.0.0"): "/usr/local/bin/wasmtime compile -C cache=n -o out/guest.cwasm guest.wasm",
    ("wasmtime-aot-cranelift@o3", "10.0.2"): (
        "/usr/local/bin/wasmtime compile --disable-cache -o out/guest.cwasm guest.wasm"
    ),
    ("wasmer-aot-cranelift@o3", "7.4.2"): "/usr/local/bin/wasmer compile --cranelift -o out/guest.wasmu guest.wasm",
    ("wasmtime-aot-cranelift-cache@o3", "49.0.0"): (
        "/bin/sh -c XDG_CACHE_HOME=$PWD/out/cache /usr/local/bin/wasmtime run --dir . guest.wasm; "
        "tar -cf out/cache.tar -C out/cache ."
    ),
    ("wasmer-aot-cranelift-cache@o3", "4.1.2"): (
        "/bin/sh -c WASMER_CACHE_DIR=$PWD/out/cache /usr/local/bin/wasmer run --cranelift --dir . guest.wasm --; "
        "tar -cf out/cache.tar -C out/cache ."
    ),
    ("wasmedge-aot-llvm@o3", "0.14.1"): "/usr/bin/wasmedge compile --optimize 3 guest.wasm out/guest.so",
    ("wavm-aot-llvm@o3", "0.1.0"): "/usr/local/bin/wavm compile guest.wasm out/guest.wavm",
    ("wamr-aot-llvm@o3", "0.1.1"): (
        "/usr/local/bin/wamrc --enable-bulk-memory --opt-level=3 --size-level=0 -o out/guest.aot guest.wasm"
    ),
    ("node-aot-turbofan@o3", "24.19.0"): (
        f"{NODE} {V8_CODE} /usr/local/lib/lab/precompile.mjs guest.wasm out/guest.v8"
    ),
    ("wasm2c-aot-gcc-o2@o3", "1.0.36"): "/usr/local/bin/wasm2c-compile guest.wasm out/guest.so -O2 -march=native",
}

ENVIRONMENT = {
    ("bun-jit-tiered@o3", "1.4.4"): {},
    ("bun-jit-bbq@o3", "1.4.4"): {"BUN_JSC_useOMGJIT": "0"},
    ("bun-interpreter@o3", "1.4.4"): {"BUN_JSC_useBBQJIT": "0", "BUN_JSC_useOMGJIT": "0"},
}


def at(arm: Arm, edition: str = "current") -> Runtime:
    version = next(runtime for runtime in RUNTIMES if runtime.name == arm.runtime).version_in(edition)
    assert version is not None
    return pinned(arm, version)


@pytest.mark.parametrize(("arm", "version"), RUN)
def test_the_guest_is_run_by_this_command(arm: str, version: str) -> None:
    parsed = Arm.parse(arm)
    assert " ".join(pinned(parsed, version).run_argv(ARGS)) == f"{RUN[arm, version]} {TAIL}"


@pytest.mark.parametrize(("arm", "version"), COMPILE)
def test_the_guest_is_precompiled_by_this_command(arm: str, version: str) -> None:
    parsed = Arm.parse(arm)
    assert " ".join(pinned(parsed, version).compile_argv() or ()) == COMPILE[arm, version]


@pytest.mark.parametrize(("arm", "version"), ENVIRONMENT)
def test_javascriptcores_tiers_are_chosen_by_its_environment(arm: str, version: str) -> None:
    environment = pinned(Arm.parse(arm), version).environment
    chosen = {name: value for name, value in environment.items() if name.startswith("BUN_JSC_")}
    assert chosen == ENVIRONMENT[arm, version]


@pytest.mark.parametrize(
    ("edition", "arm"),
    [(edition, arm) for edition in Edition for arm in all_arms(edition)],
    ids=lambda part: part.id if isinstance(part, Arm) else part,
)
def test_every_arm_ends_in_its_guest_and_the_guests_own_arguments(arm: Arm, edition: str) -> None:
    runtime = at(arm, edition)
    argv = runtime.run_argv(ARGS)
    before = [part for part in argv[: -len(ARGS)] if part != "--"]
    assert argv[-len(ARGS) :] == ARGS
    assert argv[0] == runtime.executable
    assert before[-1].removeprefix("/work/") == runtime.guest_file


@pytest.mark.parametrize("arm", all_arms(), ids=lambda arm: arm.id)
def test_only_precompiled_arms_have_a_compile_step_and_they_run_what_it_leaves(arm: Arm) -> None:
    runtime = at(arm)
    argv, module = runtime.compile_argv(), runtime.module_file
    if arm.mode is not Mode.AOT:
        assert argv is None
        assert module is None
        return
    assert argv is not None
    words = " ".join(argv).replace(";", " ").split()
    assert module in words
    assert "guest.wasm" in words
    assert module == f"out/{runtime.module_name}"
    assert runtime.guest_file == (GUEST_WASM if runtime.is_cached else runtime.module_name)


@pytest.mark.parametrize("edition", list(Edition))
def test_no_runtime_may_keep_code_between_trials(edition: str) -> None:
    off = {"-C cache=n", "--disable-cache", "--nocache", "--no-code-cache"}
    off_or_emptied = {"WASMER_CACHE_DIR", "NODE_DISABLE_COMPILE_CACHE", "BUN_RUNTIME_TRANSPILER_CACHE_PATH"}
    for arm in all_arms(edition):
        runtime = at(arm, edition)
        if runtime.is_cached:
            continue
        line = " ".join(runtime.run_argv(()))
        by_environment = off_or_emptied & set(runtime.environment)
        is_framework = arm.mode is Mode.FRAMEWORK
        keeps_none = is_framework or runtime.name in {"native", "wasmedge", "wamr", "wasmi", "wasm3", "wasm2c"}
        assert keeps_none or by_environment or any(option in line for option in off), line


def test_two_backends_of_one_runtime_never_share_a_command_line() -> None:
    lines: dict[tuple[str, ...], str] = {}
    for arm in all_arms():
        if arm.guest != "o3":
            continue
        runtime = at(arm)
        environment = (f"{name}={value}" for name, value in sorted(runtime.environment.items()))
        whole = (*environment, *runtime.run_argv(()), *(runtime.compile_argv() or ()))
        assert lines.setdefault(whole, arm.id) == arm.id
