"""The baseline: the guest compiled to machine code, with tract's hand-written kernels."""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import NATIVE_RUNTIME, Arm, GuestProfile, Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_NATIVE, WORK, Runtime

_GENERIC = "generic"
# What tract has kernels of its own for, on x86-64; without them its generic kernels remain, as in wasm.
_AVX_512 = ("avx512f", "avx512vnni", "avx512fp16")
_INSTRUCTIONS = ("avx", "avx2", "fma", "f16c", *_AVX_512, "avxvnni", "amx-int8", "amx-bf16")


class Native(Runtime):
    """No runtime at all. There is no build of it for wasm's vectors: native kernels use the CPU's own in any build."""

    name = NATIVE_RUNTIME
    title = "native"
    colour = "#000000"
    image = NATIVE_RUNTIME
    # mounted into the container
    binary = f"{WORK}/{GUEST_NATIVE}"
    systems = ((Mode.NATIVE, None), (Mode.NATIVE, _GENERIC))
    guests = (
        GuestProfile.O0,
        GuestProfile.O3,
        GuestProfile.DEV,
        GuestProfile.O3_TRACT_20,
        GuestProfile.O3_TRACT_22,
        GuestProfile.O3_TRACT_23,
        GuestProfile.O3_TRACT_23_PREPARED,
        GuestProfile.O3_ONNX,
        GuestProfile.O3_TFLITE,
    )
    # the guest is what runs: its toolchain is the guest fingerprint's business
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "", Edition.PAPER: ""}

    @classmethod
    def arms(cls) -> tuple[Arm, ...]:
        """Earlier tracts than 0.23 cannot be kept from their tuned kernels."""
        return tuple(arm for arm in super().arms() if arm.backend is None or arm.guest.tract == "0.23")

    @property
    def environment(self) -> dict[str, str]:
        """What keeps tract from its tuned kernels, if the arm is to do without."""
        if self.arm.backend is None:
            return {}
        return {"TRACT_CPU_ISA": ",".join(f"-{name}" for name in _INSTRUCTIONS)}

    @property
    def guest_file(self) -> str:
        """The native binary."""
        return GUEST_NATIVE

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """The guest, called directly."""
        return (self.executable, *guest_args)

    @classmethod
    def version_argv(cls) -> tuple[str, ...]:
        """What shows that the image works: the guest is not in it."""
        return ("/usr/local/bin/probe", "--version")
