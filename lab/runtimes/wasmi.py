"""Wasmi: an interpreter of register code, which it translates functions into, all at once or each at its first call.

Its command line keeps no cache.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import Runtime


class Wasmi(Runtime):
    """``lazy-translation``, the default, validates the whole guest first; ``lazy`` does not even that."""

    name = "wasmi"
    title = "Wasmi"
    colour = "#112288"
    image = "wasmi"
    binary = "/usr/local/bin/wasmi"
    systems = tuple((Mode.INTERPRETER, backend) for backend in ("lazy-translation", "lazy", "eager"))
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "2.0.0"}

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``wasmi run``; ``--dir .`` opens the working directory under the guest's own name for it."""
        options = ("--compilation-mode", self.arm.backend or "", "--dir", ".")
        return (self.executable, "run", *options, self.guest_file, *guest_args)
