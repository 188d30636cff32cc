"""What the data say about one comparison, before any family is corrected for: interval and p-values, by rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lab.stats.dependence import dependence_text, serial_correlation, serial_p
from lab.stats.estimate import Estimate, Floats
from lab.stats.hypotheses import (
    blocks_to_reach,
    brunner_munzel,
    can_reach,
    mann_whitney,
    signed_rank,
    signed_rank_tost,
)
from lab.stats.ratios import overheads, ratios_of
from lab.stats.typical import ENOUGH_BLOCKS, METHOD, Typical, as_ratio, p_differs, p_equivalent, typical, weighted


class PValues(NamedTuple):
    """Of one comparison; None where the test can't be made.

    Attributes:
        differs: that the typical trial's ratio is 1 (Yuen's test); of the rank test if there is no spread.
        equivalent: of the two one-sided tests within the margin, likewise.
        rank: of the exact (or, between campaigns, Brunner-Munzel) rank test that the ratio is 1.
        rank_equivalent: of the two one-sided tests by ranks.
    """

    differs: float | None = None
    equivalent: float | None = None
    rank: float | None = None
    rank_equivalent: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison.

    Attributes:
        estimate: of the ratio, at level 1 - alpha.
        p: of its tests.
        rank_must_agree: there are too few blocks to trust the t distribution alone.
        paired: by block; False between campaigns.
        shortage: why a difference can never be shown with so few blocks; None if it can.
        dependence: how trials depend on those of the block before, if a test shows it; else None.
        unit: what is independent of each other: ``block`` or ``world``.
    """

    estimate: Estimate
    p: PValues
    rank_must_agree: bool
    paired: bool
    shortage: str | None
    dependence: str | None = None
    unit: str = "block"

    @property
    def excludes_one(self) -> bool:
        """Whether the interval, or without spread the value itself, is off 1."""
        if self.estimate.low is None or self.estimate.high is None:
            return self.estimate.value is not None and self.estimate.value != 1
        return not self.estimate.low <= 1 <= self.estimate.high


def paired_evidence(
    log_ratios: Floats, margin: float, alpha: float, unit: str = "block", level: float | None = None
) -> list[Evidence]:
    """Evidence from log-ratios paired by block.

    Args:
        log_ratios: in order of blocks, shape (comparisons, blocks).
        margin: as a fraction.
        alpha: of the tests.
        unit: what the columns are.
        level: of this look, if several looks share alpha: p-values are raised and intervals widened accordingly.
    """
    n, level = log_ratios.shape[-1], level or alpha
    if n == 0:
        estimates = overheads(log_ratios, 1 - alpha)
        return [Evidence(estimate, PValues(), True, True, None) for estimate in estimates]
    center, bound = typical(log_ratios), float(np.log1p(margin))
    p_values = _p_values(center, bound, signed_rank(log_ratios), signed_rank_tost(log_ratios, bound))
    p_values = [PValues(*(None if p is None else min(1.0, p * (alpha / level)) for p in row)) for row in p_values]
    shortage, dependences = paired_shortage(n, alpha, unit), _dependences([(log_ratios, center)], alpha)
    estimates = ratios_of(center, log_ratios, 1 - level, unit)
    return [
        Evidence(estimate, p, n < ENOUGH_BLOCKS, True, shortage, dependence, unit)
        for estimate, p, dependence in zip(estimates, p_values, dependences, strict=True)
    ]


def unpaired_evidence(a: Floats, b: Floats, margin: float, alpha: float, unit: str = "block") -> list[Evidence]:
    """Evidence from two independent campaigns: the ratio of b to a.

    Args:
        a: logarithms (of overheads, or of times on the same machine) in order of blocks, shape (comparisons, n).
        b: the same of the other campaign, shape (comparisons, m).
        margin: as a fraction.
        alpha: of the tests.
        unit: what the columns are.
    """
    n, m = a.shape[-1], b.shape[-1]
    if min(n, m) == 0:
        nothing = f"one of the campaigns has no {unit} of this case"
        absent = Estimate(None, None, None, 1 - alpha, METHOD, 0, nothing)
        return [Evidence(absent, PValues(), True, False, None) for _ in a]
    sides = [(a, typical(a)), (b, typical(b))]
    center, bound = weighted([(-1.0, sides[0][1]), (1.0, sides[1][1])]), float(np.log1p(margin))
    rank_tost = np.maximum(mann_whitney(a - bound, b, "greater"), mann_whitney(a + bound, b, "less"))
    p_values = _p_values(center, bound, brunner_munzel(a, b), rank_tost)
    shortage, dependences = _unpaired_shortage(n, m, alpha, unit), _dependences(sides, alpha)
    lone = f"one {unit} has no spread to make an interval from"
    alone = lone if min(n, m) < 2 else f"no {unit} differs from any other"
    return [
        Evidence(
            as_ratio(Typical(*(part[row] for part in center)), 1 - alpha, min(n, m), alone),
            p_values[row],
            min(n, m) < ENOUGH_BLOCKS,
            False,
            shortage,
            dependences[row],
            unit,
        )
        for row in range(len(a))
    ]


def _p_values(center: Typical, bound: float, rank: Floats, rank_equivalent: Floats) -> list[PValues]:
    """By row: differs, equivalent, and both by ranks, which speak alone where the blocks have no spread."""
    flat = center.error == 0
    differs = np.where(flat, rank, p_differs(center))
    equivalent = np.where(flat, rank_equivalent, p_equivalent(center, bound))
    tests = (differs, equivalent, rank, rank_equivalent)
    return [PValues(*map(_known, row)) for row in zip(*tests, strict=True)]


def _dependences(sides: list[tuple[Floats, Typical]], alpha: float) -> list[str | None]:
    """A sentence for each row in which a test finds that neighbouring blocks of a side resemble each other."""
    found: list[str | None] = [None] * len(sides[0][0])
    for side, center in sides:
        n = side.shape[-1]
        if n < ENOUGH_BLOCKS:
            continue
        for row, correlation in enumerate(serial_correlation(side)):
            if serial_p(correlation, n) <= alpha:
                found[row] = dependence_text(float(correlation), n, float(center.counts_as[row]))
    return found


def paired_shortage(n: int, alpha: float, unit: str = "block") -> str | None:
    """``3 blocks can never reach 0.05; run 3 more``; None if n blocks, or worlds, can show a difference."""
    least = blocks_to_reach(alpha)
    if n >= least:
        return None
    return f"{n} {unit}{'s' if n > 1 else ''} can never reach {alpha:g}; run {least - n} more"


def _unpaired_shortage(n: int, m: int, alpha: float, unit: str) -> str | None:
    if can_reach(n, m, alpha):
        return None
    more = next(more for more in range(1, 100) if can_reach(n + more, m + more, alpha))
    return f"{n} and {m} {unit}s can never reach {alpha:g}; run {more} more in each"


def _known(p: float) -> float | None:
    return float(p) if np.isfinite(p) else None
