"""How often the interval of a break-even holds the true number of inferences, and how wide it is.

    python -m benchmarks.break_even_coverage            # 2000 campaigns a cell, seeded; half a minute

Fills the table of docs/statistics.md. A cell: coverage in per cent / median of an interval's upper over its lower end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.statistics.cells import CAMPAIGNS
from benchmarks.statistics.noises import NOISES, Noise
from benchmarks.statistics_menu import markdown
from lab.stats.break_even import Runs, break_evens

TRUTH = 8.5
"""0.5 + 0.3 (n - 1) = 2.0 + 0.1 (n - 1), in seconds."""
BLOCKS = (6, 10, 20)


class Coverage(NamedTuple):
    """Of simulated campaigns: the fraction of intervals that hold the truth, and their median width as a ratio."""

    held: float
    width: float


def coverage(noise: Noise, blocks: int) -> Coverage:
    """Of campaigns under one noise, which is in cold runs and in inferences of both arms, each with its own draw."""
    rng = np.random.default_rng([7, blocks])
    cold, steady = (noise.draw(rng, (CAMPAIGNS, blocks)) for _ in range(2))
    first = Runs(0.5 * np.exp(cold.a), 0.3 * np.exp(steady.a))
    second = Runs(2.0 * np.exp(cold.b), 0.1 * np.exp(steady.b))
    ends = [(found.low, found.high) for found in break_evens(first, second)]
    known = [(low, high) for low, high in ends if low is not None and high is not None]
    held = sum(low <= TRUTH <= high for low, high in known)
    return Coverage(held / len(ends), float(np.median([high / low for low, high in known])))


def main() -> None:
    """Print the table, for noises under which a typical total is the sum of typical parts."""
    rows = []
    for noise in NOISES:
        if noise.even:
            found = [coverage(noise, blocks) for blocks in BLOCKS]
            rows.append([noise.name, *(f"{100 * cell.held:.1f} / {cell.width:.2f}" for cell in found)])
    print(markdown(["Noise", *(f"{blocks} blocks" for blocks in BLOCKS)], rows))  # noqa: T201


if __name__ == "__main__":
    main()
