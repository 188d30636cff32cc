"""WAVM: LLVM just in time and ahead of time.

It can't give a directory another name in the guest, so the working directory becomes the guest's root. The guest sees
``/proc/1/exe`` as its own name.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_WASM, WORK, Runtime

# the vendored tree that package registries carry: WAVM of November 2019, before wasm's vector encoding was settled
_REGISTRY_TREE = "0.1.0"
_LLVM = "llvm"


class Wavm(Runtime):
    """One compiler; its object cache is off."""

    name = "wavm"
    title = "WAVM"
    colour = "#009E73"
    image = "wavm"
    binary = "/usr/local/bin/wavm"
    systems = ((Mode.JIT, _LLVM), (Mode.AOT, _LLVM))
    module_suffix = ".wavm"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: _REGISTRY_TREE, Edition.PAPER: _REGISTRY_TREE}
    trees: ClassVar[dict[str, str]] = {_REGISTRY_TREE: "a patched source tree of November 2019"}

    @property
    def unsupported_because(self) -> str | None:
        """Vectors were renumbered after the tree of 2019."""
        if self.arm.guest.has_vectors and self.version == _REGISTRY_TREE:
            return "this WAVM is of 2019 and decodes an older draft of wasm's vector instructions"
        return None

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wavm run``, its interface named: detection by imports is a guess."""
        precompiled = ("--precompiled",) if self.arm.mode is Mode.AOT else ()
        options = (*precompiled, "--nocache", "--abi=wasi", "--mount-root", WORK)
        return (self.executable, "run", *options, self.guest_file, *guest_args)

    def compile_argv(self) -> tuple[str, ...] | None:
        """``wavm compile``, for the CPU it runs on (or what LLVM 9 takes for it)."""
        module = self.module_file
        if module is None:
            return None
        return (self.executable, "compile", GUEST_WASM, module)

    @classmethod
    def version_argv(cls) -> tuple[str, ...]:
        """``wavm version``: it has no ``--version``."""
        return (cls.binary, "version")
