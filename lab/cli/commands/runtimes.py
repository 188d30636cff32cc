"""`lab runtimes`: every arm, what it can do, and where its runtime comes from."""

from __future__ import annotations

import msgspec
import typer

from lab.builds.images.labels import ImageInfo
from lab.builds.pins import load_pins
from lab.cli.options import CURRENT, Edition, Json
from lab.cli.output import note, say_json, say_table
from lab.cli.wiring import Lab, lab_of
from lab.core.arm import Arm
from lab.core.errors import LabError
from lab.runtimes import registry
from lab.runtimes.preparation import unpreparable_because
from lab.runtimes.wasmtime import Wasmtime


class ArmRow(msgspec.Struct, frozen=True):
    """One arm, as `--json` prints it.

    Attributes:
        arm: its id.
        runtime, mode, backend, guest: its parts.
        version: of the runtime, from its image if there is one, else as pinned; None for native.
        supply: where the image's binary came from; None if there is no image yet.
        built: whether its image is here.
        precompiles: whether a compile trial precedes its trials.
        unsupported_because: why it cannot run; None if it can.
    """

    arm: str
    runtime: str
    mode: str
    backend: str | None
    guest: str
    version: str | None
    supply: str | None
    built: bool
    precompiles: bool
    unsupported_because: str | None


def runtimes(context: typer.Context, edition: Edition = CURRENT, json: Json = False) -> None:
    """List every arm with its runtime's version and supply, and why it cannot run if it cannot. Writes nothing."""
    arms = registry.all_arms(edition)
    images = _images(lab_of(context), edition)
    rows = [_row(arm, edition, images.get(arm.runtime)) for arm in arms]
    if json:
        say_json(rows)
        return
    table = [
        (row.arm, row.version, row.supply or "not built", "yes" if row.precompiles else "", row.unsupported_because)
        for row in rows
    ]
    say_table(table, ("arm", "version", "supply", "precompiles", "unsupported because"))


def _images(lab: Lab, edition: str) -> dict[str, ImageInfo]:
    try:
        return lab.find_images(edition)
    except LabError as error:  # the list of arms is worth having without an engine
        note(f"images unknown: {error.message}")
        return {}


def _row(arm: Arm, edition: str, image: ImageInfo | None) -> ArmRow:
    pins = load_pins().edition(edition).runtimes
    pinned = pins[arm.runtime].version if arm.runtime in pins else None
    version = (image.version if image else pinned) or None
    runtime = registry.pinned(arm, version or "")
    reason = None if pinned is not None else f"edition {edition} has no {runtime.title}"
    if reason is None:
        wasmtime = pins[Wasmtime.name].version if Wasmtime.name in pins else None
        reason = runtime.unsupported_because or unpreparable_because(arm, wasmtime)
    return ArmRow(
        arm=arm.id,
        runtime=arm.runtime,
        mode=arm.mode.value,
        backend=arm.backend,
        guest=arm.guest.value,
        version=version,
        supply=image.supply if image else None,
        built=image is not None,
        precompiles=runtime.compile_argv() is not None,
        unsupported_because=reason,
    )
