"""Wasm3: an interpreter that threads a function's operations together at its first call.

The newest release is of June 2021. The Python package that carries its source has no command line and no WASI, so
both are the lab's (`launchers/wasm3.c`). It keeps no cache.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import Runtime


class Wasm3(Runtime):
    """The paper names it as one that cannot handle AI tasks, and does not measure it."""

    name = "wasm3"
    title = "Wasm3"
    colour = "#33DDFF"
    image = "wasm3"
    binary = "/usr/local/bin/wasm3"
    systems = ((Mode.INTERPRETER, None),)
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "0.5.0"}

    @property
    def unsupported_because(self) -> str | None:
        """It is older than wasm's vectors."""
        if self.arm.guest.has_vectors:
            return f"Wasm3 {self.version} has no vector instructions"
        return None

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """The lab's launcher, which opens the working directory to the guest."""
        return (self.executable, self.guest_file, *guest_args)
