"""`lab run`: an experiment from nothing to a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from lab.campaign.experiment_file import cases_of, load_plan
from lab.campaign.materials import Materials
from lab.campaign.prepare import manifest_of
from lab.campaign.run import CampaignRun
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.engines import EngineName, EngineOption
from lab.cli.measuring import measuring
from lab.cli.options import ExperimentFile, Results, TierName
from lab.cli.output import note, say
from lab.cli.questions import wants_for
from lab.cli.rendering import print_report, refresh_report
from lab.cli.wiring import Lab, lab_of
from lab.core.case import Case
from lab.core.errors import EXIT_NEGATIVE, UsageError
from lab.core.experiment import Experiment, Measure
from lab.core.manifest import Manifest
from lab.core.names import Gate, Stop
from lab.core.units import show_duration
from lab.disk.measuring_lock import MeasuringLock
from lab.disk.paths import RESULTS
from lab.engines.engine import Engine
from lab.engines.host import misfits
from lab.store.campaigns import (
    campaign_name,
    create,
    find_resumable,
    mark_finished,
    point_latest,
    read_manifest,
    reopen,
    why_not_resumed,
)

# Of what has changed since a campaign that cannot be resumed, so much is named.
MOST_CHANGES = 5


def run(
    context: typer.Context,
    experiment: ExperimentFile,
    tier: TierName = "standard",
    budget: Annotated[str | None, typer.Option(help="Measuring time instead of the tier's, such as 2h.")] = None,
    blocks: Annotated[int | None, typer.Option(help="At most so many blocks.", min=1)] = None,
    precision: Annotated[str | None, typer.Option(help="Half-width to stop at, such as 1%.")] = None,
    edition: Annotated[str | None, typer.Option(help="Pinned runtimes: current or paper.")] = None,
    gate: Annotated[Gate | None, typer.Option(help="Wait for a quiet machine before each trial: on or off.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Worlds that blocks run in by turns.", min=1)] = None,
    stop: Annotated[Stop | None, typer.Option(help="Stop a case at precision, or when its verdict is known.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Leave earlier campaigns as they are; begin a new one.")] = False,
    engine: EngineOption = EngineName.CONTAINER,
    results: Results = RESULTS,
    wait: Wait = False,
) -> None:
    """Measure an experiment and report it.

    Builds what is missing, then writes results/EXPERIMENT-TIER-TIME/ with manifest.json, trials.jsonl and report/.
    The report is valid from the first block on. Interrupted at any time, the same command resumes; a campaign that
    ended goes on if --budget is larger than what it had.
    """
    options = partial(
        _adapted,
        tier=tier,
        budget=budget,
        blocks=blocks,
        edition=edition,
        of_measure={"precision": precision, "gate": gate, "replicates": replicates, "stop": stop},
    )
    lab = lab_of(context)
    plan = load_plan(experiment, tier, lab.home, options)
    with alone(f"{plan.name}, tier {tier}", wait=wait) as held:
        directory, materials = build_and_measure(lab, plan, tier, lab.engine(engine), held, results=results, new=new)
        failed = print_report(directory, say)
        if failed:
            raise typer.Exit(failed)
        # imported here: verifying renders the report again, with libraries that measuring does without
        from lab.cli.commands.verify import conclude, quick_items  # noqa: PLC0415

        if conclude(quick_items(lab, directory, materials)):
            raise typer.Exit(EXIT_NEGATIVE)


def build_and_measure(
    lab: Lab, plan: Experiment, tier: str, chosen: Engine, held: MeasuringLock, *, results: Path, new: bool
) -> tuple[Path, Materials]:
    """Everything after the names are known to be right: what is missing is built, then measured.

    Returns:
        The campaign's directory, and what was measured with.
    """
    cases = cases_of(plan, tier)
    note(f"{len(cases)} cases of '{plan.name}', tier {tier}: {plan.question}")
    for misfit in misfits(plan.measure_in(plan.tier(tier))):
        note(f"warning: {misfit}")
    with build_progress() as progress:
        materials = lab.gather(cases, plan, progress)
    for why in materials.absent.values():
        note(f"not measured: {why}")
    directory = _campaign_directory(materials, plan, tier, cases, chosen, results=results, new=new)
    held.describe(f"campaign {directory.name}")
    _measure(lab, directory, plan, tier, cases, materials, chosen)
    return directory, materials


def _adapted(
    experiment: Experiment,
    *,
    tier: str,
    budget: str | None,
    blocks: int | None,
    edition: str | None,
    of_measure: Mapping[str, object],
) -> Experiment:
    """The experiment as the options change it; those of `measure` by the name of their key."""
    chosen = experiment.tier(tier)
    if budget is not None:
        chosen = msgspec.structs.replace(chosen, budget=budget)
    if blocks is not None:
        least = min(blocks, chosen.min_blocks)
        chosen = msgspec.structs.replace(chosen, min_blocks=least, max_blocks=blocks)
    given = {key: value for key, value in of_measure.items() if value is not None}
    return msgspec.structs.replace(
        experiment,
        tiers={**experiment.tiers, tier: chosen},
        measure=msgspec.convert({**msgspec.to_builtins(experiment.measure), **given}, Measure),
        edition=edition or experiment.edition,
    )


def _campaign_directory(
    materials: Materials,
    experiment: Experiment,
    tier: str,
    cases: tuple[Case, ...],
    engine: Engine,
    *,
    results: Path,
    new: bool,
) -> Path:
    """The campaign of the same fingerprint that there is more to measure in, or a fresh one."""
    now = datetime.now(UTC)
    name = campaign_name(experiment.name, tier, now)
    created_at = now.isoformat(timespec="seconds")
    manifest = manifest_of(materials, experiment, tier, cases, engine, name=name, created_at=created_at)
    found = None if new else find_resumable(results, manifest)
    if found is not None:
        _check_looks(found, manifest)
        note(f"resuming {found}")
        return found
    if not new and (other := why_not_resumed(results, manifest)) is not None:
        note(f"begins a new campaign: {other[0]} cannot go on, since these have changed: {_in_short(other[1])}")
    return create(results, manifest)


def _check_looks(directory: Path, manifest: Manifest) -> None:
    """Refuse to move the last look of a sequential campaign: its bounds rest on a number that was fixed before."""
    planned, fixed = (known.experiment.tier(known.tier).max_blocks for known in (manifest, read_manifest(directory)))
    if manifest.experiment.measure.limits.is_sequential and planned != fixed:
        raise UsageError(
            f"{directory} stops at sequential bounds for at most {fixed} blocks, which cannot become {planned}",
            f"go on with --blocks {fixed}, or begin another campaign with --new",
        )


def _in_short(changes: tuple[str, ...]) -> str:
    rest = len(changes) - MOST_CHANGES
    return ", ".join(changes[:MOST_CHANGES]) + (f" and {rest} more" if rest > 0 else "")


def _measure(
    lab: Lab,
    directory: Path,
    experiment: Experiment,
    tier: str,
    cases: tuple[Case, ...],
    materials: Materials,
    engine: Engine,
) -> None:
    limits = experiment.tier(tier)
    note(f"measuring into {directory} for at most {show_duration(limits.budget_s)}")
    refresh = partial(refresh_report, directory, note)
    try:
        with measuring(lab, directory, materials, experiment.measure_in(limits), engine, refresh) as session:
            # only now: a campaign whose journal is damaged, or in use, stays as it is
            reopen(directory)
            point_latest(directory)
            CampaignRun(session, limits, cases, wants_for(experiment.name)).run()
            mark_finished(directory, len(session.trials), limits.budget_s)
            session.remove_worlds()
    except KeyboardInterrupt:
        refresh()
        raise
