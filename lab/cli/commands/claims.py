"""`lab claims`: the paper's claims, compared with a campaign."""

from __future__ import annotations

from lab.cli.options import Campaign, Json, Results
from lab.cli.output import say, say_json, say_table
from lab.disk.paths import RESULTS
from lab.report.claims.claim_file import load_claims
from lab.report.claims.judge import ClaimResult, judge_all, tally
from lab.report.render import claims_path
from lab.report.results import load_results
from lab.store.campaigns import LATEST, resolve

# An experiment without claims of its own is compared with those of the paper.
PAPER = "paper"


def claims(campaign: Campaign = LATEST, results: Results = RESULTS, json: Json = False) -> None:
    """Compare the paper's claims with a campaign: its figure, ours with interval, verdict, why. Writes nothing."""
    measured = load_results(resolve(results, campaign))
    path = claims_path(measured.manifest.experiment.name) or claims_path(PAPER)
    found = judge_all(load_claims(path), measured) if path else ()
    if json:
        say_json([result.entry() for result in found])
        return
    say_table((_row(result) for result in found), ("claim", "place", "paper", "ours", "verdict", "why"))
    say("\n" + ", ".join(f"{count} {verdict}" for verdict, count in tally(found).items()))


def _row(result: ClaimResult) -> tuple[object, ...]:
    claim = result.claim
    return claim.id, claim.place, claim.printed, _figure(result), result.verdict.value, result.why


def _figure(result: ClaimResult) -> str:
    if result.ours is None or isinstance(result.ours, str):
        return result.ours or ""
    interval = "" if result.interval is None else f" [{result.interval[0]:.3g}, {result.interval[1]:.3g}]"
    return f"{result.ours:.3g}{interval}"
