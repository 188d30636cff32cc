"""What the lab knows about a runtime: the one place where its command line, its modes and its limits are written down.

A trial's container looks the same to every runtime. The working directory is ``/work``, with the guest, ``model.pb``
and ``input.f32`` in it (read-only) and ``out/`` (writable); guests are given paths relative to it. Every argv below
therefore opens ``/work`` to the guest and nothing else, runs as an unprivileged user and writes to ``out/`` alone.

Every code cache is off: a second JIT trial must cost what the first one did.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from lab.core.arm import Arm, GuestProfile, Mode

WORK = "/work"
GUEST_WASM = "guest.wasm"
GUEST_NATIVE = "guest"
OUT = "out"
EDITIONS = ("current", "paper")

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*(?:-[0-9A-Za-z.]+)?")


def version_tuple(version: str) -> tuple[int, ...]:
    """The numbers of a version, for ordering: ``"10.0.2"`` is ``(10, 0, 2)``; a pre-release counts as its release."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-", 1)[0]))


class Runtime(ABC):
    """One runtime, in all the modes it has.

    Methods take the *pinned* version, as the pins file writes it, because command lines and capabilities change
    between releases.

    Attributes:
        name: as arms write it.
        title: as tables and figures write it.
        image: target of the Dockerfile; one image holds one runtime and the probe.
        systems: the (mode, backend) pairs it offers; backend is None where a mode has one compiler only.
        guests: the guest builds that make an arm with each of them.
        artifacts: file name suffix of its precompiled module; empty for a runtime that can't precompile.
        versions: by edition, the version whose command line the module writes. Another pinned version wants a second
            look at the argv first; the test of the pins says so.
        trees: by version, what a source tree is that no release of its makers stands behind.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    image: ClassVar[str]
    systems: ClassVar[tuple[tuple[Mode, str | None], ...]]
    guests: ClassVar[tuple[GuestProfile, ...]] = tuple(GuestProfile)
    artifacts: ClassVar[str] = ""
    versions: ClassVar[Mapping[str, str]]
    trees: ClassVar[Mapping[str, str]] = {}

    def arms(self) -> tuple[Arm, ...]:
        """Every arm the runtime offers, those a version or a guest rules out included."""
        return tuple(Arm(self.name, mode, backend, guest) for mode, backend in self.systems for guest in self.guests)

    def guest_file(self, arm: Arm) -> str:
        """The file a run starts from, relative to `WORK`: the module, or the precompiled artifact under AOT."""
        return f"guest{self.artifacts}" if arm.mode is Mode.AOT else GUEST_WASM

    def artifact_file(self, arm: Arm) -> str | None:
        """Where `compile_argv` leaves the artifact, relative to `WORK`; None if the arm has no compile step."""
        return f"{OUT}/{self.guest_file(arm)}" if arm.mode is Mode.AOT else None

    def compiles_at_start(self, arm: Arm) -> bool:
        """Whether a trial compiles the whole guest before its first instruction.

        Minutes behind LLVM: such a trial may take an experiment's compile timeout on top of its own.
        """
        return arm.mode is Mode.JIT

    def opens_for_writing(self, version: str) -> bool:  # noqa: ARG002
        """Whether it opens files for writing whatever the guest asks for, so that read-only ones cannot be read."""
        return False

    def unsupported_because(self, arm: Arm, version: str) -> str | None:  # noqa: ARG002
        """Why this version can't run the arm; None if it can."""
        return None

    def environment(self, arm: Arm, version: str) -> dict[str, str]:  # noqa: ARG002
        """Environment variables that runs and precompilations need, beyond ``HOME=/tmp``."""
        return {}

    @abstractmethod
    def executable(self, arm: Arm) -> str:
        """Path of the binary in the image: the one whose sha256 the fingerprint carries."""

    @abstractmethod
    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """The command that runs the guest in `WORK`; all paths in `guest_args` are relative to it."""

    def compile_argv(self, arm: Arm, version: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """The command that turns `GUEST_WASM` into `artifact_file`; None if the arm has no compile step.

        Some compilers exit with 0 after a failure: only the artifact in a directory that was empty says it worked.
        """
        return None

    def version_argv(self) -> tuple[str, ...]:
        """The command that says the runtime's version."""
        return (self.executable(self.arms()[0]), "--version")

    def parse_version(self, output: str) -> str | None:
        """The version in what `version_argv` printed; None if the binary doesn't say one (the pin's stands then)."""
        match = _VERSION.search(output)
        return match[0] if match else None
