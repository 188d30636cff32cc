"""Claims that a case fails, or runs: judged on how its trials ended, and on the cause where the paper states one."""

from __future__ import annotations

import numpy as np

from lab.core.arm import GuestProfile
from lab.core.trial import Outcome
from lab.report.claims.claim_file import Cause, Claim
from lab.report.claims.formula import sides_of
from lab.report.claims.paper_tables import FAILED
from lab.report.claims.reasons import differences, join, missing_cases, stand_ins
from lab.report.claims.verdict import Finding, Verdict
from lab.report.results import NOT_RUN, Cell, Results

# A wrong output is a fault of the guest or the lab, not a failure that the paper speaks of.
_FAILURES = {Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED}
_CAUSES = {Cause.MEMORY: Outcome.OUT_OF_MEMORY, Cause.TIME: Outcome.TIMEOUT}
# A predicted cost is not a measurement.
_UNTRIED = {NOT_RUN, str(Outcome.OVER_BUDGET), str(Outcome.UNSUPPORTED)}


def judge_outcome(claim: Claim, guest: GuestProfile, results: Results) -> Finding:
    """How the claim's cases ended on one guest build; cases that were not tried say nothing."""
    cells = _cells(claim, guest, results)
    words = ", ".join(sorted({cell.status for cell in cells}))
    trials = min(cell.n + sum(cell.failures.values()) for cell in cells)
    if all(cell.status in _UNTRIED for cell in cells):
        reached = any(cell.status != NOT_RUN for cell in cells)
        verdict, ours = (Verdict.INCONCLUSIVE, words) if reached else (Verdict.NOT_RUN, None)
        return Finding(guest=guest, verdict=verdict, ours=ours, why=missing_cases(tuple(cells)))
    reason = next((f"{cell.case.id}: {cell.why}" for cell in cells if cell.why and not cell.n), "")
    agreed = [_agrees(cell, claim) for cell in cells]
    if all(agreed):
        verdict, reason = Verdict.REPRODUCED, join(reason, stand_ins(claim, results.manifest))
    elif any(answer is False for answer in agreed):
        verdict, reason = Verdict.NOT_REPRODUCED, join(reason, differences(claim, results.manifest))
    else:
        verdict = Verdict.INCONCLUSIVE
        if claim.cause is not None and any(cell.failed_as in _FAILURES for cell in cells):
            reason = join(f"it failed, but not of {claim.cause} as the paper says", reason)
    return Finding(guest=guest, verdict=verdict, ours=words, blocks=trials, why=reason)


def _cells(claim: Claim, guest: GuestProfile, results: Results) -> list[Cell]:
    cases = sides_of(claim, guest)[0].cases
    return [results.cells.get(case, Cell(case, np.empty(0, dtype=np.int64), {})) for case in cases]


def _agrees(cell: Cell, claim: Claim) -> bool | None:
    """None if the cell says nothing: it was not tried, or failed of another cause than the paper states."""
    if cell.n:
        return claim.paper != FAILED
    if cell.failed_as not in _FAILURES:
        return None
    if claim.paper != FAILED:
        return False
    return True if claim.cause is None or cell.failed_as is _CAUSES[claim.cause] else None
