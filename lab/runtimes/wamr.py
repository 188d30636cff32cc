"""WAMR, the WebAssembly Micro Runtime: two interpreters, each a build of its own, and LLVM ahead of time.

``iwasm`` takes its stack from an option with a small default; 8 MiB holds the deepest graph of the zoo. It can't give
a directory another name in the guest, and it refuses modules whose relocations are padded (the guest is linked with
``--compress-relocations``). ``wamrc`` exits with 0 even when it
fails. ``iwasm --version`` prints the usage in the tree of 2020, which names no version.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_WASM, Runtime

_STACK_BYTES = 8 * 2**20
# the vendored tree that package registries carry: WAMR of December 2020
_REGISTRY_TREE = "0.1.1"


class Wamr(Runtime):
    """The fast interpreter rewrites the module into code of its own first: more speed and more memory than classic."""

    name = "wamr"
    title = "WAMR"
    colour = "#D55E00"
    image = "wamr"
    binary = "/usr/local/bin/iwasm-fast"
    systems = ((Mode.INTERPRETER, "fast"), (Mode.INTERPRETER, "classic"), (Mode.AOT, "llvm"))
    module_suffix = ".aot"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: _REGISTRY_TREE, Edition.PAPER: _REGISTRY_TREE}
    trees: ClassVar[dict[str, str]] = {_REGISTRY_TREE: "a patched source tree of December 2020"}

    @property
    def executable(self) -> str:
        """One ``iwasm`` per interpreter; either runs precompiled modules."""
        return "/usr/local/bin/iwasm-classic" if self.arm.backend == "classic" else self.binary

    @property
    def unsupported_because(self) -> str | None:
        """No build here interprets vectors, and the tree of 2020 has no final encoding of them either."""
        if not self.arm.guest.has_vectors:
            return None
        if self.version == _REGISTRY_TREE:
            return "this WAMR is of 2020 and is built without wasm's vector instructions"
        if self.arm.mode is Mode.INTERPRETER:
            return "WAMR's interpreters are built without wasm's vector instructions"
        return None

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``iwasm``, the working directory opened under its own name."""
        options = (f"--stack-size={_STACK_BYTES}", "--dir=.")
        return (self.executable, *options, self.guest_file, *guest_args)

    def compile_argv(self) -> tuple[str, ...] | None:
        """``wamrc``, optimising for speed; the guest copies memory in bulk."""
        module = self.module_file
        if module is None:
            return None
        options = ("--enable-bulk-memory", "--opt-level=3", "--size-level=0")
        return ("/usr/local/bin/wamrc", *options, "-o", module, GUEST_WASM)
