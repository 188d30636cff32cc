"""What the data say about one comparison, before any family is corrected for: interval and p-values, by rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.stats.combine import weighted_mean
from lab.stats.estimate import Estimate, Floats, has_no_spread, ratio_estimate
from lab.stats.hypotheses import (
    blocks_to_reach,
    brunner_munzel,
    can_reach,
    mann_whitney,
    signed_rank,
    signed_rank_tost,
    t_test,
    tost,
    welch_test,
)
from lab.stats.intervals import guarded_interval
from lab.stats.ratios import overheads

PROVEN_BLOCKS = 10
"""From so many blocks on the t test is proven by simulation alone; with fewer the exact rank test must agree."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison.

    Attributes:
        estimate: of the ratio, at level 1 - alpha.
        p_differs: of the t test that the ratio is 1; of the rank test if there is no spread; None if neither can be.
        p_equivalent: of TOST within the margin, likewise.
        p_rank: of the exact (or, between campaigns, Brunner-Munzel) rank test that the ratio is 1.
        p_rank_equivalent: of TOST by ranks.
        rank_must_agree: there are too few blocks to trust the t test alone.
        within_margin: the interval of level 1 - 2 alpha lies within the margin.
        paired: by block; False between campaigns.
        shortage: why a difference can never be shown with so few blocks; None if it can.
    """

    estimate: Estimate
    p_differs: float | None
    p_equivalent: float | None
    p_rank: float | None
    p_rank_equivalent: float | None
    rank_must_agree: bool
    within_margin: bool
    paired: bool
    shortage: str | None

    @property
    def excludes_one(self) -> bool:
        """Whether the interval, or without spread the value itself, is off 1."""
        if self.estimate.low is None or self.estimate.high is None:
            return self.estimate.value is not None and self.estimate.value != 1
        return not self.estimate.low <= 1 <= self.estimate.high


def paired_evidence(log_ratios: Floats, margin: float, alpha: float) -> list[Evidence]:
    """Evidence from log-ratios paired by block.

    Args:
        log_ratios: shape (comparisons, blocks).
        margin: as a fraction.
        alpha: of the tests.
    """
    rows, n = len(log_ratios), log_ratios.shape[-1]
    estimates = overheads(log_ratios, 1 - alpha)
    if n == 0:
        return [Evidence(one, None, None, None, None, True, False, True, None) for one in estimates]
    bound, flat = float(np.log1p(margin)), has_no_spread(log_ratios)
    rank, rank_tost = signed_rank(log_ratios), signed_rank_tost(log_ratios, bound)
    differs = np.where(flat, rank, t_test(log_ratios))
    equivalent = np.where(flat, rank_tost, tost(log_ratios, bound))
    inner, _ = guarded_interval(log_ratios, 1 - 2 * alpha)
    mean = log_ratios.mean(axis=-1)
    within = np.where(flat, np.abs(mean) < bound, (inner.low > -bound) & (inner.high < bound))
    shortage = paired_shortage(n, alpha)
    return [
        Evidence(
            estimates[row],
            _known(differs[row]),
            _known(equivalent[row]),
            _known(rank[row]),
            _known(rank_tost[row]),
            n < PROVEN_BLOCKS,
            bool(within[row]),
            True,
            shortage,
        )
        for row in range(rows)
    ]


def unpaired_evidence(a: Floats, b: Floats, margin: float, alpha: float) -> list[Evidence]:
    """Evidence from two independent campaigns: the ratio of b to a.

    Args:
        a: logarithms (of overheads, or of times on the same machine), shape (comparisons, n).
        b: the same of the other campaign, shape (comparisons, m).
        margin: as a fraction.
        alpha: of the tests.
    """
    n, m = a.shape[-1], b.shape[-1]
    estimates = [_welch_estimate(left, right, 1 - alpha) for left, right in zip(a, b, strict=True)]
    if min(n, m) == 0:
        return [Evidence(one, None, None, None, None, True, False, False, None) for one in estimates]
    bound, flat = float(np.log1p(margin)), has_no_spread(a) & has_no_spread(b)
    rank = brunner_munzel(a, b)
    rank_tost = np.maximum(mann_whitney(a - bound, b, "greater"), mann_whitney(a + bound, b, "less"))
    differs = np.where(flat, rank, welch_test(a, b))
    welch_tost = np.maximum(welch_test(a - bound, b, "greater"), welch_test(a + bound, b, "less"))
    equivalent = np.where(flat, rank_tost, welch_tost)
    shortage = _unpaired_shortage(n, m, alpha)
    return [
        Evidence(
            estimates[row],
            _known(differs[row]),
            _known(equivalent[row]),
            _known(rank[row]),
            _known(rank_tost[row]),
            min(n, m) < PROVEN_BLOCKS,
            # without a guard for skew the two one-sided tests are the interval
            bool(equivalent[row] <= alpha),
            False,
            shortage,
        )
        for row in range(len(a))
    ]


def _welch_estimate(a: Floats, b: Floats, level: float) -> Estimate:
    n = min(len(a), len(b))
    if n == 0:
        return Estimate(None, None, None, level, "welch", 0, "one of the campaigns has no block of this case")
    combined = weighted_mean([(-1.0, a), (1.0, b)])
    interval = None if has_no_spread(a) & has_no_spread(b) else combined.interval(level)
    if interval is not None:
        return ratio_estimate(combined.value, *interval, level, "welch", n)
    reason = "one block has no spread to make an interval from" if n < 2 else "no block differs from any other"
    return Estimate(float(np.exp(combined.value)), None, None, level, "welch", n, reason)


def paired_shortage(n: int, alpha: float) -> str | None:
    """``3 blocks can never reach 0.05; run 3 more``; None if n blocks can show a difference."""
    least = blocks_to_reach(alpha)
    if n >= least:
        return None
    return f"{n} block{'s' if n > 1 else ''} can never reach {alpha:g}; run {least - n} more"


def _unpaired_shortage(n: int, m: int, alpha: float) -> str | None:
    if can_reach(n, m, alpha):
        return None
    more = next(more for more in range(1, 100) if can_reach(n + more, m + more, alpha))
    return f"{n} and {m} blocks can never reach {alpha:g}; run {more} more in each"


def _known(p: float) -> float | None:
    return float(p) if np.isfinite(p) else None
