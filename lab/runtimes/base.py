"""What the lab knows about a runtime: the one place where its command line, its modes and its limits are written.

A trial's container looks the same to every runtime. The working directory is ``/work``, with the guest, ``model.pb``
(for other frameworks ``model.tflite`` or ``model.onnx``) and ``input.f32`` in it (read-only) and ``out/`` (writable);
guests get paths relative to it. Every argv below therefore opens ``/work`` to the guest and nothing else, runs as an
unprivileged user and writes to ``out/`` alone.

Every code cache is off: a second JIT trial must cost what the first one did. Arms whose backend ends in ``-cache`` have
it on, and filled: they are what a default command line costs from its second run on.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.names import Edition, GraphFormat

WORK = "/work"
GUEST_WASM = "guest.wasm"
GUEST_NATIVE = "guest"
GUEST_PYTHON = "guest.py"
OUT = "out"
CACHE = "cache"
"""Directory of a runtime's own cache of compiled code, relative to `WORK`; read-only in a trial."""
CACHED = "-cache"
"""What the backend of an arm with a filled cache ends with."""

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*(?:-[0-9A-Za-z.]+)?")


def version_tuple(version: str) -> tuple[int, ...]:
    """The numbers of a version, for ordering: ``"10.0.2"`` is ``(10, 0, 2)``; a pre-release counts as its release."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-", 1)[0]))


class Runtime(ABC):
    """One arm of a runtime at one version: its command lines, and what this version cannot do.

    The class describes the runtime in all the modes it has; `lab.runtimes.registry.pinned` makes instances.

    Args:
        arm: of this runtime.
        version: *pinned*, as the pins file writes it: command lines and capabilities change between releases.

    Attributes:
        name: as arms write it.
        title: as tables and figures write it.
        colour: of its lines and bars in figures, ``#RRGGBB``; distinguishable from the others' with every common
            colour blindness.
        image: target of the Dockerfile; one image holds one runtime and the probe.
        binary: path of the executable in the image: the one whose sha256 the fingerprint carries.
        systems: the (mode, backend) pairs it offers; backend is None where a mode has one compiler only.
        guests: the guest builds that make an arm with each of them.
        module_suffix: file name suffix of its precompiled module; empty for a runtime that cannot precompile.
        versions: by edition, the version whose command line the module writes; `version_in` asks the edition that one
            extends, too. Another pinned version wants a second look at the argv first; the test of the pins says so.
        trees: by version, what a source tree is that no release of its makers stands behind.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    colour: ClassVar[str]
    image: ClassVar[str]
    binary: ClassVar[str]
    systems: ClassVar[tuple[tuple[Mode, str | None], ...]]
    guests: ClassVar[tuple[GuestProfile, ...]] = (
        GuestProfile.O0,
        GuestProfile.O3,
        GuestProfile.O3_SIMD,
        GuestProfile.O3_TRACT_20,
        GuestProfile.O3_SIMD_TRACT_20,
        GuestProfile.O3_TRACT_22,
        GuestProfile.O3_SIMD_TRACT_22,
        GuestProfile.O3_TRACT_23,
        GuestProfile.O3_SIMD_TRACT_23,
        GuestProfile.O3_TRACT_23_PREPARED,
        GuestProfile.O3_SIMD_TRACT_23_PREPARED,
        GuestProfile.O3_ONNX,
        GuestProfile.O3_SIMD_ONNX,
        GuestProfile.O3_TFLITE,
        GuestProfile.O3_SIMD_TFLITE,
    )
    module_suffix: ClassVar[str] = ""
    versions: ClassVar[Mapping[str, str]]
    trees: ClassVar[Mapping[str, str]] = {}

    def __init__(self, arm: Arm, version: str) -> None:
        self.arm = arm
        self.version = version

    @classmethod
    def arms(cls) -> tuple[Arm, ...]:
        """Every arm the runtime offers, those a version or a guest rules out included."""
        return tuple(Arm(cls.name, mode, backend, guest) for mode, backend in cls.systems for guest in cls.guests)

    @classmethod
    def version_in(cls, edition: str) -> str | None:
        """The version that an edition has, by itself or from the one that it extends; None if it has none."""
        if edition in cls.versions:
            return cls.versions[edition]
        extended = Edition(edition).extends
        return None if extended is None else cls.version_in(extended)

    @classmethod
    def version_argv(cls) -> tuple[str, ...]:
        """The command that prints the runtime's version."""
        return (cls.binary, "--version")

    @classmethod
    def parse_version(cls, output: str) -> str | None:
        """The version in what `version_argv` printed; None if the binary prints none (the pin's stands then)."""
        match = _VERSION.search(output)
        return match[0] if match else None

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version, for comparisons: ``(10, 0, 2)``."""
        return version_tuple(self.version)

    @property
    def executable(self) -> str:
        """Path of the program in the image that runs the arm."""
        return self.binary

    @property
    def graph_format(self) -> GraphFormat:
        """Of the model's graph, as the guest reads it."""
        return self.arm.guest.graph_format

    @property
    def is_cached(self) -> bool:
        """Whether the arm's precompiled module is the runtime's own cache, packed into an archive."""
        return (self.arm.backend or "").endswith(CACHED)

    @property
    def guest_file(self) -> str:
        """The file a run starts from, relative to `WORK`: the module, or the precompiled one under AOT."""
        return self.module_name if self.arm.mode is Mode.AOT and not self.is_cached else GUEST_WASM

    @property
    def module_name(self) -> str:
        """The precompiled module's file: one in the runtime's own format, or an archive of its cache."""
        return f"{CACHE}.tar" if self.is_cached else f"guest{self.module_suffix}"

    @property
    def module_file(self) -> str | None:
        """Where `compile_argv` leaves the precompiled module, relative to `WORK`; None without a compile step."""
        return f"{OUT}/{self.module_name}" if self.arm.mode is Mode.AOT else None

    @property
    def compiles_at_start(self) -> bool:
        """Whether a trial compiles the whole guest before its first instruction.

        Minutes behind LLVM: such a trial may take an experiment's compile timeout on top of its own.
        """
        return self.arm.mode is Mode.JIT

    @property
    def opens_for_writing(self) -> bool:
        """Whether it opens files for writing whatever the guest asks for, so that read-only ones cannot be read."""
        return False

    @property
    def unsupported_because(self) -> str | None:
        """Why this version cannot run the arm; None if it can."""
        return None

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that runs and precompilations need, beyond ``HOME=/tmp``."""
        return {}

    @abstractmethod
    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """The command that runs the guest in `WORK`; all paths in `guest_args` are relative to it."""

    def compile_argv(self) -> tuple[str, ...] | None:
        """The command that turns `GUEST_WASM` into `module_file`; None if the arm has no compile step.

        Some compilers exit with 0 after a failure: only the module in a directory that was empty shows success.
        """
        return None

    def _filling_the_cache(self, variable: str, run: tuple[str, ...]) -> tuple[str, ...]:
        """A first run with an empty cache, then that cache as `module_file`.

        The guest ends at once, since it has no arguments; the module is compiled, and kept, before it starts. Where
        nothing was kept there is nothing to pack, which is a failure.

        Args:
            variable: environment variable that names the cache's directory.
            run: command line of the run, of words without spaces.
        """
        packing = f"tar -cf {self.module_file} -C {OUT}/{CACHE} ."
        return ("/bin/sh", "-c", f"{variable}=$PWD/{OUT}/{CACHE} {' '.join(run)}; {packing}")
