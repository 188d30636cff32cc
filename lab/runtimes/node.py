"""Node: V8 with its baseline compiler Liftoff, its optimising compiler TurboFan, and both in tiers.

V8 compiles a function when it is first called, by default with Liftoff, and hot ones again with TurboFan on threads of
its own. ``eager`` arms compile all of the guest before its first instruction. Node keeps no machine code of
WebAssembly; its compile cache holds JavaScript only and is off. V8 itself can write its machine code down and take it
back, with functions meant for its own tests: that is the arm ahead of time.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import Mode
from lab.core.names import Edition
from lab.runtimes.base import GUEST_WASM, Runtime

LAUNCHERS = "/usr/local/lib/lab"
EAGER = "-eager"

_EAGER_FLAG = "--no-wasm-lazy-compilation"
_NATIVES = "--allow-natives-syntax"
_TIERED, _LIFTOFF, _TURBOFAN = "tiered", "liftoff", "turbofan"
_TIERS: dict[str, tuple[str, ...]] = {
    _TIERED: (),
    _LIFTOFF: ("--liftoff-only",),
    _TURBOFAN: ("--no-liftoff",),
}
V8_BACKENDS = (*_TIERS, *(f"{tier}{EAGER}" for tier in _TIERS))


def v8_flags(backend: str) -> tuple[str, ...]:
    """The options of V8 that choose one of `V8_BACKENDS`."""
    tier = backend.removesuffix(EAGER)
    return (*_TIERS[tier], *((_EAGER_FLAG,) if backend.endswith(EAGER) else ()))


class Node(Runtime):
    """TurboFan's code is what is written down ahead of time: V8 keeps none of Liftoff's."""

    name = "node"
    title = "Node (V8)"
    colour = "#8800FF"
    image = "node"
    binary = "/usr/local/bin/node"
    systems = (*((Mode.JIT, backend) for backend in V8_BACKENDS), (Mode.AOT, _TURBOFAN))
    module_suffix = ".v8"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "24.19.0"}

    @property
    def compiles_at_start(self) -> bool:
        """Eager arms do."""
        return self.arm.mode is Mode.JIT and (self.arm.backend or "").endswith(EAGER)

    @property
    def environment(self) -> dict[str, str]:
        """The compile cache stays off, whatever the image's environment says."""
        return {"NODE_DISABLE_COMPILE_CACHE": "1"}

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """``node`` with a launcher that opens the working directory to the guest."""
        return (*self._node(), f"{LAUNCHERS}/run.mjs", self.guest_file, *guest_args)

    def compile_argv(self) -> tuple[str, ...] | None:
        """A launcher that writes V8's code down; V8 takes it back under the same flags only."""
        module = self.module_file
        if module is None:
            return None
        return (*self._node(), f"{LAUNCHERS}/precompile.mjs", GUEST_WASM, module)

    def _node(self) -> tuple[str, ...]:
        backend = self.arm.backend or _TIERED
        # node:wasi warns on standard error that it is experimental
        quiet = "--disable-warning=ExperimentalWarning"
        if self.arm.mode is Mode.AOT:
            return (self.executable, quiet, _NATIVES, *v8_flags(f"{backend}{EAGER}"))
        return (self.executable, quiet, *v8_flags(backend))
