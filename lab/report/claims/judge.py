"""Judging the paper's claims on a campaign.

A verdict has four states. The whole interval within what agrees with the paper is `reproduced`, the whole interval
outside is `not reproduced`, anything between is `inconclusive`: an interval that can't be computed, or a claim of eight
networks of which six were measured, never turns into a yes or a no. `not run` says that nothing of it was measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec
import numpy as np

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.core.trial import Outcome
from lab.report.claims.claim_file import Cause, Claim, ClaimQuantity
from lab.report.claims.measure import Measured, measure
from lab.report.display import runtime_name
from lab.report.results import NOT_RUN, Cell, Results

PAPER_CPU = "Ryzen 9 5900X"
FAILED = "failed"
# A wrong output is a fault of the guest or the lab, not a failure that the paper speaks of.
_FAILURES = {Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED}
_CAUSES = {Cause.MEMORY: Outcome.OUT_OF_MEMORY, Cause.TIME: Outcome.TIMEOUT}
# A predicted cost is not a measurement.
_UNTRIED = {NOT_RUN, str(Outcome.OVER_BUDGET), str(Outcome.UNSUPPORTED)}


class Verdict(StrEnum):
    """Whether a claim holds here."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"


class ClaimResult(msgspec.Struct, frozen=True, kw_only=True):
    """One claim's verdict on a campaign.

    Attributes:
        claim: what the paper says.
        ours: our figure, or the outcomes seen; None if nothing was measured.
        interval: of `ours`, at 95 %; None if there is none.
        guest: the guest build it was judged on; None for what is read off the graph.
        verdict: see `Verdict`.
        why: one line wherever the verdict is not a plain yes.
    """

    claim: Claim
    ours: float | str | None
    interval: tuple[float, float] | None
    guest: GuestProfile | None
    verdict: Verdict
    why: str

    def entry(self) -> dict[str, object]:
        """The result as an entry of ``claims.json``: the claim's fields that a reader needs, then the verdict's."""
        claim = {name: getattr(self.claim, name) for name in _PUBLISHED}
        found = {name: getattr(self, name) for name in self.__struct_fields__ if name != "claim"}
        return {**claim, **found, "constant": self.claim.constant}


# Fields of a claim that are part of an entry in claims.json.
_PUBLISHED = ("id", "place", "says", "printed", "quantity", "relation", "paper", "tolerance")


def judge_all(claims: Iterable[Claim], results: Results) -> tuple[ClaimResult, ...]:
    """Every claim's verdict on a campaign, in the order of the file."""
    return tuple(judge(claim, results) for claim in claims)


def judge(claim: Claim, results: Results) -> ClaimResult:
    """One claim's verdict on a campaign."""
    if claim.quantity.is_count:
        return _judge_count(claim, results)
    if claim.quantity is ClaimQuantity.OUTCOME:
        return _judge_outcome(claim, results)
    return _judge_measured(claim, results)


def tally(results: Iterable[ClaimResult]) -> dict[Verdict, int]:
    """How many claims got each verdict, all four present; claims that no measurement can change are left out."""
    counts = Counter(result.verdict for result in results if not result.claim.constant)
    return {verdict: counts[verdict] for verdict in Verdict}


def claims_json(results: Iterable[ClaimResult]) -> bytes:
    """The content of ``claims.json``: a list, the same bytes for the same results."""
    return msgspec.json.format(msgspec.json.encode([result.entry() for result in results]), indent=2) + b"\n"


def _judge_measured(claim: Claim, results: Results) -> ClaimResult:
    found = measure(claim, results)
    value, low, high = found.estimate.value, found.estimate.low, found.estimate.high
    interval = None if low is None or high is None else (low, high)
    verdict, why = _verdict(claim, found, results, interval)
    return _result(claim, verdict, why, ours=value, interval=interval, guest=found.guest)


def _verdict(
    claim: Claim, found: Measured, results: Results, interval: tuple[float, float] | None
) -> tuple[Verdict, str]:
    elsewhere = f"on guest {found.guest} instead of {claim.guests[0]}" if found.guest is not claim.guests[0] else ""
    if found.estimate.value is None:
        return Verdict.NOT_RUN, _missing(found.missing)
    if found.missing:
        measured = found.wanted - len(found.missing)
        reason = f"{measured} of {found.wanted} cases measured; {_missing(found.missing)}"
        return Verdict.INCONCLUSIVE, _join(elsewhere, reason)
    if interval is None:
        return Verdict.INCONCLUSIVE, _join(elsewhere, found.estimate.reason or "no interval")
    (low, high), (least, most) = interval, claim.accepted
    if least <= low and high <= most:
        return Verdict.REPRODUCED, _join(elsewhere, claim.note or "")
    if high < least or low > most:
        side = "below" if high < least else "above"
        return Verdict.NOT_REPRODUCED, _join(f"ours lies {side}", elsewhere, _differences(claim, results))
    return Verdict.INCONCLUSIVE, _join(elsewhere, f"the interval over {found.estimate.n} blocks reaches both sides")


