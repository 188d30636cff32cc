"""All runtimes, and the arms they make."""

from __future__ import annotations

from lab.core.arm import Arm
from lab.core.errors import ExperimentError
from lab.core.names import Edition, GraphFormat
from lab.core.near_names import did_you_mean
from lab.runtimes.base import Runtime
from lab.runtimes.bun import Bun
from lab.runtimes.deno import Deno
from lab.runtimes.frameworks import LiteRt, OnnxRuntime, TensorFlow
from lab.runtimes.native import Native
from lab.runtimes.node import Node
from lab.runtimes.preparation import unpreparable_because
from lab.runtimes.wamr import Wamr
from lab.runtimes.wasm2c import Wasm2c
from lab.runtimes.wasm3 import Wasm3
from lab.runtimes.wasmedge import WasmEdge
from lab.runtimes.wasmer import Wasmer
from lab.runtimes.wasmi import Wasmi
from lab.runtimes.wasmtime import Wasmtime
from lab.runtimes.wavm import Wavm

RUNTIMES: tuple[type[Runtime], ...] = (
    *(Native, Wasmtime, Wasmer, WasmEdge, Wavm, Wamr),
    *(Node, Deno, Bun, Wasmi, Wasm3, Wasm2c),
    *(LiteRt, OnnxRuntime, TensorFlow),
)
_BY_NAME = {runtime.name: runtime for runtime in RUNTIMES}
_ALL_ARMS = tuple(arm for runtime in RUNTIMES for arm in runtime.arms())


def all_arms(edition: str = Edition.CURRENT) -> tuple[Arm, ...]:
    """Every arm of the edition's runtimes, native first; unsupported ones included (`unsupported` says why).

    Raises:
        ExperimentError: there is no such edition.
    """
    _check_edition(edition)
    return tuple(arm for arm in _ALL_ARMS if _BY_NAME[arm.runtime].version_in(edition) is not None)


def pinned(arm: Arm, version: str) -> Runtime:
    """The arm at a version: its command lines, and what it cannot do.

    Args:
        arm: any arm of any edition.
        version: pinned, of the arm's runtime.

    Raises:
        ExperimentError: the lab has no such arm.
    """
    check(arm)
    return _BY_NAME[arm.runtime](arm, version)


def runtime_named(name: str) -> type[Runtime] | None:
    """The runtime of that name, in all its modes; None if the lab has none, such as for an old campaign's."""
    return _BY_NAME.get(name)


def unsupported(arm: Arm, edition: str = Edition.CURRENT, version: str | None = None) -> str | None:
    """Why the arm can't run in the edition; None if it can.

    Args:
        arm: any arm of any edition.
        edition: name of an edition.
        version: the pinned version of the arm's runtime; by default the one its module was written for.

    Raises:
        ExperimentError: the lab has no such arm, or no such edition.
    """
    _check_edition(edition)
    check(arm)
    runtime = _BY_NAME[arm.runtime]
    written_for = runtime.version_in(edition)
    if written_for is None:
        return f"edition {edition} has no {runtime.title}"
    own = pinned(arm, written_for if version is None else version).unsupported_because
    return own or unpreparable_because(arm, Wasmtime.version_in(edition))


def graph_format(arm: Arm) -> GraphFormat:
    """Of the graphs that the arm's guest reads.

    Raises:
        ExperimentError: the lab has no such arm.
    """
    return pinned(arm, "").graph_format


def source_tree(name: str, version: str) -> str | None:
    """What a runtime's version is where it is no release of its makers, for a reader; None if it is one."""
    runtime = _BY_NAME.get(name)
    return None if runtime is None else runtime.trees.get(version)


def check(arm: Arm) -> None:
    """Accept an arm that some runtime offers.

    Raises:
        ExperimentError: none does; the remedy names the arms that come nearest.
    """
    if arm in _ALL_ARMS:
        return
    runtime = _BY_NAME.get(arm.runtime)
    if runtime is None:
        complaint = f"'{arm.id}' names an unknown runtime, '{arm.runtime}'"
        hint = did_you_mean(arm.id, [known.id for known in _ALL_ARMS])
    else:
        complaint = f"'{arm.id}' is not an arm that {runtime.title} offers"
        hint = did_you_mean(arm.id, [known.id for known in runtime.arms()], cutoff=0.0)
    raise ExperimentError(complaint, f"{hint}`lab runtimes` lists all arms")


def _check_edition(edition: str) -> None:
    if edition not in tuple(Edition):
        hint = did_you_mean(edition, Edition)
        raise ExperimentError(f"there is no edition '{edition}'", f"{hint}choose one of {', '.join(Edition)}")
