from __future__ import annotations

import pytest

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.errors import ExperimentError
from lab.core.names import GraphFormat


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("native@o3", Arm("native", Mode.NATIVE, None, GuestProfile.O3)),
        ("wasmtime-jit-cranelift-o0@o3", Arm("wasmtime", Mode.JIT, "cranelift-o0", GuestProfile.O3)),
        ("wasmedge-interpreter@o3-simd", Arm("wasmedge", Mode.INTERPRETER, None, GuestProfile.O3_SIMD)),
        ("wamr-aot-llvm@o0", Arm("wamr", Mode.AOT, "llvm", GuestProfile.O0)),
        ("native@o3+tract-0.23", Arm("native", Mode.NATIVE, None, GuestProfile.O3_TRACT_23)),
    ],
)
def test_an_id_is_runtime_mode_backend_and_guest(text: str, arm: Arm) -> None:
    assert Arm.parse(text) == arm
    assert arm.id == text
    assert arm.system == text.split("@", maxsplit=1)[0]


@pytest.mark.parametrize(
    "text", ["", "wasmtime", "wasmtime@o3", "native", "native@o2", "wasmtime-fast@o3", "WASMTIME-jit@o3", "native@o3 "]
)
def test_a_malformed_id_is_refused_with_an_example_of_a_good_one(text: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        Arm.parse(text)
    assert f"'{text}'" in caught.value.message
    assert "wasmtime-jit-cranelift@o3" in caught.value.remedy
    assert "o0, o3, o3-simd" in caught.value.remedy


@pytest.mark.parametrize(
    ("arm", "baseline"),
    [
        ("wasmer-jit-llvm@o0", "native@o0"),
        ("wasmer-jit-llvm@o3", "native@o3"),
        ("wasmtime-jit-winch@o3-simd", "native@o3"),
        ("wasmtime-aot-cranelift@o3-simd+tract-0.23", "native@o3+tract-0.23"),
        ("wasmtime-aot-cranelift@o3-relaxed+tract-0.23", "native@o3+tract-0.23"),
        ("native@dev", "native@dev"),
        ("native@o0", "native@o0"),
        ("litert-framework@python", "native@o3"),
    ],
)
def test_an_overhead_is_taken_over_native_at_the_same_optimisation_level(arm: str, baseline: str) -> None:
    assert Arm.parse(arm).baseline.id == baseline
    assert Case(Arm.parse(arm), "yunet", 3).baseline == Case(Arm.parse(baseline), "yunet", 3)


def test_a_guest_names_its_variant_and_its_tract() -> None:
    guest = GuestProfile("o3-simd+tract-0.23")
    assert (guest.variant, guest.tract, guest.has_vectors, guest.is_relaxed) == ("o3-simd", "0.23", True, False)
    assert (GuestProfile.O3.variant, GuestProfile.O3.tract, GuestProfile.O3.has_vectors) == ("o3", None, False)
    assert GuestProfile.O3_RELAXED_TRACT_23.is_relaxed
    reader = GuestProfile("o3-simd+onnx")
    assert (reader.variant, reader.tract, reader.has_vectors) == ("o3-simd", "0.22", True)
    assert (reader.graph_format, GuestProfile.O3.graph_format) == (GraphFormat.ONNX, GraphFormat.PB)
    assert Arm.parse("wasmer-jit-llvm@o3-simd+onnx").baseline.id == "native@o3+onnx"


def test_only_native_runs_the_native_build() -> None:
    assert Arm.parse("native@o0").target == "native"
    assert Arm.parse("wavm-aot-llvm@o0").target == "wasm"
    assert Arm.parse("litert-framework@python").target == "native"
    assert Arm.parse("native@o0").is_native
    assert not Arm.parse("litert-framework@python").is_native
    assert not Arm.parse("wavm-aot-llvm@o0").is_native


def test_a_case_is_named_by_arm_model_and_batch() -> None:
    assert Case(Arm.parse("native@o3"), "yunet", 3).id == "native@o3 yunet b3"
