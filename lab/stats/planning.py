"""How many blocks: the stop rule on precision, its prediction, and the noise floor.

The rule looks at the width of the interval and never at its place: stopping at significance would turn the 5 % of
false positives into far more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from lab.core.errors import UsageError
from lab.core.units import show_percent
from lab.stats.estimate import Floats
from lab.stats.ratios import overhead

MAX_PREDICTED_BLOCKS = 1_000_000


def precise_enough(log_ratios: Floats, half_width: float, level: float = 0.95, min_blocks: int = 6) -> bool:
    """The stop rule: whether the overhead's interval is no wider than ±half_width, relative to the ratio.

    Args:
        log_ratios: shape (blocks,).
        half_width: as a fraction; 0.02 for ±2 %.
        level: of the interval.
        min_blocks: never stop before. From 6 on intervals still cover 93 % although the rule looks after every block;
            with 3 a lucky narrow start stops it too early, and they cover 90 %.
    """
    _check_positive(half_width, "half-width")
    if len(log_ratios) < min_blocks:
        return False
    reached = overhead(log_ratios, level).half_width
    # blocks without any spread have no interval, and more of them would not change that
    same = len(log_ratios) >= 2 and float(np.ptp(log_ratios)) == 0
    return same if reached is None else reached <= half_width


def blocks_needed(log_ratios: Floats, half_width: float, level: float = 0.95, assurance: float = 0.5) -> int | None:
    """Total blocks at which the interval will be ±half_width, judged from the spread so far.

    Args:
        log_ratios: shape (blocks,), as measured.
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
    spread = float(np.std(log_ratios, ddof=1)) * math.sqrt((n - 1) / float(special.chdtri(n - 1, assurance)))
    return smallest_n(spread, math.log1p(half_width), level)


def smallest_n(spread: float, reach: float, level: float) -> int | None:
    """Fewest blocks whose t interval of a mean is ±reach for a standard deviation of spread; None above a million."""

    def fits(n: int) -> bool:
        return float(special.stdtrit(n - 1, (1 + level) / 2)) * spread / math.sqrt(n) <= reach

    if not fits(MAX_PREDICTED_BLOCKS):
        return None
    low, high = 1, MAX_PREDICTED_BLOCKS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """The smallest slowdown that a number of blocks can be expected to show.

    Attributes:
        fraction: 0.008 for 0.8 %.
        blocks: how many.
        power: the chance of finding a slowdown of just that size.
        alpha: of the test.
        spread: standard deviation of log-ratios that it rests on.
    """

    fraction: float
    blocks: int
    power: float
    alpha: float
    spread: float

    @property
    def sentence(self) -> str:
        """``differences under 0.8 % can't be seen here in 20 blocks``."""
        return f"differences under {show_percent(self.fraction)} can't be seen here in {self.blocks} blocks"


def noise_floor(log_ratios: Floats, blocks: int, alpha: float = 0.05, power: float = 0.8) -> NoiseFloor | None:
    """The noise floor of a machine, from log-ratios between trials of the same arm (A/A) or of a steady case.

    Solves the power of the paired t test (noncentral t) for the effect.

    Args:
        log_ratios: shape (blocks measured,), at least two that are not all the same.
        blocks: how many the future comparison will have, at least 2.
        alpha: its level.
        power: chance of detection at the floor.

    Returns:
        None where the spread is unknown.

    Raises:
        UsageError: fewer than two blocks are planned.
    """
    if blocks < 2:
        raise UsageError(f"a comparison of {blocks} block has no noise floor", "plan for at least 2 blocks")
    spread = float(np.std(log_ratios, ddof=1)) if len(log_ratios) >= 2 else 0.0
    if spread <= 0:
        return None
    # imported here: it takes seconds and 100 MB, and the stop rule above runs beside the trials
    from statsmodels.stats.power import TTestPower  # noqa: PLC0415

    effect = float(TTestPower().solve_power(nobs=blocks, alpha=alpha, power=power, alternative="two-sided"))
    return NoiseFloor(math.expm1(effect * spread), blocks, power, alpha, spread)


def _check_positive(fraction: float, name: str) -> None:
    if fraction <= 0:
        raise UsageError(f"a {name} of {fraction:.1%} can never be met", f"give a {name} above 0, such as 2%")
