"""Wasmtime: Cranelift and Winch just in time, Cranelift ahead of time, and the Pulley interpreter.

Settings stay at their defaults (parallel compilation, on-demand allocation), save for the compilation cache, which is
on by default and off here. The command line was regrouped into ``-C``, ``-O`` and ``-W`` in version 14.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Arm, Mode
from lab.runtimes.base import GUEST_WASM, Runtime, version_tuple

_GROUPED_OPTIONS = (14,)
# the command line tool carries Pulley from here on; Winch takes whole guests, vectors included
_PULLEY_AND_WINCH = (30,)

_CRANELIFT = "cranelift"
_CRANELIFT_O0 = "cranelift-o0"
_WINCH = "winch"
_PULLEY = "pulley"


class Wasmtime(Runtime):
    """``cranelift-o0`` is Cranelift without its optimiser: what JIT time buys."""

    name = "wasmtime"
    title = "Wasmtime"
    image = "wasmtime"
    systems = (
        (Mode.JIT, _CRANELIFT),
        (Mode.JIT, _CRANELIFT_O0),
        (Mode.JIT, _WINCH),
        (Mode.INTERPRETER, _PULLEY),
        (Mode.AOT, _CRANELIFT),
    )
    artifacts = ".cwasm"
    versions: ClassVar[dict[str, str]] = {"current": "49.0.0", "paper": "10.0.2"}

    def executable(self, arm: Arm) -> str:  # noqa: ARG002
        """One binary for all modes."""
        return "/usr/local/bin/wasmtime"

    def unsupported_because(self, arm: Arm, version: str) -> str | None:
        """Winch and Pulley came after the paper's Wasmtime."""
        if arm.backend in (_WINCH, _PULLEY) and version_tuple(version) < _PULLEY_AND_WINCH:
            return f"Wasmtime {version} has no complete {arm.backend}: it takes version {_PULLEY_AND_WINCH[0]} or newer"
        return None

    def compiles_at_start(self, arm: Arm) -> bool:
        """Pulley interprets bytecode of its own, which Cranelift makes at every start."""
        return arm.mode is not Mode.AOT

    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmtime run``; ``--dir .`` opens the working directory under the guest's own name for it."""
        precompiled = ("--allow-precompiled",) if arm.mode is Mode.AOT else ()
        options = (*self._no_cache(version), *self._compiler(arm, version), *precompiled)
        return (self.executable(arm), "run", *options, "--dir", ".", self.guest_file(arm), *guest_args)

    def compile_argv(self, arm: Arm, version: str) -> tuple[str, ...] | None:
        """``wasmtime compile``, for the CPU it runs on."""
        artifact = self.artifact_file(arm)
        if artifact is None:
            return None
        return (self.executable(arm), "compile", *self._no_cache(version), "-o", artifact, GUEST_WASM)

    @staticmethod
    def _no_cache(version: str) -> tuple[str, ...]:
        return ("-C", "cache=n") if version_tuple(version) >= _GROUPED_OPTIONS else ("--disable-cache",)

    @staticmethod
    def _compiler(arm: Arm, version: str) -> tuple[str, ...]:
        if arm.backend == _WINCH:
            return ("-C", "compiler=winch")
        if arm.backend == _PULLEY:
            return ("--target", "pulley64")
        if arm.backend == _CRANELIFT_O0:
            grouped = version_tuple(version) >= _GROUPED_OPTIONS
            return ("-O", "opt-level=0") if grouped else ("--opt-level", "0")
        return ()
