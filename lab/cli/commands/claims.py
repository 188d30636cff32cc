"""`lab claims`: the paper's claims, compared with a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from lab.cli.options import Json, Results
from lab.cli.output import say, say_json, say_table
from lab.core.arm import GuestProfile
from lab.core.errors import UsageError
from lab.disk.paths import RESULTS
from lab.report.claims.merge import claims_of_strata
from lab.report.claims.verdict import FIRM_BLOCKS, ClaimResult, tally
from lab.report.results import Results as Measurements
from lab.report.results import load_results
from lab.report.sections.claims_table import figure_text, reading_text
from lab.store.campaigns import LATEST, resolve
from lab.store.fingerprint import class_differences

_HEAD = ("claim", "place", "paper", "level 0", "verdict", "level 3", "verdict", "the paper's own tables say", "why")


def claims(
    campaigns: Annotated[
        list[str] | None, typer.Argument(help="Campaigns: directories, names or `latest`. Several are judged together.")
    ] = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Compare the paper's claims with a campaign: its figure, ours with interval, verdict, why. Writes nothing.

    Several campaigns, of other machines or days, are judged together: they must have run the same cases with the same
    binaries, guests and models.
    """
    strata = [load_results(resolve(results, name)) for name in campaigns or [LATEST]]
    _check_class(strata)
    found = claims_of_strata(strata)
    if json:
        say_json([result.entry() for result in found])
        return
    say_table((_row(result) for result in found), _HEAD)
    _say_tallies(found, strata[0].manifest.experiment.edition)


def _check_class(strata: Sequence[Measurements]) -> None:
    first = strata[0].manifest
    names = [results.manifest.campaign for results in strata]
    if len(set(names)) < len(names):
        raise UsageError("a campaign is named twice", "name each campaign once: its blocks count once")
    for results in strata[1:]:
        if changes := class_differences(first, results.manifest):
            which = f"{first.campaign} and {results.manifest.campaign} cannot be judged together"
            raise UsageError(
                f"{which}: they differ in {', '.join(changes[:3])}", "judge them one by one, or `lab compare` them"
            )


def _say_tallies(found: Sequence[ClaimResult], edition: str) -> None:
    for guest, name in ((GuestProfile.O0, "level 0, the paper's"), (GuestProfile.O3, "level 3, as shipped")):
        firm = tally(found, guest, only_firm=True)
        counts = ", ".join(
            f"{count} {verdict}{f' ({firm[verdict]} on {FIRM_BLOCKS} blocks or more)' if verdict.decides else ''}"
            for verdict, count in tally(found, guest).items()
        )
        say(f"\nedition {edition}, {name}: {counts}")


def _row(result: ClaimResult) -> tuple[object, ...]:
    claim, first, shipped = result.claim, result.first, result.at(GuestProfile.O3)
    return (
        *(claim.id, claim.place, claim.printed),
        *(figure_text(first, claim.quantity), first.verdict.value),
        *((None, None) if shipped is None else (figure_text(shipped, claim.quantity), shipped.verdict.value)),
        None if result.tables is None else reading_text(result.tables, claim.quantity),
        first.why,
    )
