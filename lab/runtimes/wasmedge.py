"""WasmEdge: an interpreter by default, LLVM just in time (since 0.14) and ahead of time.

WasmEdge keeps no cache. Releases from 0.17 on interpret an artifact, without a word, unless the run mode is given.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Arm, Mode
from lab.runtimes.base import GUEST_WASM, Runtime, version_tuple

_JIT = (0, 14)
_JIT_TOO_WEAK = (0, 15)
_RUN_MODE = (0, 17)
_LLVM = "llvm"


class WasmEdge(Runtime):
    """The just-in-time compiler optimises at LLVM's level 1, the ahead-of-time one at level 3."""

    name = "wasmedge"
    title = "WasmEdge"
    image = "wasmedge"
    systems = ((Mode.INTERPRETER, None), (Mode.JIT, _LLVM), (Mode.AOT, _LLVM))
    artifacts = ".so"
    versions: ClassVar[dict[str, str]] = {"current": "0.14.1", "paper": "0.13.5"}

    def executable(self, arm: Arm) -> str:  # noqa: ARG002
        """Where the distribution's package puts it; one binary for all modes."""
        return "/usr/bin/wasmedge"

    def unsupported_because(self, arm: Arm, version: str) -> str | None:
        """The paper's WasmEdge had no just-in-time compiler, and the first one dies of the guest after a minute."""
        if arm.mode is Mode.JIT and version_tuple(version) < _JIT:
            return f"WasmEdge {version} has no just-in-time compiler: it came with 0.14"
        if arm.mode is Mode.JIT and version_tuple(version) < _JIT_TOO_WEAK:
            return f"the just-in-time compiler of WasmEdge {version} dies of SIGSEGV while it compiles the guest"
        return None

    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmedge``, with ``--dir GUEST:HOST``."""
        options = (*self._mode(arm, version_tuple(version)), "--dir", ".:.")
        return (self.executable(arm), *options, self.guest_file(arm), *guest_args)

    def compile_argv(self, arm: Arm, version: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """``wasmedge compile``, for the CPU it runs on."""
        artifact = self.artifact_file(arm)
        if artifact is None:
            return None
        return (self.executable(arm), "compile", "--optimize", "3", GUEST_WASM, artifact)

    @staticmethod
    def _mode(arm: Arm, version: tuple[int, ...]) -> tuple[str, ...]:
        if arm.mode is Mode.JIT:
            return ("--enable-jit",)
        if arm.mode is Mode.AOT:
            return ("--run-mode=aot",) if version >= _RUN_MODE else ()
        # before 0.14 there was nothing to choose from
        return ("--force-interpreter",) if version >= _JIT else ()
