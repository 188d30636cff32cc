"""How often the interval over hosts holds the mean of hosts like them, and how wide it is, by rule.

    python -m benchmarks.hosts_coverage            # 2000 campaigns a cell, seeded; two minutes

Fills the table of docs/statistics.md. Hosts are drawn: their ratios with a standard deviation τ between them, their
blocks with noise of 2 % that is larger on one host than on another (log-normal, 0.5). The rules: hosts weighted by
their blocks (fixed effect, as reported where hosts are of one kind and agree), by τ² of Paule and Mandel with Hartung
and Knapp's interval, and all alike (as reported where hosts are of several kinds).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from benchmarks.statistics_menu import markdown
from lab.stats.estimate import Floats
from lab.stats.strata import between_strata, merge_strata
from lab.stats.typical import interval, typical

LEVEL = 0.95
CAMPAIGNS = 2000
NOISE, UNEVEN = 0.02, 0.5
HOSTS, BLOCKS = (3, 5, 10), (6, 20)
BETWEEN = (0.0, 0.005, 0.01, 0.1)


class Coverage(NamedTuple):
    """Fractions of intervals that hold the truth, and their median widths, by rule."""

    by_blocks: float
    paule_mandel: float
    as_reported: float
    widths: tuple[float, float, float]


def coverage(between: float, hosts: int, blocks: int, campaigns: int = CAMPAIGNS) -> Coverage:
    """Of campaigns on hosts of several kinds."""
    rng = np.random.default_rng([11, hosts, blocks, round(1000 * between)])
    ends = []
    for _ in range(campaigns):
        noise = NOISE * np.exp(rng.normal(0, UNEVEN, hosts))
        drawn = [rng.normal(rng.normal(0, between), scale, blocks) for scale in noise]
        reported = merge_strata(drawn, are_alike=False).center
        ends.append((_by_blocks(drawn), _paule_mandel(drawn), interval(reported, LEVEL)))
    low, high = np.moveaxis(np.array(ends, dtype=np.float64), 2, 0)
    held, widths = ((low <= 0) & (high >= 0)).mean(axis=0), np.median(high - low, axis=0)
    return Coverage(*map(float, held), tuple(map(float, widths)))


def _by_blocks(drawn: list[Floats]) -> tuple[float, float]:
    low, high = interval(merge_strata(drawn).center, LEVEL)
    return float(low), float(high)


def _paule_mandel(drawn: list[Floats]) -> tuple[float, float]:
    centers = [typical(values) for values in drawn]
    values, errors = (np.array([float(center[place]) for center in centers]) for place in range(2))
    weights = 1 / (errors**2 + between_strata(values, errors))
    center = float(np.average(values, weights=weights))
    factor = float((weights * (values - center) ** 2).sum()) / (len(drawn) - 1)
    reach = float(special.stdtrit(len(drawn) - 1, (1 + LEVEL) / 2)) * np.sqrt(max(1.0, factor) / weights.sum())
    return center - reach, center + reach


def main() -> None:
    """Print the table."""
    rows = []
    for hosts in HOSTS:
        for blocks in BLOCKS:
            cells = []
            for between in BETWEEN:
                found = coverage(between, hosts, blocks)
                cells.append(" / ".join(f"{100 * held:.1f}" for held in found[:3]))
                cells[-1] += f" ({found.widths[2] / found.widths[1]:.2f})"
            rows.append([f"{hosts} × {blocks}", *cells])
    print(markdown(["hosts × blocks", *(f"τ = {100 * between:g} %" for between in BETWEEN)], rows))  # noqa: T201


if __name__ == "__main__":
    main()
