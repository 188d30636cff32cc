"""Which of the paper's claims depend on what "level 0" is: cargo's default profile, or level 0 without its checks.

    just lab run experiments/level0.toml
    python -m benchmarks.level_zero latest

Each claim about native and Wasmtime is judged twice, at `o0` and at `dev`, on the networks that the campaign has.
"""

from __future__ import annotations

import sys

import msgspec
from tabulate import tabulate

from lab.core.arm import GuestProfile
from lab.disk.paths import RESULTS
from lab.report.claims.claim_file import PAPER, Claim, claims_path, load_claims
from lab.report.claims.judge import judge
from lab.report.claims.verdict import Finding
from lab.report.results import Results, load_results
from lab.store.campaigns import resolve

LEVELS = (GuestProfile.O0, GuestProfile.DEV)


def main(campaign: str) -> None:
    """Print a line for each claim that the campaign can be asked about, and how many differ."""
    results = load_results(resolve(RESULTS, campaign))
    path = claims_path(PAPER)
    rows = [row for claim in (load_claims(path) if path else ()) if (row := _row(claim, results))]
    print(tabulate(rows, ("claim", "paper", "o0", "dev", "verdict at o0", "verdict at dev")))  # noqa: T201
    differing = [row[0] for row in rows if row[-2] != row[-1]]
    print(f"\n{len(rows)} claims, {len(differing)} of them with another verdict: {', '.join(differing) or 'none'}")  # noqa: T201


def _row(claim: Claim, results: Results) -> tuple[str, ...] | None:
    asked = _restricted(claim, results)
    if asked is None:
        return None
    findings = [finding for finding in judge(asked, results).findings if finding.ours is not None]
    if len(findings) < len(LEVELS):
        return None
    return (claim.id, claim.printed, *map(_figure, findings), *(str(finding.verdict) for finding in findings))


def _restricted(claim: Claim, results: Results) -> Claim | None:
    """The claim on both levels and on the networks that were measured; None if nothing is left of it."""
    systems = {arm.system for arm in results.arms}
    if claim.quantity.is_count or not {*claim.systems, *claim.over.systems} <= systems:
        return None
    models = tuple(model for model in claim.models if model in results.models)
    others = tuple(model for model in claim.over.models if model in results.models)
    if not models or (claim.over.models and not others):
        return None
    over = msgspec.structs.replace(claim.over, models=others)
    return msgspec.structs.replace(claim, models=models, over=over, guests=LEVELS)


def _figure(finding: Finding) -> str:
    if not isinstance(finding.ours, float):
        return str(finding.ours)
    low, high = finding.interval or (float("nan"), float("nan"))
    return f"{finding.ours:.3g} [{low:.3g}, {high:.3g}]"


if __name__ == "__main__":
    main(*sys.argv[1:])
