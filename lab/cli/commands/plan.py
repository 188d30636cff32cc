"""`lab plan`: what an experiment would do, cost and need, before it starts.

What only `--claims` needs, numpy and SciPy behind it, is imported for that option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lab.campaign.experiment_file import cases_of, load_plan
from lab.campaign.plan_estimate import PlanEstimate, estimate
from lab.campaign.plan_hosts import HostsEstimate, estimate_hosts
from lab.cli.options import ExperimentFile, Json, TierName
from lab.cli.output import note, say, say_json, say_table
from lab.cli.wiring import lab_of
from lab.core.arm import GuestProfile
from lab.core.units import parse_duration_s, show_bytes, show_duration
from lab.disk.paths import RESULTS
from lab.engines.host import misfits
from lab.store.campaigns import resolve
from lab.store.journal import JOURNAL_NAME, read_trials

if TYPE_CHECKING:
    from lab.campaign.sets.forecast import Forecast

# What `--claims` predicts for.
BUDGETS = ("20m", "60m", "4h", "24h")


def plan(
    context: typer.Context,
    experiment: ExperimentFile,
    tier: TierName = "standard",
    precision: Annotated[
        str | None, typer.Option(help="Predict blocks for this half-width from the latest campaign, such as 1%.")
    ] = None,
    claims: Annotated[
        bool, typer.Option("--claims", help="Show how many of the experiment's claims budgets would decide.")
    ] = False,
    after: Annotated[
        str | None, typer.Option(help="With --claims: a campaign that goes on; shows what each open claim still lacks.")
    ] = None,
    hosts: Annotated[
        int | None, typer.Option(min=1, help="Show what up to so many hosts would finish when, by simulation.")
    ] = None,
    json: Json = False,
) -> None:
    """Show cases, estimated time, disk and memory of a tier. Writes nothing."""
    home = lab_of(context).home
    chosen = load_plan(experiment, tier, home, lambda same: same)
    found = estimate(chosen, tier, cases_of(chosen, tier), home, RESULTS, precision)
    for misfit in misfits(chosen.measure_in(chosen.tier(tier))):
        note(f"warning: {misfit}")
    if claims:
        from lab.campaign.sets.forecast import forecast  # noqa: PLC0415 - as above
        from lab.cli.questions import wants_for  # noqa: PLC0415

        wants = wants_for(chosen.name)
        trials = [] if after is None else list(read_trials(resolve(RESULTS, after) / JOURNAL_NAME))
        predicted = forecast(wants, chosen.tier(tier), found.cases, tuple(map(parse_duration_s, BUDGETS)), trials)
        if json:
            say_json(predicted)
        else:
            if after is not None:
                _show_open(predicted)
            _show_claims(predicted, found, len(wants))
    elif hosts is not None:
        _show_hosts(found, estimate_hosts(found, hosts, chosen.tier(tier).cell_budget_s), json=json)
    elif json:
        say_json(found)
    else:
        _show(found)


def _show_open(predicted: Forecast) -> None:
    open_claims = [claim for claim in predicted.questions if claim.cost_s != 0]
    ordered = sorted(open_claims, key=lambda claim: (claim.cost_s is None, claim.cost_s or 0.0, claim.name))
    rows = [(claim.name, "cannot be had" if claim.cost_s is None else show_duration(claim.cost_s)) for claim in ordered]
    say_table(rows, ("open claim", "lacks"))
    done = len(predicted.questions) - len(ordered)
    say(f"\n{done} claims are measured as narrowly as they ask for; with further time:\n")


def _show_claims(predicted: Forecast, found: PlanEstimate, wanted: int) -> None:
    levels = [guest for guest in GuestProfile if any(each.name.endswith(f"@{guest}") for each in predicted.questions)]
    rows = [
        (
            show_duration(each.budget_s),
            *(sum(name.endswith(f"@{guest}") for name in each.answered) for guest in levels),
            len({name.rpartition("@")[0] for name in each.answered}),
        )
        for each in predicted.budgets
    ]
    say_table(rows, ("budget", *(f"level {guest}" for guest in levels), "either"))
    free = sum(each.cost_s is not None for each in predicted.questions)
    say(f"\nclaims measured as narrowly as they ask for, of {wanted}, each level by itself")
    say(f"{free} of them can be had in this tier; one whose figure lies on its line stays open whatever is measured")
    if found.unfrozen:
        unfrozen = ", ".join(found.unfrozen)
        say(f"without claims on networks that are not frozen yet ({unfrozen}): `lab models prepare` freezes them")


def _show_hosts(found: PlanEstimate, on_hosts: tuple[HostsEstimate, ...], *, json: bool) -> None:
    if json:
        say_json(on_hosts)
        return
    left_out = sum(each.trial_s is None and each.unsupported_because is None for each in found.cases)
    unknown = f"{left_out} cases on networks that are not frozen yet: `lab models prepare` freezes them"
    if not on_hosts:
        say(f"no case's time is known, for {unknown}" if left_out else "no case can be run within the cell budget")
        return
    rows = [
        (each.hosts, show_duration(each.minimum_s), show_duration(each.maximum_s), f"{each.used:.0%}")
        for each in on_hosts
    ]
    least, most = (f"{blocks} blocks after" for blocks in (found.min_blocks, found.max_blocks))
    say_table(rows, ("hosts", least, most, "hosts used"))
    say(f"\nevery host may measure for {show_duration(found.budget_s)}; a block stays on one host")
    say("simulated: hosts differ by 5 %, one in twenty is half as fast, each fails once a week")
    if left_out:
        say(f"without {unknown}")


def _show(found: PlanEstimate) -> None:
    rows = [
        (
            case.case,
            "" if case.trial_s is None else show_duration(case.trial_s),
            case.basis,
            case.blocks_for_precision or "",
            case.inferences_that_pay or "",
            case.unsupported_because or "",
        )
        for case in found.cases
    ]
    say_table(rows, ("case", "a trial", "rests on", "blocks wanted", "inferences that pay", "unsupported"))
    say(f"\n{len(found.cases)} cases, {found.min_blocks} to {found.max_blocks} blocks each")
    minimum, budget = show_duration(found.minimum_s), show_duration(found.budget_s)
    say(f"time: {minimum} for {found.min_blocks} blocks; the budget is {budget}")
    disk, memory = show_bytes(found.disk_bytes), show_bytes(found.memory_bytes)
    say(f"disk: {disk} still to be written for models; memory: {memory} a trial at most")
