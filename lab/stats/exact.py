"""Exact null distributions of rank statistics with ties, where scipy has none that ends in time.

scipy is exact without ties only; with ties it enumerates permutations one by one, seconds per comparison. Conditional
on the (mid)ranks both distributions follow from adding one rank after the other (Streitberg & Röhmel 1986). Midranks
are halves, so everything is counted in doubled ranks.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from lab.stats.estimate import Floats


def signed_rank_null(ranks: Floats) -> Floats:
    """Probability of each doubled sum of the ranks that get a plus sign, every sign being a coin toss.

    Args:
        ranks: midranks, shape (n,); those of zeros left out.

    Returns:
        Shape (2 sum(ranks) + 1,).
    """
    doubled = np.rint(2 * ranks).astype(np.intp)
    chance = np.zeros(doubled.sum() + 1)
    chance[0] = 1
    for rank in doubled:
        chance = (chance + _shifted(chance, rank)) / 2
    return chance


def rank_sum_null(ranks: Floats, size: int) -> Floats:
    """Probability of each doubled rank sum of a random subset.

    Args:
        ranks: midranks of both samples together, shape (n,).
        size: of the subset.

    Returns:
        Shape (2 sum(ranks) + 1,).
    """
    doubled = np.rint(2 * ranks).astype(np.intp)
    ways = np.zeros((size + 1, doubled.sum() + 1))
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    chance: Floats = ways[size] / ways[size].sum()
    return chance


def tail(chance: Floats, doubled_sum: float, alternative: str) -> float:
    """The p-value of a doubled sum under its null distribution; two-sided is twice the smaller tail."""
    place = int(np.rint(doubled_sum))
    less, greater = float(chance[: place + 1].sum()), float(chance[place:].sum())
    return min(1.0, {"less": less, "greater": greater}.get(alternative, 2 * min(less, greater)))


def tied_signed_rank(values: Floats, alternative: str) -> float:
    """Wilcoxon's signed-rank p-value with ties and zeros; zeros are ranked, then dropped (Pratt 1959)."""
    ranks = stats.rankdata(np.abs(values))
    return tail(signed_rank_null(ranks[values != 0]), 2 * float(ranks[values > 0].sum()), alternative)


def tied_mann_whitney(a: Floats, b: Floats, alternative: str) -> float:
    """Mann-Whitney's p-value with ties; ``greater`` asks whether b tends to be greater than a."""
    ranks = stats.rankdata(np.concatenate([a, b]))
    return tail(rank_sum_null(ranks, len(b)), 2 * float(ranks[len(a) :].sum()), alternative)


def _shifted(chance: Floats, by: int) -> Floats:
    return np.concatenate([np.zeros(by), chance[: len(chance) - by]])
