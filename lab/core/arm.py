"""An arm: runtime × mode × compiler backend × guest build. Its identity is the string users write in experiments."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from lab.core.errors import ExperimentError
from lab.core.names import GraphFormat


class Mode(StrEnum):
    """How an arm gets from a wasm module to executed instructions.

    `NATIVE` has no module; `FRAMEWORK` has none either, and another framework than tract.
    """

    NATIVE = "native"
    INTERPRETER = "interpreter"
    JIT = "jit"
    AOT = "aot"
    FRAMEWORK = "framework"


class GuestProfile(StrEnum):
    """Which build of the guest: optimisation level, target features and tract. One source serves all of them.

    `O0` is the paper's "level 0 optimization compilation"; `O3` optimises kernels for speed and the rest for size;
    `O3_SIMD` adds wasm's 128-bit vectors, which not every runtime takes. `DEV` is cargo's default profile as it comes:
    level 0 with debug assertions and overflow checks, which the paper may have meant by level 0. `PYTHON` is none of
    that source's builds: a program in Python that prints the same marks, for other frameworks.

    Those that end in ``+tract-VERSION`` are built on that tract in every edition; the others, on the edition's own.
    `O3_RELAXED_TRACT_23` also has wasm's relaxed vector instructions, whose results may differ between processors.

    Those that end in ``+onnx`` or ``+tflite`` read graphs in that format, with a reader of tract 0.22; the
    others read TensorFlow's.

    Those that end in ``+prepared`` start with their model loaded: a module into which the memory of one that has loaded
    it was written, or natively a heap that is mapped.
    """

    O0 = "o0"
    O3 = "o3"
    O3_SIMD = "o3-simd"
    DEV = "dev"
    PYTHON = "python"
    O3_TRACT_20 = "o3+tract-0.20"
    O3_SIMD_TRACT_20 = "o3-simd+tract-0.20"
    O3_TRACT_22 = "o3+tract-0.22"
    O3_SIMD_TRACT_22 = "o3-simd+tract-0.22"
    O3_TRACT_23 = "o3+tract-0.23"
    O3_SIMD_TRACT_23 = "o3-simd+tract-0.23"
    O3_RELAXED_TRACT_23 = "o3-relaxed+tract-0.23"
    O3_TRACT_23_PREPARED = "o3+tract-0.23+prepared"
    O3_SIMD_TRACT_23_PREPARED = "o3-simd+tract-0.23+prepared"
    O3_ONNX = "o3+onnx"
    O3_SIMD_ONNX = "o3-simd+onnx"
    O3_TFLITE = "o3+tflite"
    O3_SIMD_TFLITE = "o3-simd+tflite"

    @property
    def variant(self) -> str:
        """Optimisation level and target features alone: ``o3-simd``."""
        return self.value.partition("+")[0]

    @property
    def tract(self) -> str | None:
        """Release series of the tract that it has in every edition, such as ``0.23``; None for the edition's own."""
        if self.graph_format is not GraphFormat.PB:
            return _TRACT_OF_READERS
        return self.plain.value.partition(_ON_TRACT)[2] or None

    @property
    def graph_format(self) -> GraphFormat:
        """Of the graphs that it reads; for `PYTHON`, the framework says which (`lab.runtimes`)."""
        ending = self.value.rpartition("+")[2]
        return GraphFormat(ending) if ending in _FORMATS else GraphFormat.PB

    @property
    def is_prepared(self) -> bool:
        """Whether it starts with its model loaded."""
        return self.value.endswith(_PREPARED)

    @property
    def plain(self) -> GuestProfile:
        """The same guest as it loads its model itself."""
        return GuestProfile(self.value.removesuffix(_PREPARED))

    @property
    def has_vectors(self) -> bool:
        """Whether its wasm module has vector instructions; native builds use the processor's in any case."""
        return self.variant in ("o3-simd", "o3-relaxed")

    @property
    def is_relaxed(self) -> bool:
        """Whether its outputs may differ between processors and runtimes, in the last bits."""
        return self.variant == "o3-relaxed"


