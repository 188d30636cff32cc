"""How many blocks: the stop rule on precision, and its prediction.

The rule looks at the width of the interval and never at its place: stopping at significance would turn the 5 % of
false positives into far more.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lab.core.errors import UsageError
from lab.stats.estimate import Floats
from lab.stats.levels import by_world
from lab.stats.typical import TRIMMED_FROM, interval, typical

MAX_PREDICTED_BLOCKS = 1_000_000
MARGIN = 0.02
"""Ratios within 2 % of 1 count as equivalent where nobody asks for another margin."""
FIRST_LOOK = 7
"""Blocks from which the stop rule looks at the interval."""
FURTHER_BLOCKS = 3
"""Blocks that are added once it is narrow: a series that is narrow by luck stops the rule, and these correct it."""


def precise_enough(
    log_ratios: Floats, half_width: float, level: float = 0.95, worlds: NDArray[np.intp] | None = None
) -> bool:
    """The stop rule: whether the interval was once no wider than ±half_width, and three more blocks were run since.

    It may look after every block from the seventh on. Intervals of what it stopped cover as those of a number of blocks
    that was fixed before (docs/statistics.md); without the three blocks they would cover up to 4 % less.

    Args:
        log_ratios: in order of blocks, shape (blocks,).
        half_width: as a fraction of the ratio; 0.02 for ±2 %.
        level: of the interval.
        worlds: of each block, shape (blocks,), in a campaign of several: the interval is then that of worlds.
    """
    _check_positive(half_width, "half-width")
    looks = range(FIRST_LOOK, len(log_ratios) - FURTHER_BLOCKS + 1)
    seen = (log_ratios[:n] if worlds is None else by_world(log_ratios[:n], worlds[:n]) for n in looks)
    return any(_is_narrow(values, math.log1p(half_width), level) for values in seen)


def _is_narrow(log_ratios: Floats, reach: float, level: float) -> bool:
    center = typical(log_ratios)
    # blocks without any spread have no interval, and more of them would not change that
    if center.error == 0:
        return True
    low, high = interval(center, level)
    return bool(high - low <= 2 * reach)


def blocks_needed(log_ratios: Floats, half_width: float, level: float = 0.95, assurance: float = 0.5) -> int | None:
    """Total blocks at which the interval will be ±half_width, judged from the spread so far.

    Args:
        log_ratios: as measured, in order of blocks, shape (blocks,).
        half_width: as a fraction.
        level: of the interval.
        assurance: chance that so many suffice; 0.5 is the even bet, 0.8 the cautious one. It enters by the chi-squared
            quantile of the spread measured (Kupper & Hafner 1989).

    Returns:
        At least 2; None for fewer than two blocks, or if even a million would not do.
    """
    _check_positive(half_width, "half-width")
    n = len(log_ratios)
    if n < 2:
        return None
    center = typical(log_ratios)
    freedom = float(center.freedom)
    spread = float(center.error) * math.sqrt(n * freedom / float(special.chdtri(freedom, assurance)))
    return smallest_n(spread, math.log1p(half_width), level)


def trimmed_freedom(blocks: float) -> float:
    """Degrees of freedom that so many independent blocks leave to the 20 % trimmed mean, not rounded to blocks."""
    return 0.6 * blocks - 1 if blocks >= TRIMMED_FROM else blocks - 1


def smallest_n(spread: float, reach: float, level: float) -> int | None:
    """Fewest blocks whose interval is ±reach; None above a million.

    Args:
        spread: standard error of the trimmed mean × root of the number of blocks.
        reach: half the width, as a logarithm.
        level: of the interval.
    """

    def fits(n: int) -> bool:
        return float(special.stdtrit(trimmed_freedom(n), (1 + level) / 2)) * spread / math.sqrt(n) <= reach

    untrimmed = next((n for n in range(2, TRIMMED_FROM) if fits(n)), None)
    if untrimmed is not None or not fits(MAX_PREDICTED_BLOCKS):
        return untrimmed
    low, high = TRIMMED_FROM - 1, MAX_PREDICTED_BLOCKS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _check_positive(fraction: float, name: str) -> None:
    if fraction <= 0:
        raise UsageError(f"a {name} of {fraction:.1%} can never be met", f"give a {name} above 0, such as 2%")
