"""wasm2c: the guest as C, which gcc makes a library of ahead of time.

wasm2c is a part of WABT and has no WASI; that, and the program that runs the library, are the lab's (`launchers`).
Bounds of memory are checked by the processor's page tables, as most compilers here do it.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_WASM, Runtime

_LEVELS = {"gcc-o2": "-O2", "gcc-o3": "-O3"}


class Wasm2c(Runtime):
    """One backend for each of gcc's optimisation levels; all compile for the CPU they run on."""

    name = "wasm2c"
    title = "wasm2c"
    colour = "#FFCCCC"
    image = "wasm2c"
    binary = "/usr/bin/wasm2c"
    systems = tuple((Mode.AOT, backend) for backend in _LEVELS)
    module_suffix = ".so"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "1.0.36"}

    @property
    def executable(self) -> str:
        """The launcher: wasm2c itself only translates."""
        return "/usr/local/bin/wasm2c-run"

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """The launcher, which opens the working directory to the guest."""
        return (self.executable, self.guest_file, *guest_args)

    def compile_argv(self) -> tuple[str, ...] | None:
        """wasm2c, then gcc on each part of what it made."""
        module = self.module_file
        if module is None:
            return None
        return ("/usr/local/bin/wasm2c-compile", GUEST_WASM, module, _LEVELS[self.arm.backend or ""], "-march=native")