_ON_TRACT = "+tract-"
_PREPARED = "+prepared"
_FORMATS = frozenset(GraphFormat) - {GraphFormat.PB}
_TRACT_OF_READERS = "0.22"
UNOPTIMISED = frozenset({GuestProfile.O0, GuestProfile.DEV})
NATIVE_RUNTIME = "native"
_ARM_ID = re.compile(
    r"(native(?:-(?P<kernels>generic))?"
    r"|(?P<runtime>[a-z0-9]+)-(?P<mode>interpreter|jit|aot|framework)(?:-(?P<backend>[a-z0-9-]+))?)"
    r"@(?P<guest>[a-z0-9.+-]+)"
)


class Arm(msgspec.Struct, frozen=True, order=True):
    """One way to run the guest, written ``native@o3`` or ``wasmtime-jit-cranelift@o3``.

    Attributes:
        runtime: module name in `lab.runtimes`, such as ``wasmtime``; ``native`` for the baseline.
        mode: how the runtime executes code.
        backend: the compiler behind the mode (``cranelift``, ``llvm``, …) or the interpreter's flavour; None if the
            runtime has one only. Natively ``generic``: restricted to the kernels that wasm gets.
        guest: the guest build that runs.
    """

    runtime: str
    mode: Mode
    backend: str | None
    guest: GuestProfile

    @property
    def id(self) -> str:
        """The arm as experiments write it."""
        return f"{self.system}@{self.guest}"

    @property
    def system(self) -> str:
        """The arm without its guest: ``wasmtime-jit-cranelift``."""
        if self.mode is Mode.NATIVE:
            return "-".join(part for part in (NATIVE_RUNTIME, self.backend) if part)
        return "-".join(part for part in (self.runtime, self.mode, self.backend) if part)

    @property
    def is_native(self) -> bool:
        """Whether this is a baseline arm."""
        return self.mode is Mode.NATIVE

    @property
    def has_exact_output(self) -> bool:
        """Whether its output tensors are the same bits in every trial, on a given processor."""
        return self.mode is not Mode.FRAMEWORK and not self.guest.is_relaxed

    @property
    def target(self) -> str:
        """``native`` or ``wasm``: what executes the arm's guest."""
        return NATIVE_RUNTIME if self.is_native or self.mode is Mode.FRAMEWORK else "wasm"

    @property
    def plain(self) -> Arm:
        """The same arm as its guest loads the model itself."""
        return Arm(self.runtime, self.mode, self.backend, self.guest.plain)

    @property
    def baseline(self) -> Arm:
        """The native arm that overheads are taken over: same level, tract and preparation, tuned kernels."""
        level = self.guest.variant if self.guest in UNOPTIMISED else GuestProfile.O3.value
        guest = GuestProfile(self.guest.replace(self.guest.variant, level, 1))
        return Arm(NATIVE_RUNTIME, Mode.NATIVE, None, guest)

    @classmethod
    def parse(cls, text: str) -> Arm:
        """Read an arm's id.

        Raises:
            ExperimentError: the text has not the form ``runtime-mode[-backend]@guest``. Whether the runtime exists is
                for `lab.runtimes` to say.
        """
        match = _ARM_ID.fullmatch(text)
        profiles = [profile.value for profile in GuestProfile]
        if match is None or match["guest"] not in profiles:
            raise ExperimentError(
                f"'{text}' is not an arm",
                "write runtime-mode[-backend]@guest, like wasmtime-jit-cranelift@o3, with a guest of "
                f"{', '.join(profiles)}; `lab runtimes` lists all arms",
            )
        guest = GuestProfile(match["guest"])
        if match["runtime"] is None:
            return cls(NATIVE_RUNTIME, Mode.NATIVE, match["kernels"], guest)
        return cls(match["runtime"], Mode(match["mode"]), match["backend"], guest)
