"""Wasmtime: Cranelift and Winch just in time, Cranelift ahead of time, and the Pulley interpreter.

Settings stay at their defaults (parallel compilation, on-demand allocation), save for the compilation cache, which is
on by default (seen with 10.0.2 and 49.0.0) and off here but for ``cranelift-cache``. The command line was regrouped
into ``-C``, ``-O`` and ``-W`` in version 14.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.names import Edition
from lab.runtimes.base import CACHE, CACHED, GUEST_WASM, WORK, Runtime

_GROUPED_OPTIONS = (14,)
# the command line tool carries Pulley from here on; Winch takes whole guests, vectors included
_PULLEY_AND_WINCH = (30,)

_CRANELIFT = "cranelift"
_CRANELIFT_O0 = "cranelift-o0"
_CACHE = f"{_CRANELIFT}{CACHED}"
_CACHE_VARIABLE = "XDG_CACHE_HOME"
_WINCH = "winch"
_PULLEY = "pulley"


class Wasmtime(Runtime):
    """``cranelift-o0`` is Cranelift without its optimiser: what JIT time buys."""

    name = "wasmtime"
    title = "Wasmtime"
    colour = "#0072B2"
    image = "wasmtime"
    binary = "/usr/local/bin/wasmtime"
    systems = (
        (Mode.JIT, _CRANELIFT),
        (Mode.JIT, _CRANELIFT_O0),
        (Mode.JIT, _WINCH),
        (Mode.INTERPRETER, _PULLEY),
        (Mode.AOT, _CRANELIFT),
        (Mode.AOT, _CACHE),
    )
    module_suffix = ".cwasm"
    versions: ClassVar[dict[str, str]] = {
        Edition.CURRENT: "50.0.1",
        Edition.NOVEMBER_2026: "49.0.0",
        Edition.PAPER: "10.0.2",
    }

    @classmethod
    def arms(cls) -> tuple[Arm, ...]:
        """Two guests have one compiler only: cargo's default profile, and the one with relaxed vectors."""
        level_zero = Arm(cls.name, Mode.JIT, _CRANELIFT, GuestProfile.DEV)
        return (*super().arms(), level_zero, Arm(cls.name, Mode.AOT, _CRANELIFT, GuestProfile.O3_RELAXED_TRACT_23))

    @property
    def unsupported_because(self) -> str | None:
        """Winch and Pulley came after the paper's Wasmtime."""
        if self.arm.backend in (_WINCH, _PULLEY) and self.release < _PULLEY_AND_WINCH:
            needed = f"it takes version {_PULLEY_AND_WINCH[0]} or newer"
            return f"Wasmtime {self.version} has no complete {self.arm.backend}: {needed}"
        return None

    @property
    def compiles_at_start(self) -> bool:
        """Pulley interprets bytecode of its own, which Cranelift makes at every start."""
        return self.arm.mode is not Mode.AOT

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmtime run``; ``--dir .`` opens the working directory under the guest's own name for it."""
        precompiled = ("--allow-precompiled",) if self.arm.mode is Mode.AOT and not self.is_cached else ()
        options = (*self._no_cache(), *self._compiler(), *precompiled)
        return (self.executable, "run", *options, "--dir", ".", self.guest_file, *guest_args)

    @property
    def environment(self) -> dict[str, str]:
        """Where the cache is, if the arm has one."""
        return {_CACHE_VARIABLE: f"{WORK}/{CACHE}"} if self.is_cached else {}

    def compile_argv(self) -> tuple[str, ...] | None:
        """``wasmtime compile``, for the CPU it runs on; or a first run that fills the cache."""
        module = self.module_file
        if module is None:
            return None
        if self.is_cached:
            return self._filling_the_cache(_CACHE_VARIABLE, self.run_argv(()))
        return (self.executable, "compile", *self._no_cache(), "-o", module, GUEST_WASM)

    def _no_cache(self) -> tuple[str, ...]:
        if self.is_cached:
            return ()
        return ("-C", "cache=n") if self.release >= _GROUPED_OPTIONS else ("--disable-cache",)

    def _compiler(self) -> tuple[str, ...]:
        if self.arm.backend == _WINCH:
            return ("-C", "compiler=winch")
        if self.arm.backend == _PULLEY:
            return ("--target", "pulley64")
        if self.arm.backend == _CRANELIFT_O0:
            grouped = self.release >= _GROUPED_OPTIONS
            return ("-O", "opt-level=0") if grouped else ("--opt-level", "0")
        return ()
