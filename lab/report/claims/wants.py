"""What the claims of a file want measured: for each claim and guest level the cases, and how narrow an interval.

The width that decides follows from the claim's tolerance alone, which was set by what the paper prints; no figure of a
campaign enters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from lab.core.arm import GuestProfile
from lab.core.want import Want
from lab.report.claims.claim_file import Claim, ClaimQuantity, Relation
from lab.report.claims.formula import lowering, sides_of
from lab.report.claims.measure import TABLE_QUANTITY, is_linear

ORDERING_HALF_WIDTH = 0.1
"""What an ordering or a bound asks for: it stays open where the truth is within a tenth of the line."""
SHARE_HALF_WIDTH = 0.1
"""What a share asks for, relative to itself."""
_TOLERATED_PART = 0.5
"""Of a tolerance, what the interval may take: figures in the middle half of what is accepted are then decided."""
VALUES = {GuestProfile.O0: 1.0, GuestProfile.O3: 0.5}
"""The paper's level is worth more than the other."""


def wants_of(claims: Iterable[Claim]) -> tuple[Want, ...]:
    """One want for each claim that a measurement can decide and each of its guest levels, in the order of the file."""
    return tuple(
        want_of(claim, guest) for claim in claims if not claim.constant for guest in claim.guests if guest in VALUES
    )


def want_of(claim: Claim, guest: GuestProfile) -> Want:
    """What one claim wants on one guest level."""
    sides = sides_of(claim, guest)
    below = lowering(sides)
    cases = dict.fromkeys(case for side in sides for case in side.cases)
    is_outcome = claim.quantity is ClaimQuantity.OUTCOME
    return Want(
        name=f"{claim.id}@{guest}",
        above=tuple(case for case in cases if case not in below),
        below=tuple(case for case in cases if case in below),
        quantity=None if is_outcome else TABLE_QUANTITY[claim.quantity],
        half_width=None if is_outcome else _half_width(claim),
        value=VALUES[guest],
    )


def _half_width(claim: Claim) -> float:
    if is_linear(claim):
        return SHARE_HALF_WIDTH
    if claim.relation is not Relation.ABOUT:
        return ORDERING_HALF_WIDTH
    low, high = claim.accepted
    return math.expm1(_TOLERATED_PART * math.log(high / low) / 2)
