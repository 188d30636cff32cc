"""WasmEdge: an interpreter by default, LLVM just in time (since 0.14) and ahead of time.

WasmEdge keeps no cache. Releases from 0.17 on silently interpret a precompiled module unless the run mode is given.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_WASM, Runtime

_JIT = (0, 14)
_JIT_TOO_WEAK = (0, 15)
_RUN_MODE = (0, 17)
_LLVM = "llvm"


class WasmEdge(Runtime):
    """The just-in-time compiler optimises at LLVM's level 1, the ahead-of-time one at level 3."""

    name = "wasmedge"
    title = "WasmEdge"
    colour = "#CC79A7"
    image = "wasmedge"
    binary = "/usr/bin/wasmedge"
    systems = ((Mode.INTERPRETER, None), (Mode.JIT, _LLVM), (Mode.AOT, _LLVM))
    module_suffix = ".so"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "0.14.1", Edition.PAPER: "0.13.5"}

    @property
    def unsupported_because(self) -> str | None:
        """The paper's WasmEdge had no just-in-time compiler, and the first one dies of the guest after a minute."""
        if self.arm.mode is Mode.JIT and self.release < _JIT:
            return f"WasmEdge {self.version} has no just-in-time compiler: it came with 0.14"
        if self.arm.mode is Mode.JIT and self.release < _JIT_TOO_WEAK:
            return f"the just-in-time compiler of WasmEdge {self.version} dies of SIGSEGV while it compiles the guest"
        return None

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmedge``, with ``--dir GUEST:HOST``."""
        options = (*self._mode(), "--dir", ".:.")
        return (self.executable, *options, self.guest_file, *guest_args)

    def compile_argv(self) -> tuple[str, ...] | None:
        """``wasmedge compile``, for the CPU it runs on."""
        module = self.module_file
        if module is None:
            return None
        return (self.executable, "compile", "--optimize", "3", GUEST_WASM, module)

    def _mode(self) -> tuple[str, ...]:
        if self.arm.mode is Mode.JIT:
            return ("--enable-jit",)
        if self.arm.mode is Mode.AOT:
            return ("--run-mode=aot",) if self.release >= _RUN_MODE else ()
        # before 0.14 there was nothing to choose from
        return ("--force-interpreter",) if self.release >= _JIT else ()
