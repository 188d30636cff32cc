"""Judging the paper's claims on a campaign, on each guest level by itself."""

from __future__ import annotations

from collections.abc import Iterable

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.report.claims.claim_file import Claim, ClaimQuantity
from lab.report.claims.measure import Measured, measure
from lab.report.claims.outcomes import judge_outcome
from lab.report.claims.paper_tables import PaperTables
from lab.report.claims.reasons import differences, join, missing_cases, stand_ins
from lab.report.claims.verdict import ClaimResult, Finding, Verdict
from lab.report.display import seconds
from lab.report.results import Cell, Results
from lab.stats.sentences import show_units


def judge_all(claims: Iterable[Claim], results: Results, tables: PaperTables | None = None) -> tuple[ClaimResult, ...]:
    """Every claim judged on a campaign, in the order of the file.

    Args:
        claims: of the claims file.
        results: of the campaign.
        tables: the paper's own, which are asked about each claim, too.
    """
    return tuple(judge(claim, results, tables) for claim in claims)


def judge(claim: Claim, results: Results, tables: PaperTables | None = None) -> ClaimResult:
    """One claim judged on a campaign: no guest level stands in for another."""
    findings: tuple[Finding, ...]
    if claim.quantity.is_count:
        findings = (_judge_count(claim, results),)
    elif claim.quantity is ClaimQuantity.OUTCOME:
        findings = tuple(judge_outcome(claim, guest, results) for guest in claim.guests)
    else:
        findings = tuple(_judge_measured(claim, guest, results) for guest in claim.guests)
    return ClaimResult(claim=claim, findings=findings, tables=None if tables is None else tables.reading(claim))


def _judge_measured(claim: Claim, guest: GuestProfile, results: Results) -> Finding:
    return conclude(claim, guest, measure(claim, guest, results), results)


def conclude(claim: Claim, guest: GuestProfile, found: Measured, results: Results) -> Finding:
    """The finding that a measured figure makes; the campaign is asked for the words beside it only."""
    estimate = found.estimate
    interval = None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
    verdict, why = _verdict(claim, found, interval, results)
    return Finding(guest=guest, verdict=verdict, ours=estimate.value, interval=interval, blocks=estimate.n, why=why)


def _verdict(
    claim: Claim, found: Measured, interval: tuple[float, float] | None, results: Results
) -> tuple[Verdict, str]:
    if found.estimate.value is None:
        return Verdict.NOT_RUN, missing_cases((*found.missing, *found.cut))
    cut = _cut_text(found.cut)
    if found.missing:
        measured = found.wanted - len(found.missing)
        reason = f"{measured} of {found.wanted} cases measured; {missing_cases(found.missing)}"
        return Verdict.INCONCLUSIVE, join(cut, reason)
    if interval is None:
        return Verdict.INCONCLUSIVE, join(cut, found.estimate.reason or "no interval")
    (low, high), (least, most) = interval, claim.accepted
    if least <= low and high <= most:
        return Verdict.REPRODUCED, join(cut, claim.note or "", stand_ins(claim, results.manifest))
    if high < least or low > most:
        side = "below" if high < least else "above"
        return Verdict.NOT_REPRODUCED, join(f"ours lies {side}", cut, differences(claim, results.manifest))
    return Verdict.INCONCLUSIVE, join(
        cut, f"the interval over {show_units(found.estimate, results.unit)} reaches both sides"
    )


def _cut_text(cut: tuple[Cell | Case, ...]) -> str:
    """``wasmedge-interpreter@o0 vgg_16 b1 was cut: at least 20 min``, and how many more."""
    if not cut:
        return ""
    first = cut[0]
    least = seconds(first.cut_at_ns) if isinstance(first, Cell) and first.cut_at_ns is not None else "its limit"
    case = first.case if isinstance(first, Cell) else first
    more = f" (and {len(cut) - 1} more)" if len(cut) > 1 else ""
    return f"{case.id} was cut: at least {least}{more}"


def _judge_count(claim: Claim, results: Results) -> Finding:
    facts = results.manifest.models.get(claim.models[0])
    if facts is None:
        why = f"the campaign does not hold {claim.models[0]}"
        return Finding(guest=None, verdict=Verdict.NOT_RUN, why=why)
    other = ""
    if claim.quantity is ClaimQuantity.CONV_LAYERS:
        ours = float(facts.conv_layers)
    elif facts.published_parameters is None:
        ours = facts.parameters / 1e6
        other = "trainable scalars: this campaign holds no count by the publishers' rule"
    else:
        ours = facts.published_parameters / 1e6
        other = f"by the rule of the network's publishers; {facts.parameters / 1e6:.6g} M trainable scalars"
    least, most = claim.accepted
    verdict = Verdict.REPRODUCED if least <= ours <= most else Verdict.NOT_REPRODUCED
    side = "" if verdict is Verdict.REPRODUCED else f"ours lies {'below' if ours < least else 'above'}"
    return Finding(guest=None, verdict=verdict, ours=ours, why=join(side, other, claim.note or ""))
