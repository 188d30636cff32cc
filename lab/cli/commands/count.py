"""`lab count`: instructions and fuel, where clocks are too noisy to say what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab import __version__
from lab.campaign.experiment_file import check_obtainable
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.engines import EngineName
from lab.cli.options import Json
from lab.cli.output import note, say, say_json, say_table
from lab.cli.wiring import Lab, lab_of
from lab.core.errors import EXIT_NEGATIVE
from lab.core.experiment import Experiment
from lab.core.guest import GuestId
from lab.core.units import parse_fraction, show_percent
from lab.count.counting import TIER, Counting, experiment
from lab.count.record import SCHEMA, CountChange, CountFile, GuestCount, changes, read_counts, spread

_DEFAULT_GUESTS = ["native/o3", "wasm/o3"]


def count(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(help="Models to count.", show_default=False)],
    guest: Annotated[list[str], typer.Option(help="Guest build, such as wasm/o3-simd; repeat it.")] = _DEFAULT_GUESTS,
    batch: Annotated[int, typer.Option(help="Images per inference.", min=1)] = 1,
    repeat: Annotated[int, typer.Option(help="How often everything is counted.", min=1)] = 2,
    further: Annotated[int, typer.Option(help="Inferences of the longer run beside the first.", min=1)] = 1,
    against: Annotated[Path | None, typer.Option(help="An earlier count, as --json printed it.")] = None,
    margin: Annotated[str, typer.Option(help="By how much a count may grow.")] = "1%",
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Count instructions of native guests, and the fuel of wasm guests: no clock is read.

    A count is of a process with one inference, and of each further inference; it is the same on a busy machine.
    Native guests run under valgrind, wasm guests under Wasmtime, in containers like those of trials; outputs are
    checked. Builds what is missing and writes nothing else. Exit code 1 if a count is larger than the earlier one by
    more than the margin.

    Examples: `lab count mobilenet_v1_0.25_128 --json > before.json`, and after a change
    `lab count mobilenet_v1_0.25_128 --against before.json`.
    """
    lab = lab_of(context)
    guests = tuple(dict.fromkeys(map(GuestId.parse, guest)))
    names = tuple(dict.fromkeys(models))
    plan = experiment(guests, names, batch)
    check_obtainable(plan, TIER, lab.home)
    allowed = parse_fraction(margin)
    earlier = None if against is None else read_counts(against)
    with alone(f"count of {', '.join(names)}", wait=wait):
        counting = _counting(lab, plan)
        counts = tuple(
            counting.count(each, name, batch, repeat=repeat, further=further) for name in names for each in guests
        )
    changed = [] if earlier is None else changes(earlier.counts, counts, allowed)
    if json:
        say_json(CountFile(SCHEMA, __version__, counts))
    else:
        _say(counts)
    _say_changes(changed, json=json)
    if any(change.grew for change in changed):
        raise typer.Exit(EXIT_NEGATIVE)


def _counting(lab: Lab, plan: Experiment) -> Counting:
    with build_progress() as progress:
        materials = lab.gather(plan.cases(TIER), plan, progress)
        image = lab.counter_image(progress)
    return Counting(materials, lab.engine(EngineName.CONTAINER), image, plan.measure.limits, note)


def _say(counts: tuple[GuestCount, ...]) -> None:
    headers = ("guest", "model", "batch", "unit", "process", "further inference", "repeats", "counted by")
    say_table((_row(count) for count in counts), headers)


def _row(count: GuestCount) -> tuple[object, ...]:
    return (
        *(count.guest, count.model, count.batch, count.unit.value),
        *(f"{count.process[0]:,}", f"{count.inference[0]:,.0f}", _repeats(count), count.counter),
    )


def _repeats(count: GuestCount) -> str:
    """Whether repeats agree to the last digit, else by how much they differ."""
    if len(count.process) == 1:
        return "1"
    differs = max(spread(count.process), spread(count.inference))
    return f"{len(count.process)}, {'the same' if differs == 0 else f'within {show_percent(differs)}'}"


def _say_changes(changed: list[CountChange], *, json: bool) -> None:
    """A line for each quantity; beside JSON on standard error."""
    for change in changed:
        percent = f"{100 * (change.ratio - 1):+.3f} %" if change.ratio != 1 else "the same"
        because = f" (differs: {', '.join(change.because)})" if change.because else ""
        line = f"{change.name}: {change.before:,.0f} → {change.now:,.0f}, {percent}"
        (note if json else say)(f"{line}{', larger' if change.grew else ''}{because}")
