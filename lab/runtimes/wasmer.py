"""Wasmer: Singlepass, Cranelift and LLVM, each just in time and ahead of time.

Wasmer opens every file for reading and writing first. On a read-only mount that is refused with EROFS to root, which
it passes on to the guest, and with EACCES to anyone else, upon which it tries again for reading: never run it as root.
Wasmer 4 does not try again; where between 4.1 and 7.4 that was mended is not known here.
Its LLVM and Singlepass backends are under the Business Source License 1.1 since version 7.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Arm, GuestProfile, Mode
from lab.runtimes.base import GUEST_WASM, OUT, WORK, Runtime, version_tuple

_VOLUMES = (7,)
_DISABLE_CACHE = (5,)
_LLVM_BUILT = (5,)
_FALLS_BACK_TO_READING = (5,)
_BACKENDS = ("singlepass", "cranelift", "llvm")


class Wasmer(Runtime):
    """Artifacts name their compiler, so that running one takes no choice of backend."""

    name = "wasmer"
    title = "Wasmer"
    image = "wasmer"
    systems = tuple((mode, backend) for mode in (Mode.JIT, Mode.AOT) for backend in _BACKENDS)
    artifacts = ".wasmu"
    versions: ClassVar[dict[str, str]] = {"current": "7.4.2", "paper": "4.1.2"}

    def executable(self, arm: Arm) -> str:  # noqa: ARG002
        """One binary for all backends."""
        return "/usr/local/bin/wasmer"

    def unsupported_because(self, arm: Arm, version: str) -> str | None:
        """Singlepass translates scalar instructions only; Wasmer 4 wants an LLVM that its edition's base lacks."""
        if arm.backend == "llvm" and version_tuple(version) < _LLVM_BUILT:
            return f"Wasmer {version} is built without its LLVM backend: that wants LLVM 14, which the base lacks"
        if arm.backend == "singlepass" and arm.guest is GuestProfile.O3_SIMD:
            return "Wasmer's singlepass compiler does not translate 128-bit vector instructions"
        return None

    def opens_for_writing(self, version: str) -> bool:
        """Wasmer 4 opens files for both, and passes a refusal on."""
        return version_tuple(version) < _FALLS_BACK_TO_READING

    def environment(self, arm: Arm, version: str) -> dict[str, str]:  # noqa: ARG002
        """Releases without an option against the cache get one that is empty in every fresh container."""
        return {} if version_tuple(version) >= _DISABLE_CACHE else {"WASMER_CACHE_DIR": "/tmp/wasmer-cache"}  # noqa: S108

    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmer run``; the guest's root is the working directory, since its relative paths start at ``/``.

        What is written below a mapped root stays in Wasmer's memory: the output directory is a volume of its own.
        """
        backend = () if arm.mode is Mode.AOT else (f"--{arm.backend}",)
        cache = ("--disable-cache",) if version_tuple(version) >= _DISABLE_CACHE else ()
        volumes = ("--volume", f"{WORK}:/", "--volume", f"{WORK}/{OUT}:/{OUT}")
        volume = volumes if version_tuple(version) >= _VOLUMES else ("--dir", ".")
        return (self.executable(arm), "run", *backend, *cache, *volume, self.guest_file(arm), "--", *guest_args)

    def compile_argv(self, arm: Arm, version: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """``wasmer compile``, for the CPU it runs on."""
        artifact = self.artifact_file(arm)
        if artifact is None:
            return None
        return (self.executable(arm), "compile", f"--{arm.backend}", "-o", artifact, GUEST_WASM)
