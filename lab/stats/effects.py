"""Effect sizes that outliers don't move: Hodges-Lehmann shift and Cliff's delta."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import special, stats

from lab.stats.estimate import Estimate, Floats, ratio_estimate
from lab.stats.exact import signed_rank_null

_EXACT_TO = 50


def hodges_lehmann(log_ratios: Floats, level: float = 0.95) -> Estimate:
    """The ratio's Hodges-Lehmann estimate: exp of the median of all pairwise means (Walsh averages) of log-ratios.

    Its interval inverts the signed-rank test (Hollander, Wolfe & Chicken 2014, section 3.3): exact up to 50 blocks
    without ties. None for so few blocks that even the whole range does not reach the level (5 for 95 %).

    Args:
        log_ratios: shape (blocks,).
        level: of the interval.
    """
    n, method = len(log_ratios), "hodges-lehmann"
    if n == 0:
        return Estimate(None, None, None, level, method, 0, "no block holds both trials")
    first, second = np.triu_indices(n)
    walsh = np.sort((log_ratios[first] + log_ratios[second]) / 2)
    center = float(np.median(walsh))
    cut = _signed_rank_cut(n, (1 - level) / 2)
    if cut is None:
        reason = f"{n} blocks can never give a {level:.0%} interval by signed ranks"
        return Estimate(math.exp(center), None, None, level, method, n, reason)
    return ratio_estimate(center, float(walsh[cut]), float(walsh[-1 - cut]), level, method, n)


def cliffs_delta(a: Floats, b: Floats) -> float | None:
    """P(a > b) - P(a < b) over all pairs of values, from -1 to 1; None if a side is empty (Cliff 1993)."""
    if len(a) == 0 or len(b) == 0:
        return None
    u = float(stats.mannwhitneyu(a, b, method="asymptotic").statistic)
    return 2 * u / (len(a) * len(b)) - 1


@lru_cache(maxsize=256)
def _signed_rank_cut(n: int, tail: float) -> int | None:
    """Largest k with P(W ≤ k) ≤ tail under the null: so many Walsh averages are cut off at each end; None if no k."""
    if n > _EXACT_TO:
        mean, deviation = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return math.floor(mean + float(special.ndtri(tail)) * deviation) - 1
    chance = signed_rank_null(np.arange(1.0, n + 1))[::2]
    reachable = np.flatnonzero(np.cumsum(chance) <= tail * (1 + 1e-12))
    return int(reachable[-1]) if len(reachable) else None