def _judge_outcome(claim: Claim, results: Results) -> ClaimResult:
    """Outcomes are judged on the first guest build of which any case was tried."""
    by_guest = {guest: _cells(claim, guest, results) for guest in claim.guests}
    visited = [guest for guest, cells in by_guest.items() if any(cell.status not in _UNTRIED for cell in cells)]
    guest = visited[0] if visited else claim.guests[0]
    cells = by_guest[guest]
    words = ", ".join(sorted({cell.status for cell in cells}))
    if not visited:
        untried = _untried(cells)
        ours = None if untried is Verdict.NOT_RUN else words
        return _result(claim, untried, _missing(tuple(cells)), ours=ours, guest=guest)
    elsewhere = f"on guest {guest} instead of {claim.guests[0]}" if guest is not claim.guests[0] else ""
    reason = next((f"{cell.case.id}: {cell.why}" for cell in cells if cell.why and not cell.n), "")
    agreed = [_agrees(cell, claim) for cell in cells]
    if all(agreed):
        verdict = Verdict.REPRODUCED
    elif any(answer is False for answer in agreed):
        verdict, reason = Verdict.NOT_REPRODUCED, _join(reason, _differences(claim, results))
    else:
        verdict = Verdict.INCONCLUSIVE
        if claim.cause is not None and any(cell.failed_as in _FAILURES for cell in cells):
            reason = _join(f"it failed, but not of {claim.cause} as the paper says", reason)
    return _result(claim, verdict, _join(elsewhere, reason), ours=words, guest=guest)


def _cells(claim: Claim, guest: GuestProfile, results: Results) -> list[Cell]:
    cases = [Case(claim.arm(one, guest), model, claim.batch) for one in claim.systems for model in claim.models]
    return [results.cells.get(case, Cell(case, np.empty(0, dtype=np.int64), {})) for case in cases]


def _untried(cells: list[Cell]) -> Verdict:
    """Of cells none of which was tried: `not run` if they were only not reached yet."""
    return Verdict.NOT_RUN if all(cell.status == NOT_RUN for cell in cells) else Verdict.INCONCLUSIVE


def _agrees(cell: Cell, claim: Claim) -> bool | None:
    """None if the cell says nothing: it was not tried, or failed of another cause than the paper states."""
    if cell.n:
        return claim.paper != FAILED
    if cell.failed_as not in _FAILURES:
        return None
    if claim.paper != FAILED:
        return False
    return True if claim.cause is None or cell.failed_as is _CAUSES[claim.cause] else None


def _judge_count(claim: Claim, results: Results) -> ClaimResult:
    facts = results.manifest.models.get(claim.models[0])
    if facts is None:
        return _result(claim, Verdict.NOT_RUN, f"the campaign does not hold {claim.models[0]}")
    ours = facts.parameters / 1e6 if claim.quantity is ClaimQuantity.PARAMETERS else float(facts.conv_layers)
    least, most = claim.accepted
    verdict = Verdict.REPRODUCED if least <= ours <= most else Verdict.NOT_REPRODUCED
    side = "" if verdict is Verdict.REPRODUCED else f"ours lies {'below' if ours < least else 'above'}"
    return _result(claim, verdict, _join(side, claim.note or ""), ours=ours)


def _result(
    claim: Claim,
    verdict: Verdict,
    why: str,
    *,
    ours: float | str | None = None,
    interval: tuple[float, float] | None = None,
    guest: GuestProfile | None = None,
) -> ClaimResult:
    return ClaimResult(claim=claim, ours=ours, interval=interval, guest=guest, verdict=verdict, why=why)


def _missing(absent: tuple[Cell | Case, ...]) -> str:
    """The first missing case with its reason, and how many more there are."""
    first = absent[0]
    case, word, why = (first.case, first.status, first.why) if isinstance(first, Cell) else (first, NOT_RUN, None)
    more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
    return f"{case.id}: {word}{f', {why}' if why else ''}{more}"


def _differences(claim: Claim, results: Results) -> str:
    """What else differs between this campaign and the paper's, as far as the manifest tells."""
    manifest = results.manifest
    names = {system.split("-", 1)[0] for system in (*claim.systems, *claim.over.systems)} - {"native"}
    versions = ", ".join(
        f"{runtime_name(name)} {manifest.runtimes[name].version}" for name in sorted(names) if name in manifest.runtimes
    )
    other = f"other versions ({versions})" if versions else ""
    return _join(claim.note or "", other, f"another CPU ({manifest.host.cpu_model}; the paper's: {PAPER_CPU})")


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
