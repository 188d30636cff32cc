"""WAMR, the WebAssembly Micro Runtime: two interpreters, each a build of its own, and LLVM ahead of time.

``iwasm`` takes its stack from an option with a small default; 8 MiB holds the deepest graph of the zoo. It can't give
a directory another name in the guest, and it refuses modules whose relocations are padded (the guest is linked with
``--compress-relocations``). ``wamrc`` exits with 0 even when it fails.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Arm, GuestProfile, Mode
from lab.runtimes.base import GUEST_WASM, Runtime

_STACK_BYTES = 8 * 2**20
# the vendored tree that package registries carry: WAMR of December 2020
_REGISTRY_TREE = "0.1.1"


class Wamr(Runtime):
    """The fast interpreter rewrites the module into code of its own first: more speed and more memory than classic."""

    name = "wamr"
    title = "WAMR"
    image = "wamr"
    systems = ((Mode.INTERPRETER, "fast"), (Mode.INTERPRETER, "classic"), (Mode.AOT, "llvm"))
    artifacts = ".aot"
    versions: ClassVar[dict[str, str]] = {"current": _REGISTRY_TREE, "paper": _REGISTRY_TREE}
    trees: ClassVar[dict[str, str]] = {_REGISTRY_TREE: "a patched source tree of December 2020"}

    def executable(self, arm: Arm) -> str:
        """One ``iwasm`` per interpreter; either runs artifacts."""
        return "/usr/local/bin/iwasm-classic" if arm.backend == "classic" else "/usr/local/bin/iwasm-fast"

    def unsupported_because(self, arm: Arm, version: str) -> str | None:
        """No build here interprets vectors, and the tree of 2020 has no final encoding of them either."""
        if arm.guest is not GuestProfile.O3_SIMD:
            return None
        if version == _REGISTRY_TREE:
            return "this WAMR is of 2020 and is built without wasm's vector instructions"
        if arm.mode is Mode.INTERPRETER:
            return "WAMR's interpreters are built without wasm's vector instructions"
        return None

    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG002
        """``iwasm``, the working directory opened under its own name."""
        options = (f"--stack-size={_STACK_BYTES}", "--dir=.")
        return (self.executable(arm), *options, self.guest_file(arm), *guest_args)

    def compile_argv(self, arm: Arm, version: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """``wamrc``, optimising for speed; the guest copies memory in bulk."""
        artifact = self.artifact_file(arm)
        if artifact is None:
            return None
        options = ("--enable-bulk-memory", "--opt-level=3", "--size-level=0")
        return ("/usr/local/bin/wamrc", *options, "-o", artifact, GUEST_WASM)

    def version_argv(self) -> tuple[str, ...]:
        """``iwasm --version``, which the tree of 2020 answers with its usage: it names no version there."""
        return ("/usr/local/bin/iwasm-fast", "--version")
