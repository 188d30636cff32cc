"""Judging the claims on several campaigns at once: strata of one, each paired within its own blocks.

Campaigns may have run on several machines or days. Only those enter a claim that measured all of its cases; what they
disagree on is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from lab.core.arm import GuestProfile
from lab.core.manifest import alike
from lab.report.claims.claim_file import PAPER, Claim, ClaimQuantity, claims_path, load_claims
from lab.report.claims.judge import conclude, judge
from lab.report.claims.measure import LEVEL, Measured, is_linear, measure
from lab.report.claims.paper_tables import PaperTables, load_tables
from lab.report.claims.reasons import join
from lab.report.claims.verdict import ClaimResult, Finding, Verdict
from lab.report.results import Results
from lab.stats.estimate import Estimate
from lab.stats.strata import Merged, merge_strata
from lab.stats.typical import interval

_LEAST_BLOCKS = 2
METHOD = "strata"


def claims_of_strata(strata: Sequence[Results]) -> tuple[ClaimResult, ...]:
    """The claims of the campaigns' experiment, or those of the paper where it has none, judged on all of them.

    Args:
        strata: campaigns of one fingerprint class, at least one.

    Raises:
        ExperimentError: the claims file is malformed.
    """
    path = claims_path(strata[0].manifest.experiment.name) or claims_path(PAPER)
    return judge_all_merged(load_claims(path), strata, load_tables(path)) if path else ()


def judge_all_merged(
    claims: Iterable[Claim], strata: Sequence[Results], tables: PaperTables | None = None
) -> tuple[ClaimResult, ...]:
    """Every claim judged on all campaigns together, in the order of the file.

    Args:
        claims: of the claims file.
        strata: campaigns of one fingerprint class, at least one.
        tables: the paper's own.
    """
    return tuple(_judge(claim, strata, tables) for claim in claims)


def _judge(claim: Claim, strata: Sequence[Results], tables: PaperTables | None) -> ClaimResult:
    alone = [judge(claim, results, tables) for results in strata]
    if claim.quantity.is_count or len(strata) == 1:
        return alone[0]
    if claim.quantity is ClaimQuantity.OUTCOME:
        pairs = zip(*(result.findings for result in alone), strict=True)
        findings = tuple(_agreed(of_guest) for of_guest in pairs)
    else:
        findings = tuple(_merged(claim, guest, strata) for guest in claim.guests)
    return msgspec.structs.replace(alone[0], findings=findings)


def _agreed(findings: Sequence[Finding]) -> Finding:
    """Of outcomes: what the campaigns that decide agree on."""
    decided = [finding for finding in findings if finding.verdict.decides]
    if not decided:
        return findings[0]
    verdicts = {finding.verdict for finding in decided}
    blocks = sum(finding.blocks for finding in decided)
    if len(verdicts) == 1:
        why = join(f"{len(decided)} of {len(findings)} campaigns", decided[0].why)
        return msgspec.structs.replace(decided[0], blocks=blocks, why=why)
    words = ", ".join(sorted({str(finding.ours) for finding in decided}))
    why = f"the campaigns disagree: {words}"
    return msgspec.structs.replace(decided[0], verdict=Verdict.INCONCLUSIVE, ours=words, blocks=blocks, why=why)


def _merged(claim: Claim, guest: GuestProfile, strata: Sequence[Results]) -> Finding:
    found = [measure(claim, guest, results) for results in strata]
    whole = [
        (measured, results)
        for measured, results in zip(found, strata, strict=True)
        if not measured.missing and not measured.cut and len(measured.figures) >= _LEAST_BLOCKS
    ]
    if len(whole) < 2:
        # at most one campaign has all of it: that one speaks, or else the one that lacks least
        best = min(range(len(found)), key=lambda place: (len(found[place].missing), -found[place].estimate.n))
        alone = conclude(claim, guest, found[best], strata[best])
        return msgspec.structs.replace(alone, why=join(f"campaign {strata[best].manifest.campaign} alone", alone.why))
    are_alike = alike([results.manifest.host for _, results in whole])
    merged = merge_strata([measured.figures for measured, _ in whole], are_alike=are_alike)
    blocks = sum(len(measured.figures) for measured, _ in whole)
    estimate = _estimate(claim, merged, blocks)
    together = Measured(estimate, (), (), whole[0][0].wanted, whole[0][0].figures)
    finding = conclude(claim, guest, together, whole[0][1])
    return msgspec.structs.replace(finding, why=join(_heterogeneity(merged, len(whole), len(strata)), finding.why))


def _estimate(claim: Claim, merged: Merged, blocks: int) -> Estimate:
    low, high = (float(end) for end in interval(merged.center, LEVEL))
    scale = (lambda value: value) if is_linear(claim) else math.exp
    value = scale(float(merged.center.value))
    if not (math.isfinite(low) and math.isfinite(high)):
        return Estimate(value, None, None, LEVEL, METHOD, blocks, "no campaign's blocks differ from each other")
    return Estimate(value, scale(low), scale(high), LEVEL, METHOD, blocks)


def _heterogeneity(merged: Merged, used: int, given: int) -> str:
    """``3 of 3 campaigns, which agree (p = 0.41, I² 0 %)``."""
    which, found = f"{used} of {given} campaigns", merged.heterogeneity
    over = ": the interval is over campaigns" if merged.is_random else ""
    if found is None:
        return f"{which}{over}"
    figures = f"p = {found.p_same:.2g}, I² {found.i_squared:.0%}"
    return f"{which}, which {'differ' if found.is_shown else 'agree'} ({figures}){over}"
