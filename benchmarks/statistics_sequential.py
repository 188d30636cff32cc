"""What group-sequential bounds cover and cost: coverage at every look at once, and blocks until the verdict is known.

    python -m benchmarks.statistics_sequential            # 1000 campaigns a cell; a minute
    python -m benchmarks.statistics_sequential 200

Prints Markdown.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.statistics.noises import BURSTS, DEPENDENT, NOISES, Noise
from benchmarks.statistics_menu import markdown
from lab.stats.planning import MARGIN
from lab.stats.sequential import Spending, look_levels
from lab.stats.typical import interval, typical

CAMPAIGNS = 1000
DIFFERENCE = 0.05
PLANS = ((20, Spending.LATE), (30, Spending.LATE), (60, Spending.LATE), (30, Spending.EVEN), (60, Spending.EVEN))


def looked(noise: Noise, most: int, spending: Spending, difference: float, campaigns: int) -> tuple[float, float]:
    """Share of campaigns whose intervals all hold the truth, and mean blocks until the verdict is known."""
    shift, margin = np.log1p(difference), np.log1p(MARGIN)
    rows = noise.draw(np.random.default_rng([21, most]), (campaigns, most)).log_ratios + shift
    held, stopped_at = np.ones(campaigns, dtype=np.bool_), np.full(campaigns, most)
    for blocks, level in reversed(look_levels(most, 0.05, spending).items()):
        low, high = interval(typical(rows[:, :blocks]), 1 - level)
        held &= (low <= shift) & (high >= shift)
        known = (low > 0) | (high < 0) | ((low >= -margin) & (high <= margin))
        stopped_at = np.where(known, blocks, stopped_at)
    return float(held.mean()), float(stopped_at.mean())


def _cell(noise: Noise, most: int, spending: Spending, campaigns: int) -> str:
    covered, equal = looked(noise, most, spending, 0.0, campaigns)
    _, different = looked(noise, most, spending, DIFFERENCE, campaigns)
    return f"{100 * covered:.1f} / {equal:.1f} / {different:.1f}"


def main(campaigns: int) -> None:
    """Print covered at all looks in % / mean blocks of equal arms / of a difference of 5 %."""
    heads = ["Noise", *(f"at most {most}, {spending}" for most, spending in PLANS)]
    noises = (NOISES[0], NOISES[1], BURSTS, DEPENDENT)
    rows = [[noise.name, *(_cell(noise, *plan, campaigns) for plan in PLANS)] for noise in noises]
    print(markdown(heads, rows))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS)
