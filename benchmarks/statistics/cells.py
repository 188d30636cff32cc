"""What an estimator does under a noise: how often it calls equal arms different, covers, and finds a difference."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from benchmarks.statistics.estimators import FORMER, LAB, LEVEL, MENU, Estimator
from benchmarks.statistics.noises import NOISES, Noise
from lab.stats.estimate import Floats
from lab.stats.hypotheses import signed_rank
from lab.stats.typical import ENOUGH_BLOCKS, Typical, interval, plain_mean, typical, weighted

DIFFERENCE = 0.02
CAMPAIGNS = 2000
_POPULATION = 400_000


class Cell(NamedTuple):
    """One estimator under one noise with so many blocks; rates are fractions of the simulated campaigns.

    Attributes:
        noise, estimator: their names.
        blocks: in each campaign, or in each of two.
        false: called different where what the estimator estimates is the same in both arms.
        covered: intervals that hold the truth.
        found: called slower, rightly, at a true difference of 2 %.
        half_width: median half-width of the intervals, as a fraction.
    """

    noise: str
    estimator: str
    blocks: int
    false: float
    covered: float
    found: float
    half_width: float


@cache
def truth(noise: Noise, estimator: Estimator) -> float:
    """What the estimator estimates under the noise: 0 where both arms scatter alike, else from a very long series."""
    if noise.even:
        return 0.0
    arms = noise.draw(np.random.default_rng(99), (1, _POPULATION))
    return estimator.population((arms.least_log_ratios if estimator.least else arms.log_ratios)[0])


def paired_cell(noise: Noise, estimator: Estimator, blocks: int, campaigns: int = CAMPAIGNS, seed: int = 1) -> Cell:
    """Campaigns whose arms are paired by block."""
    arms = noise.draw(np.random.default_rng([seed, blocks]), (campaigns, blocks))
    rows = (arms.least_log_ratios if estimator.least else arms.log_ratios) - truth(noise, estimator)
    fit = estimator.fit(rows)
    agree, agree_shifted = (_ranks_agree(rows + shift, estimator) for shift in (0.0, np.log1p(DIFFERENCE)))
    apart = (fit.low > 0) | (fit.high < 0)
    found = fit.low > -np.log1p(DIFFERENCE)
    return _cell(noise, estimator.name, blocks, (apart & agree, ~apart, found & agree_shifted), fit.high - fit.low)


def _ranks_agree(rows: Floats, estimator: Estimator) -> Floats:
    """Below ten blocks both rules ask the exact rank test too."""
    if rows.shape[-1] >= ENOUGH_BLOCKS or estimator not in (FORMER, LAB):
        return np.ones(len(rows), dtype=np.bool_)
    return np.asarray(signed_rank(rows) <= 1 - LEVEL)


def unpaired_cell(noise: Noise, blocks: int, campaigns: int = CAMPAIGNS, *, former: bool = False) -> Cell:
    """Two campaigns of one arm, which share no block: Welch's interval as before, or the lab's."""
    rng = np.random.default_rng([3, blocks])
    before, after = (noise.draw(rng, (campaigns, blocks)).a for _ in range(2))
    one = plain_mean if former else typical
    center: Typical = weighted([(-1.0, one(before)), (1.0, one(after))])
    low, high = interval(center, LEVEL)
    apart = (low > 0) | (high < 0)
    name = "mean, Welch (the rule before)" if former else LAB.name
    return _cell(noise, name, blocks, (apart, ~apart, low > -np.log1p(DIFFERENCE)), high - low)


def _cell(noise: Noise, name: str, blocks: int, rates: tuple[Floats, ...], widths: Floats) -> Cell:
    false, covered, found = (float(np.mean(rate)) for rate in rates)
    return Cell(noise.name, name, blocks, false, covered, found, float(np.expm1(np.median(widths) / 2)))


def power_of_student(spread: float, blocks: int) -> float:
    """Chance that Student's test finds the difference in normal noise: what a simulated power is checked with."""
    limit = special.stdtrit(blocks - 1, (1 + LEVEL) / 2)
    shift = np.log1p(DIFFERENCE) / spread * np.sqrt(blocks)
    return float(1 - special.nctdtr(blocks - 1, shift, limit))


def all_paired(blocks: tuple[int, ...], campaigns: int) -> list[Cell]:
    """The whole menu under every noise."""
    return [paired_cell(noise, one, n, campaigns) for noise in NOISES for n in blocks for one in MENU]


def all_unpaired(blocks: tuple[int, ...], campaigns: int) -> list[Cell]:
    """Both rules between campaigns under every noise."""
    return [
        unpaired_cell(noise, n, campaigns, former=former)
        for noise in NOISES
        for n in blocks
        for former in (True, False)
    ]
