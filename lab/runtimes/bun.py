"""Bun: JavaScriptCore with its interpreter IPInt, its baseline compiler BBQ and its optimising compiler OMG, in tiers.

JavaScriptCore always begins with the interpreter, and compiles what is hot; OMG compiles only what ran in BBQ, so that
it cannot be had alone. It keeps no machine code. Bun's WASI is written in JavaScript.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import Runtime
from lab.runtimes.node import LAUNCHERS

_NO_OMG = {"BUN_JSC_useOMGJIT": "0"}
_NO_BBQ = {"BUN_JSC_useBBQJIT": "0"}


class Bun(Runtime):
    """``bbq`` is the baseline compiler without the optimising one."""

    name = "bun"
    title = "Bun (JavaScriptCore)"
    colour = "#BBDD88"
    image = "bun"
    binary = "/usr/local/bin/bun"
    systems = ((Mode.JIT, "tiered"), (Mode.JIT, "bbq"), (Mode.INTERPRETER, None))
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "1.4.4"}

    @property
    def compiles_at_start(self) -> bool:
        """Nothing is compiled before it ran often."""
        return False

    @property
    def environment(self) -> dict[str, str]:
        """JavaScriptCore's options, of which Bun refuses any that it does not know; and no cache of scripts."""
        no_cache = {"BUN_RUNTIME_TRANSPILER_CACHE_PATH": "0", "DO_NOT_TRACK": "1"}
        if self.arm.mode is Mode.INTERPRETER:
            return {**no_cache, **_NO_BBQ, **_NO_OMG}
        return {**no_cache, **_NO_OMG} if self.arm.backend == "bbq" else no_cache

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``bun`` with the launcher that Node has, too; it installs nothing, and reads no settings beside the guest."""
        isolated = ("--no-install", "--no-env-file")
        return (self.executable, *isolated, f"{LAUNCHERS}/run.mjs", self.guest_file, *guest_args)
