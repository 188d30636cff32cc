"""WAVM: LLVM just in time and ahead of time.

It can't give a directory another name in the guest, so the working directory becomes the guest's root. The guest sees
``/proc/1/exe`` as its own name.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Arm, GuestProfile, Mode
from lab.runtimes.base import GUEST_WASM, WORK, Runtime

# the vendored tree that package registries carry: WAVM of November 2019, before wasm's vector encoding was settled
_REGISTRY_TREE = "0.1.0"
_LLVM = "llvm"


class Wavm(Runtime):
    """One compiler; its object cache is off."""

    name = "wavm"
    title = "WAVM"
    image = "wavm"
    systems = ((Mode.JIT, _LLVM), (Mode.AOT, _LLVM))
    artifacts = ".wavm"
    versions: ClassVar[dict[str, str]] = {"current": _REGISTRY_TREE, "paper": _REGISTRY_TREE}
    trees: ClassVar[dict[str, str]] = {_REGISTRY_TREE: "a patched source tree of November 2019"}

    def executable(self, arm: Arm) -> str:  # noqa: ARG002
        """One binary for both modes."""
        return "/usr/local/bin/wavm"

    def unsupported_because(self, arm: Arm, version: str) -> str | None:
        """Vectors were renumbered after the tree of 2019."""
        if arm.guest is GuestProfile.O3_SIMD and version == _REGISTRY_TREE:
            return "this WAVM is of 2019 and decodes an older draft of wasm's vector instructions"
        return None

    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG002
        """``wavm run``, its interface named: detection by imports is a guess."""
        precompiled = ("--precompiled",) if arm.mode is Mode.AOT else ()
        options = (*precompiled, "--nocache", "--abi=wasi", "--mount-root", WORK)
        return (self.executable(arm), "run", *options, self.guest_file(arm), *guest_args)

    def compile_argv(self, arm: Arm, version: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """``wavm compile``, for the CPU it runs on (or what LLVM 9 takes for it)."""
        artifact = self.artifact_file(arm)
        if artifact is None:
            return None
        return (self.executable(arm), "compile", GUEST_WASM, artifact)

    def version_argv(self) -> tuple[str, ...]:
        """``wavm version``: it has no ``--version``."""
        return (self.executable(self.arms()[0]), "version")
