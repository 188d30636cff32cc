"""For any claim a made-up campaign in which its quantity has a value of choice: what its predicate must answer to."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from lab.core.arm import GuestProfile
from lab.core.case import Case
from lab.core.trial import Outcome, Trial
from lab.report.claims.claim_file import Cause, Claim, ClaimQuantity
from lab.report.claims.formula import sides_of
from lab.report.claims.measure import is_linear
from lab.report.claims.paper_tables import FAILED
from tests.claims_support import failed, ran

BLOCKS = 6
# Relative noise of each block, the same for all of a side's trials: its mean is 0.
_NOISE = (-0.002, 0.001, 0.0, 0.002, -0.001, 0.0)
_OF_MEMORY = {ClaimQuantity.MEMORY_RATIO, ClaimQuantity.BATCH_MEMORY_RATIO, ClaimQuantity.RSS_PEAK_GB}
_LEAST_SHARE, _MOST_SHARE = 0.5, 99.5


def campaign_with(claim: Claim, figure: float, guest: GuestProfile) -> list[Trial]:
    """Trials of every case of a measured claim, whose quantity is about `figure` in each of six blocks."""
    return [
        _trial(claim, case, block, value) for case, values in _per_case(claim, figure, guest) for block, value in values
    ]


def _per_case(claim: Claim, figure: float, guest: GuestProfile) -> Iterator[tuple[Case, list[tuple[int, float]]]]:
    """The first side carries the figure; the others are 1, or, of differences, half of 100 less or more."""
    for place, side in enumerate(sides_of(claim, guest)):
        for case in side.cases:
            if claim.quantity is ClaimQuantity.SHARE_DIFFERENCE:
                values = [50 + figure / 2 + 10 * noise if place == 0 else 50 - figure / 2 for noise in _NOISE]
            elif place == 0:
                scale = 0.1 if claim.quantity.is_share else 1.0
                values = [figure * (1 + scale * noise) for noise in _NOISE]
            else:
                values = [1.0] * BLOCKS
            yield case, list(enumerate(values))


def _trial(claim: Claim, case: Case, block: int, value: float) -> Trial:
    if claim.quantity is ClaimQuantity.STARTUP_SHARE:
        return msgspec.structs.replace(ran(case.id, block, 100.0), startup_ns=round(value * 1e9))
    if claim.quantity is ClaimQuantity.READ_SHARE:
        parts = {"read_ns": round(value * 1e7), "decode_ns": round((100 - value) * 1e7)}
        return msgspec.structs.replace(ran(case.id, block, 100.0), **parts, build_ns=0, optimise_ns=0)
    if is_linear(claim):
        return ran(case.id, block, 100.0, share=value / 100)
    if claim.quantity is ClaimQuantity.STARTUP_RATIO:
        return msgspec.structs.replace(ran(case.id, block), startup_ns=round(value * 1e9))
    return ran(case.id, block, gb=value) if claim.quantity in _OF_MEMORY else ran(case.id, block, seconds=value)


def agreeing(claim: Claim) -> list[float]:
    """Figures that the claim accepts: near each finite edge, and in the middle."""
    least, most = claim.accepted
    low = least + _step(claim, least) if math.isfinite(least) else most - 20 * _step(claim, most)
    high = most - _step(claim, most) if math.isfinite(most) else least + 20 * _step(claim, least)
    return [figure for figure in (low, (low + high) / 2, high) if _is_possible(claim, figure)]


def disagreeing(claim: Claim) -> list[float]:
    """Figures that the claim does not accept: just beyond each finite edge."""
    least, most = claim.accepted
    beyond = [edge - _step(claim, edge) for edge in (least,) if math.isfinite(edge)]
    beyond += [edge + _step(claim, edge) for edge in (most,) if math.isfinite(edge)]
    return [figure for figure in beyond if _is_possible(claim, figure)]


def _step(claim: Claim, edge: float) -> float:
    """So far from an edge that the interval of six such blocks lies on one side of it: 1 %, or half a point."""
    return 0.5 if is_linear(claim) else 0.01 * abs(edge)


def _is_possible(claim: Claim, figure: float) -> bool:
    if claim.quantity.is_share:
        return _LEAST_SHARE <= figure <= _MOST_SHARE
    return abs(figure) < _MOST_SHARE if claim.quantity is ClaimQuantity.SHARE_DIFFERENCE else figure > 0


def outcomes_of(claim: Claim, guest: GuestProfile, *, agree: bool) -> list[Trial]:
    """Trials of an outcome claim's cases that end, or do not end, as the paper says."""
    if (claim.paper == FAILED) is agree:
        outcome = Outcome.OUT_OF_MEMORY if claim.cause is Cause.MEMORY else Outcome.TIMEOUT
        return [failed(case.id, outcome) for side in sides_of(claim, guest) for case in side.cases]
    return [ran(case.id) for side in sides_of(claim, guest) for case in side.cases]
