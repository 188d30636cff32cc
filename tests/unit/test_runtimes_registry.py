from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from lab.core.arm import Arm
from lab.core.errors import ExperimentError
from lab.report.display import runtime_name
from lab.report.figures.style import arm_styles
from lab.runtimes.registry import RUNTIMES, all_arms, check, pinned, runtime_named, unsupported

SYSTEMS = {
    "native",
    "wasmtime-jit-cranelift",
    "wasmtime-jit-cranelift-o0",
    "wasmtime-jit-winch",
    "wasmtime-interpreter-pulley",
    "wasmtime-aot-cranelift",
    "wasmtime-aot-cranelift-cache",
    "wasmer-jit-singlepass",
    "wasmer-jit-cranelift",
    "wasmer-jit-llvm",
    "wasmer-aot-singlepass",
    "wasmer-aot-cranelift",
    "wasmer-aot-cranelift-cache",
    "wasmer-aot-llvm",
    "wasmedge-interpreter",
    "wasmedge-jit-llvm",
    "wasmedge-aot-llvm",
    "wavm-jit-llvm",
    "wavm-aot-llvm",
    "wamr-interpreter-fast",
    "wamr-interpreter-classic",
    "wamr-aot-llvm",
    "node-jit-tiered",
    "node-jit-liftoff",
    "node-jit-turbofan",
    "node-jit-tiered-eager",
    "node-jit-liftoff-eager",
    "node-jit-turbofan-eager",
    "node-aot-turbofan",
    "deno-jit-tiered",
    "deno-jit-liftoff",
    "deno-jit-turbofan",
    "deno-jit-tiered-eager",
    "deno-jit-liftoff-eager",
    "deno-jit-turbofan-eager",
    "bun-jit-tiered",
    "bun-jit-bbq",
    "bun-interpreter",
    "wasmi-interpreter-lazy-translation",
    "wasmi-interpreter-lazy",
    "wasmi-interpreter-eager",
    "wasm3-interpreter",
    "wasm2c-aot-gcc-o2",
    "wasm2c-aot-gcc-o3",
}
FRAMEWORKS = {"litert", "onnxruntime", "tensorflow"}
NOT_IN_PAPER = {"node", "deno", "bun", "wasmi", "wasm3", "wasm2c", *FRAMEWORKS}
LAZY = ("node-", "deno-", "bun-")

TRACTS = (
    *(f"{variant}+tract-{series}" for series in ("0.20", "0.22", "0.23") for variant in ("o3", "o3-simd")),
    *("o3+tract-0.23+prepared", "o3-simd+tract-0.23+prepared"),
    *("o3+onnx", "o3-simd+onnx", "o3+tflite", "o3-simd+tflite"),
)

UNSUPPORTED_NOW = {
    "wasmer-jit-singlepass@o3-simd",
    "wasmer-aot-singlepass@o3-simd",
    "wavm-jit-llvm@o3-simd",
    "wavm-aot-llvm@o3-simd",
    "wamr-interpreter-fast@o3-simd",
    "wamr-interpreter-classic@o3-simd",
    "wamr-aot-llvm@o3-simd",
    "wasmedge-jit-llvm@o0",
    "wasmedge-jit-llvm@o3",
    "wasmedge-jit-llvm@o3-simd",
    "wasm3-interpreter@o3-simd",
}


def test_every_mode_is_an_arm_with_every_guest_but_native_has_no_vectors() -> None:
    others = {f"{name}-framework@python" for name in FRAMEWORKS}
    others |= {"native@dev", "wasmtime-jit-cranelift@dev", "wasmtime-aot-cranelift@o3-relaxed+tract-0.23"}
    guests = ("o0", "o3", "o3-simd", *TRACTS)
    expected = {f"{system}@{guest}" for system in SYSTEMS for guest in guests}
    lacking = {f"native@{guest}" for guest in guests if "simd" in guest}
    generic = {"native-generic@o3+tract-0.23", "native-generic@o3+tract-0.23+prepared"}
    assert {arm.id for arm in all_arms()} == (expected - lacking) | others | generic


