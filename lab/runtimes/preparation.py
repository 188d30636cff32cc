"""Preparing a guest: its model is loaded once, and what loading left in memory becomes what every run starts with.

For WebAssembly, Wasmtime's ``wizer`` runs the guest's own loading and writes the linear memory back into the module,
which any runtime then takes. Natively the guest writes the heap that holds its plan to a file and maps it,
copy-on-write.
"""

from __future__ import annotations

from lab.core.arm import NATIVE_RUNTIME, Arm
from lab.core.names import Target
from lab.runtimes.base import GUEST_NATIVE, GUEST_WASM, OUT, WORK, version_tuple
from lab.runtimes.wasmtime import Wasmtime

HEAP = "model.heap"
"""The native guest's model in a trial's working directory."""

_INITIALISE = "wizer.initialize"
_HAS_WIZER = (50,)


def preparer_of(arm: Arm) -> str:
    """The runtime whose image prepares the arm's guest."""
    return NATIVE_RUNTIME if arm.target == Target.NATIVE else Wasmtime.name


def prepared_name(arm: Arm) -> str:
    """File name of what a preparation makes: a module, or a heap."""
    return HEAP if arm.target == Target.NATIVE else GUEST_WASM


def prepare_argv(arm: Arm, model: str, shape: str, outputs: str) -> tuple[str, ...]:
    """The command that leaves the prepared guest in `OUT`.

    Args:
        arm: of a prepared guest.
        model: the graph's file, relative to the working directory.
        shape: of the input, sizes with commas between them.
        outputs: names of nodes, with commas between them.
    """
    made = f"{OUT}/{prepared_name(arm)}"
    if arm.target == Target.NATIVE:
        return (f"{WORK}/{GUEST_NATIVE}", "keep", model, shape, outputs, made)
    variables = {"INFER_MODEL": model, "INFER_SHAPE": shape, "INFER_OUTPUTS": outputs}
    settings = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    # without `cli` an instance gets no WASI at all
    options = ("-C", "cache=n", "-S", "cli=y", "--dir", ".", *settings)
    return (Wasmtime.binary, "wizer", *options, "--init-func", _INITIALISE, "-o", made, GUEST_WASM)


def unpreparable_because(arm: Arm, wasmtime: str | None) -> str | None:
    """Why the arm's guest cannot be prepared; None if it can, or need not be.

    Args:
        arm: any.
        wasmtime: version of the Wasmtime that would prepare it; None if there is none.
    """
    if not arm.guest.is_prepared or arm.target == Target.NATIVE:
        return None
    if wasmtime is None:
        return "modules are prepared by Wasmtime, which this edition lacks"
    if version_tuple(wasmtime) < _HAS_WIZER:
        needed = f"it takes version {_HAS_WIZER[0]} or newer"
        return f"modules are prepared by Wasmtime's wizer, which Wasmtime {wasmtime} here is built without: {needed}"
    return None
