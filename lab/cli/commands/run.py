"""`lab run`: an experiment from nothing to a report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from lab.campaign.experiment_file import cases_of, load_plan
from lab.campaign.materials import Materials
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.campaign import RunningCampaign
from lab.cli.engines import EngineName, EngineOption
from lab.cli.first_figure import FirstFigure
from lab.cli.options import ExperimentFile, Results, TierName
from lab.cli.output import note, say
from lab.cli.rendering import short_report
from lab.cli.wiring import Lab, lab_of
from lab.core.case import Case
from lab.core.errors import EXIT_NEGATIVE
from lab.core.experiment import Experiment, Measure
from lab.core.names import Gate, Stop
from lab.disk.measuring_lock import MeasuringLock
from lab.disk.paths import RESULTS
from lab.engines.engine import Engine
from lab.engines.host import misfits


def run(
    context: typer.Context,
    experiment: ExperimentFile,
    tier: TierName = "standard",
    budget: Annotated[str | None, typer.Option(help="Measuring time instead of the tier's, such as 2h.")] = None,
    blocks: Annotated[int | None, typer.Option(help="At most so many blocks.", min=1)] = None,
    precision: Annotated[str | None, typer.Option(help="Half-width to stop at, such as 1%.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory limit of each trial, such as 256MiB.")] = None,
    edition: Annotated[str | None, typer.Option(help="Pinned runtimes: current or paper.")] = None,
    gate: Annotated[Gate | None, typer.Option(help="Wait for a quiet machine before each trial: on or off.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Worlds that blocks run in by turns.", min=1)] = None,
    stop: Annotated[Stop | None, typer.Option(help="Stop a case at precision, or when its verdict is known.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Leave earlier campaigns as they are; begin a new one.")] = False,
    engine: EngineOption = EngineName.CONTAINER,
    results: Results = RESULTS,
    wait: Wait = False,
    scheduler: Annotated[
        str | None, typer.Option(help="Measure on other hosts, which find this machine at HOST or HOST:PORT.")
    ] = None,
    share: Annotated[Path | None, typer.Option(help="With --scheduler: a directory of files that hosts share.")] = None,
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
        of_measure={"precision": precision, "memory": memory, "gate": gate, "replicates": replicates, "stop": stop},
    )
    lab = lab_of(context)
    plan = load_plan(experiment, tier, lab.home, options)
    if scheduler is not None:
        # imported here: most campaigns have one host
        from lab.cli.spread import run_on_hosts  # noqa: PLC0415

        made_on_hosts = run_on_hosts(lab, plan, tier, scheduler, engine, results=results, new=new, share=share)
        failed, answer = short_report(made_on_hosts)
        say(answer)
        raise typer.Exit(failed)
    with alone(f"{plan.name}, tier {tier}", wait=wait) as held:
        made = build_and_measure(lab, plan, tier, lab.engine(engine), held, results=results, new=new)
        failed, answer = short_report(made.directory)
        if failed:
            raise typer.Exit(failed)
        # imported here: verifying renders the report again, with libraries that measuring does without
        from lab.cli.commands.verify import conclude, quick_items  # noqa: PLC0415

        made.first_figure.ended()
        differs = conclude(quick_items(lab, made.directory, made.materials))
        say(f"\n{answer}")
        if differs:
            raise typer.Exit(EXIT_NEGATIVE)


class EndedCampaign(NamedTuple):
    """A campaign that has ended.

    Attributes:
        directory: its own.
        materials: what was measured with.
        first_figure: what was promised of it.
    """

    directory: Path
    materials: Materials
    first_figure: FirstFigure


def build_and_measure(
    lab: Lab, plan: Experiment, tier: str, chosen: Engine, held: MeasuringLock, *, results: Path, new: bool
) -> EndedCampaign:
    """Everything after the names are known to be right: what is missing is built, then measured.

    Where some runtimes take long to build, the cases that do not need them are measured once before that.
    """
    cases = cases_of(plan, tier)
    note(f"{len(cases)} cases of '{plan.name}', tier {tier}: {plan.question}")
    for misfit in misfits(plan.measure_in(plan.tier(tier))):
        note(f"warning: {misfit}")
    outlook = lab.outlook(cases, plan)
    first = FirstFigure(outlook, plan.tier(tier).budget_s)
    first.announce()
    campaign = RunningCampaign(lab, plan, tier, chosen, results, first)
    if outlook.early:
        note(f"{len(outlook.early)} cases are measured once before the others' runtimes are built")
        early = _gather(lab, outlook.early, plan)
        campaign.open(early, outlook.early, new=new)
        held.describe(f"campaign {campaign.directory.name}")
        campaign.measure_early(early, outlook.early)
    materials = _gather(lab, cases, plan)
    for why in materials.absent.values():
        note(f"not measured: {why}")
    if outlook.early:
        campaign.grow(materials, cases)
    else:
        campaign.open(materials, cases, new=new)
    held.describe(f"campaign {campaign.directory.name}")
    campaign.measure(materials, cases)
    return EndedCampaign(campaign.directory, materials, first)


def _gather(lab: Lab, cases: tuple[Case, ...], plan: Experiment) -> Materials:
    with build_progress() as progress:
        return lab.gather(cases, plan, progress)


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