def test_generic_kernels_are_those_that_tract_has_without_the_processors_vectors() -> None:
    generic = pinned(Arm.parse("native-generic@o3+tract-0.23"), "")
    tuned = pinned(Arm.parse("native@o3+tract-0.23"), "")
    assert generic.run_argv(("model.pb",)) == tuned.run_argv(("model.pb",))
    assert tuned.environment == {}
    assert generic.environment["TRACT_CPU_ISA"].startswith("-avx,-avx2,-fma,")


def test_arms_are_listed_once_and_native_comes_first() -> None:
    arms = all_arms()
    assert len(set(arms)) == len(arms)
    assert arms[0].is_native


def test_an_arms_id_reads_back_as_the_arm() -> None:
    assert all(Arm.parse(arm.id) == arm for arm in all_arms())


def test_simd_guests_are_refused_where_they_fail_as_are_compilers_that_always_fail() -> None:
    reasons = {arm.id: unsupported(arm) for arm in all_arms()}
    # an edition whose Wasmtime has no wizer prepares no module at all
    refused = {arm for arm, reason in reasons.items() if reason and "wizer" not in reason}
    on_other_tracts = {
        f"{arm}+{guest.partition('+')[2]}"
        for arm in UNSUPPORTED_NOW
        for guest in TRACTS
        if arm.endswith(f"@{guest.partition('+')[0]}")
    }
    assert refused == UNSUPPORTED_NOW | on_other_tracts


def test_the_papers_edition_lacks_what_came_later_and_says_since_when() -> None:
    winch, jit = Arm.parse("wasmtime-jit-winch@o3"), Arm.parse("wasmedge-jit-llvm@o3")
    assert "version 30" in (unsupported(winch, "paper") or "")
    assert "LLVM 14" in (unsupported(Arm.parse("wasmer-jit-llvm@o3"), "paper") or "")
    assert "0.14" in (unsupported(jit, "paper") or "")
    assert unsupported(winch, "current") is None
    assert "SIGSEGV" in (unsupported(jit, "current") or "")
    assert unsupported(jit, "current", "0.17.0") is None


def test_an_edition_has_the_runtimes_of_the_one_that_it_extends() -> None:
    node = runtime_named("node")
    assert node is not None
    assert node.version_in("current") == node.version_in("2026-11") is not None
    assert node.version_in("paper") is None


def test_a_pinned_version_decides_over_the_editions_usual_one() -> None:
    simd = Arm.parse("wavm-jit-llvm@o3-simd")
    assert unsupported(simd, "current") is not None
    assert unsupported(simd, "current", "0.0.0-prerelease") is None


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("wasmtime-jit-cranelif@o3", "wasmtime-jit-cranelift@o3"),
        ("wasmtimee-jit-cranelift@o3", "wasmtime-jit-cranelift@o3"),
        ("wasmer-interpreter-llvm@o3", "wasmer-jit-llvm@o3"),
        ("wamr-interpreter@o3", "wamr-interpreter-fast@o3"),
        ("native@o3-simd", "native@o3"),
    ],
)
def test_an_unknown_arm_is_refused_with_the_nearest_known_ones(text: str, near: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        check(Arm.parse(text))
    assert text in caught.value.message
    assert near in caught.value.remedy


def test_an_arm_that_resembles_nothing_still_gets_a_remedy() -> None:
    with pytest.raises(ExperimentError) as caught:
        pinned(Arm.parse("x-aot@o0"), "1.0")
    assert "unknown runtime" in caught.value.message
    assert "lab runtimes" in caught.value.remedy


def test_an_unknown_edition_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ExperimentError) as caught:
        all_arms("2019")
    assert "current, 2026-11, paper" in caught.value.remedy


