"""Group-sequential bounds: looking after every block, and stopping as soon as the answer is known, with coverage kept.

The chance of any false alarm over all looks is spent bit by bit (Lan & DeMets, Biometrika 70, 1983): at the look after
block n of at most N a test must reach a level of its own, and the interval is as much wider. Intervals made so cover at
every look at once (repeated confidence intervals, Jennison & Turnbull 1989), so that it does not matter what one stops
for. The last look comes after N blocks, a number that is fixed before.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache

import numpy as np
from scipy import fft, special

from lab.stats.estimate import Floats
from lab.stats.typical import ENOUGH_BLOCKS, interval, typical

_POINTS = 4001
_REACH = 6.0


class Spending(StrEnum):
    """How fast the chance of a false alarm is spent: late, as by O'Brien and Fleming, or evenly, as by Pocock."""

    LATE = "obrien-fleming"
    EVEN = "pocock"


def spent(share: Floats, alpha: float, spending: Spending) -> Floats:
    """How much of alpha may be spent once a share of all blocks has been run.

    Args:
        share: of the blocks, above 0 and at most 1.
        alpha: over all looks.
        spending: by which function.
    """
    if spending is Spending.EVEN:
        return np.asarray(alpha * np.log1p((math.e - 1) * share))
    return np.asarray(4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(share)))


@lru_cache(maxsize=32)
def look_levels(
    most: int, alpha: float = 0.05, spending: Spending = Spending.LATE, first: int = ENOUGH_BLOCKS, every: int = 1
) -> dict[int, float]:
    """The level of the test at each look, by the number of blocks then run.

    By recursive numerical integration (Armitage, McPherson & Rowe 1969): the density of the sum of blocks that no look
    has stopped, carried from look to look.

    Args:
        most: blocks at which the last look is taken; the only one if it is not above `first`.
        alpha: over all looks.
        spending: see `Spending`.
        first: blocks at the first look; below ten an exact rank test would have to agree.
        every: blocks between looks.
    """
    looks = [*range(first, most, every), most] if most > first else [most]
    grid = np.linspace(-_REACH, _REACH, _POINTS)
    step = grid[1] - grid[0]
    may_spend = spent(np.array(looks) / most, alpha, spending)
    density, before, used = np.zeros(_POINTS), 0.0, 0.0
    found: dict[int, float] = {}
    for blocks, share, total in zip(looks, np.array(looks) / most, may_spend, strict=True):
        kernel = np.exp(-(grid**2) / (2 * (share - before))) / np.sqrt(2 * np.pi * (share - before))
        density = kernel if not found else _convolved(density, kernel) * step
        # what lies beyond a bound, from the outside in: both sides are alike
        beyond = 2 * np.cumsum(np.maximum(density, 0)[::-1])[: _POINTS // 2] * step
        place = int(np.searchsorted(beyond, total - used, side="right"))
        bound = float(np.interp(total - used, beyond, grid[::-1][: _POINTS // 2] - step / 2))
        found[blocks] = float(2 * special.ndtr(-bound / np.sqrt(share)))
        density = np.where(np.abs(grid) < grid[::-1][min(place, _POINTS // 2 - 1)] + step / 2, density, 0.0)
        before, used = float(share), float(total)
    return found


def _convolved(density: Floats, kernel: Floats) -> Floats:
    """Both on the same grid, and so is the result: `scipy.signal` would bring all of `scipy.stats` along."""
    points = len(density)
    length = fft.next_fast_len(2 * points - 1, real=True)
    whole = fft.irfft(fft.rfft(density, length) * fft.rfft(kernel, length), length)
    begin = (points - 1) // 2
    return np.asarray(whole[begin : begin + points])


def is_settled(log_ratios: Floats, most: int, half_width: float, margin: float) -> bool:
    """Whether a look has known the answer: differs from 1, lies within the margin, or is as narrow as wanted.

    Args:
        log_ratios: in order of blocks, shape (blocks,).
        most: blocks at which the last look is taken.
        half_width: wanted, as a fraction of the ratio.
        margin: within which ratios count as equivalent, as a fraction.
    """
    bound, reach = np.log1p(margin), np.log1p(half_width)
    for blocks, level in look_levels(most).items():
        if blocks > len(log_ratios):
            return False
        center = typical(log_ratios[:blocks])
        if center.error == 0:
            return True
        low, high = (float(end) for end in interval(center, 1 - level))
        if low > 0 or high < 0 or (low >= -bound and high <= bound) or high - low <= 2 * reach:
            return True
    return len(log_ratios) >= most
