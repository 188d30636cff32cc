"""Wasmer: Singlepass, Cranelift and LLVM, each just in time and ahead of time.

Wasmer opens every file for reading and writing first. On a read-only mount that is refused with EROFS to root, which
it passes on to the guest, and with EACCES to anyone else, upon which it tries again for reading: never run it as root.
Wasmer 4 does not try again; where between 4.1 and 7.4 that was fixed is not known here.
Its LLVM and Singlepass backends are under the Business Source License 1.1 since version 7.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import CACHE, CACHED, GUEST_WASM, OUT, WORK, Runtime

_VOLUMES = (7,)
_DISABLE_CACHE = (5,)
_LLVM_BUILT = (5,)
_FALLS_BACK_TO_READING = (5,)
_BACKENDS = ("singlepass", "cranelift", "llvm")
_CACHE = f"cranelift{CACHED}"
_CACHE_VARIABLE = "WASMER_CACHE_DIR"


class Wasmer(Runtime):
    """Precompiled modules name their compiler, so that running one takes no choice of backend."""

    name = "wasmer"
    title = "Wasmer"
    colour = "#E69F00"
    image = "wasmer"
    binary = "/usr/local/bin/wasmer"
    systems = (*((mode, backend) for mode in (Mode.JIT, Mode.AOT) for backend in _BACKENDS), (Mode.AOT, _CACHE))
    module_suffix = ".wasmu"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "7.4.2", Edition.PAPER: "4.1.2"}

    @property
    def unsupported_because(self) -> str | None:
        """Singlepass translates scalar instructions only; Wasmer 4 wants an LLVM that its edition's base lacks."""
        if self.arm.backend == "llvm" and self.release < _LLVM_BUILT:
            return f"Wasmer {self.version} is built without its LLVM backend: that wants LLVM 14, which the base lacks"
        if self.arm.backend == "singlepass" and self.arm.guest.has_vectors:
            return "Wasmer's singlepass compiler does not translate 128-bit vector instructions"
        return None

    @property
    def opens_for_writing(self) -> bool:
        """Wasmer 4 opens files for both, and passes a refusal on."""
        return self.release < _FALLS_BACK_TO_READING

    @property
    def environment(self) -> dict[str, str]:
        """Where the arm's cache is; releases without an option against it get one that is empty in every container."""
        if self.is_cached:
            return {_CACHE_VARIABLE: f"{WORK}/{CACHE}"}
        return {} if self.release >= _DISABLE_CACHE else {_CACHE_VARIABLE: "/tmp/wasmer-cache"}  # noqa: S108

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmer run``; the guest's root is the working directory, since its relative paths start at ``/``.

        What is written below a mapped root stays in Wasmer's memory: the output directory is a volume of its own.
        """
        if self.is_cached:
            choices: tuple[str, ...] = ("--cranelift",)
        else:
            choices = () if self.arm.mode is Mode.AOT else (f"--{self.arm.backend}",)
            choices += ("--disable-cache",) if self.release >= _DISABLE_CACHE else ()
        volumes = ("--volume", f"{WORK}:/", "--volume", f"{WORK}/{OUT}:/{OUT}")
        volume = volumes if self.release >= _VOLUMES else ("--dir", ".")
        return (self.executable, "run", *choices, *volume, self.guest_file, "--", *guest_args)

    def compile_argv(self) -> tuple[str, ...] | None:
        """``wasmer compile``, for the CPU it runs on; or a first run that fills the cache."""
        module = self.module_file
        if module is None:
            return None
        if self.is_cached:
            return self._filling_the_cache(_CACHE_VARIABLE, self.run_argv(()))
        return (self.executable, "compile", f"--{self.arm.backend}", "-o", module, GUEST_WASM)