@pytest.mark.parametrize(
    ("runtime", "output", "version"),
    [
        ("wasmtime", "wasmtime 49.0.0 (abcdef123 2026-09-20)\n", "49.0.0"),
        ("wasmtime", "wasmtime-cli 10.0.2\n", "10.0.2"),
        ("wasmer", "wasmer 7.4.2\n", "7.4.2"),
        ("wasmedge", 'wasmedge version 0.14.1\n (plugin "wasi_logging") version 0.1.0.0\n', "0.14.1"),
        ("wavm", "WAVM version 0.0.0-prerelease\nWAVM_ENABLE_RUNTIME: true\n", "0.0.0-prerelease"),
        ("wamr", "iwasm 2.4.4\n", "2.4.4"),
        ("node", "v24.19.0\n", "24.19.0"),
        ("deno", "deno 2.9.8 (stable, release, x86_64-unknown-linux-gnu)\nv8 15.0.245.2-rusty\n", "2.9.8"),
        ("bun", "1.4.4\n", "1.4.4"),
        ("wasmi", "wasmi 2.0.0\n", "2.0.0"),
        ("wasm3", "wasm3 0.5.0\n", "0.5.0"),
        ("wasm2c", "1.0.36\n", "1.0.36"),
        ("wamr", "Usage: iwasm [-options] wasm_file [args...]\n  -v=n  (0 to 5, default is 2)\n", None),
    ],
)
def test_a_version_is_read_from_what_the_binary_prints(runtime: str, output: str, version: str | None) -> None:
    found = next(known for known in RUNTIMES if known.name == runtime)
    assert found.parse_version(output) == version


def test_arms_that_compile_the_guest_at_every_start_are_known() -> None:
    slow = {arm.system for arm in all_arms() if pinned(arm, "49.0.0").compiles_at_start}
    whole = {system for system in SYSTEMS if "-jit-" in system and not system.startswith(LAZY)}
    eager = {system for system in SYSTEMS if system.startswith(LAZY) and system.endswith("-eager")}
    assert slow == whole | eager | {"wasmtime-interpreter-pulley"}


def test_every_wasm_runtime_can_run_the_scalar_guest_in_some_mode_of_each_edition() -> None:
    for edition in ("current", "paper"):
        able = {arm.runtime for arm in all_arms(edition) if arm.guest == "o3" and unsupported(arm, edition) is None}
        assert able == {runtime.name for runtime in RUNTIMES if runtime.version_in(edition) is not None} - FRAMEWORKS


def test_an_edition_lists_no_arm_of_a_runtime_it_lacks_and_says_so_of_one() -> None:
    assert {arm.runtime for arm in all_arms()} - {arm.runtime for arm in all_arms("paper")} == NOT_IN_PAPER
    assert unsupported(Arm.parse("node-jit-tiered@o3"), "paper") == "edition paper has no Node (V8)"
    assert unsupported(Arm.parse("node-jit-tiered@o3"), "current") is None


def test_tables_and_figures_take_a_runtimes_title_and_colour_from_its_own_module() -> None:
    styles = arm_styles(all_arms())
    for runtime in RUNTIMES:
        assert runtime_name(runtime.name) == runtime.title
        assert {styles[arm].colour for arm in runtime.arms()} == {runtime.colour}
    assert len({runtime.colour for runtime in RUNTIMES}) == len(RUNTIMES)
    assert runtime_name("of-another-lab") == "of-another-lab"


# How a colour looks without one of the three kinds of cones: matrices on linear RGB by Machado, Oliveira and Fernandes
# ("A physiologically-based model for simulation of color vision deficiency", 2009), at full severity.
SIGHTS = {
    "all cones": np.eye(3),
    "without long": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "without medium": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "without short": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
XYZ_OF_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
LEAST_DIFFERENCE = 15.0  # in CIELAB; about 2 can just be seen side by side


def seen(colour: str, sight: str) -> np.ndarray:
    """CIELAB coordinates of an ``#RRGGBB`` as somebody with that sight sees it."""
    rgb = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    white = XYZ_OF_RGB.sum(axis=1)
    x, y, z = np.cbrt(XYZ_OF_RGB @ np.clip(SIGHTS[sight] @ linear, 0, 1) / white)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
def test_no_two_runtimes_look_alike_in_a_figure(sight: str) -> None:
    for first, second in combinations(RUNTIMES, 2):
        difference = np.linalg.norm(seen(first.colour, sight) - seen(second.colour, sight))
        assert difference > LEAST_DIFFERENCE, (first.name, second.name)
