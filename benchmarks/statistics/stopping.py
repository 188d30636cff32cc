"""Stop rules: how many blocks each takes to a wanted precision, and whether its intervals still cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.statistics.cells import truth
from benchmarks.statistics.estimators import FORMER, LAB, LEVEL, Estimator
from benchmarks.statistics.noises import Noise
from lab.stats.estimate import Floats
from lab.stats.planning import FIRST_LOOK, FURTHER_BLOCKS
from lab.stats.typical import Typical, interval, plain_mean, typical

MOST_BLOCKS = 120


class Stopped(NamedTuple):
    """What a rule does under a noise.

    Attributes:
        noise, rule: their names.
        half_width: the goal, as a fraction.
        covered: intervals, at the block where the rule stopped, that hold the truth.
        blocks: mean number when it stopped.
    """

    noise: str
    rule: str
    half_width: float
    covered: float
    blocks: float


class _Rule(NamedTuple):
    name: str
    estimator: Estimator
    centers: Callable[[Floats], Typical]
    ends: Callable[[Typical], tuple[Floats, Floats]]
    first: int
    further: int


def confidence_sequence(center: Typical) -> tuple[Floats, Floats]:
    """Ends that cover at every block at once: Lai's mixture of t statistics, Wang & Ramdas 2024, theorem 4.7.

    Where as many blocks as the series counts for are too few for any bound they are infinite.
    """
    n, prior, alpha = center.freedom + 1, 2.0, 1 - LEVEL
    power = (alpha**2 * prior / (n + prior)) ** (1 / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (prior + n) * (1 - power) / (power * (prior + n) - prior)
    factor = np.where(square > 0, np.sqrt(np.abs(square) * (n - 1)), np.inf)
    return center.value - factor * center.error, center.value + factor * center.error


def _plain(center: Typical) -> tuple[Floats, Floats]:
    return interval(center, LEVEL)


RULES: tuple[_Rule, ...] = (
    _Rule("the rule before: mean, from 6 blocks", FORMER, plain_mean, _plain, 6, 0),
    _Rule("trimmed mean, from 6 blocks", LAB, typical, _plain, 6, 0),
    _Rule("trimmed mean, from 10 blocks", LAB, typical, _plain, 10, 0),
    _Rule("the lab's: trimmed mean, from 7 blocks, then 3 more", LAB, typical, _plain, FIRST_LOOK, FURTHER_BLOCKS),
    _Rule("confidence sequence", LAB, typical, confidence_sequence, 6, 0),
)


def stop(
    noise: Noise, half_width: float, campaigns: int = 2000, rules: tuple[_Rule, ...] = RULES, most: int = MOST_BLOCKS
) -> list[Stopped]:
    """Run campaigns under each rule, which looks after every block.

    Args:
        noise: of the arms.
        half_width: the goal, as a fraction.
        campaigns: how many.
        rules: to compare, on the same data.
        most: blocks at which every rule stops.
    """
    rows = noise.draw(np.random.default_rng([7, campaigns]), (campaigns, most)).log_ratios
    found = []
    for rule in rules:
        narrow_at = np.full(campaigns, most)
        covers = np.zeros((most + 1, campaigns), dtype=np.bool_)
        goal = 2 * np.log1p(half_width)
        for n in range(rule.first, most + 1):
            low, high = rule.ends(rule.centers(rows[:, :n]))
            target = truth(noise, rule.estimator)
            covers[n] = (low <= target) & (target <= high)
            narrow_at = np.where((narrow_at == most) & (high - low <= goal), n, narrow_at)
        stopped_at = np.minimum(narrow_at + rule.further, most)
        covered = float(covers[stopped_at, np.arange(campaigns)].mean())
        found.append(Stopped(noise.name, rule.name, half_width, covered, float(stopped_at.mean())))
    return found


def covers_always(noise: Noise, campaigns: int, most: int = 60) -> float:
    """Share of campaigns whose confidence sequence holds the truth at every block from the sixth on."""
    rows = noise.draw(np.random.default_rng(8), (campaigns, most)).log_ratios
    held = np.ones(campaigns, dtype=np.bool_)
    for n in range(6, most + 1):
        low, high = confidence_sequence(plain_mean(rows[:, :n]))
        held &= (low <= 0) & (high >= 0)
    return float(held.mean())
