"""Deno: a V8 younger than Node's (15.0 beside 13.6), and a WASI of its own.

Deno caches what it learns of scripts in ``DENO_DIR``, and their code; the directory is empty in every container, the
code cache off. It caches nothing of WebAssembly that is compiled from bytes, as here.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import Runtime
from lab.runtimes.node import EAGER, LAUNCHERS, V8_BACKENDS, v8_flags


class Deno(Runtime):
    """The same choices of V8's as Node's."""

    name = "deno"
    title = "Deno (V8)"
    colour = "#663311"
    image = "deno"
    binary = "/usr/local/bin/deno"
    systems = tuple((Mode.JIT, backend) for backend in V8_BACKENDS)
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "2.9.8"}

    @property
    def compiles_at_start(self) -> bool:
        """Eager arms do."""
        return (self.arm.backend or "").endswith(EAGER)

    @property
    def environment(self) -> dict[str, str]:
        """A cache that is empty in every container, and no question whether there is a newer release."""
        return {"DENO_DIR": "/tmp/deno", "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}  # noqa: S108

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``deno run``, which may read and write below the working directory and nothing else."""
        isolated = ("--no-code-cache", "--no-config", "--no-lock", "--no-npm", "--no-remote", "--no-prompt")
        permissions = ("--allow-read=.", "--allow-write=.")
        flags = v8_flags(self.arm.backend or "")
        options = (*isolated, *permissions, *((f"--v8-flags={','.join(flags)}",) if flags else ()))
        return (self.executable, "run", *options, f"{LAUNCHERS}/run.mjs", self.guest_file, *guest_args)
