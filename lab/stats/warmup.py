"""Warm-up, found in the data: the iteration from which a process is steady.

Trials of one case are aligned by iteration. Their mean profile is searched for changepoints with PELT (Killick et al.
2012), as Barrett et al. ("Virtual machine warmup blows hot and cold", OOPSLA 2017) do with single processes; using all
trials at once makes it work for the few iterations an expensive model can afford.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
import ruptures
from scipy import special

from lab.stats.estimate import Floats


class Shape(StrEnum):
    """How a case's iterations go."""

    FLAT = "flat"
    WARM_UP = "warm-up"
    SLOWDOWN = "slowdown"
    NO_STEADY_STATE = "no steady state"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What the iterations show.

    Attributes:
        shape: see `Shape`.
        steady_from: index of the first steady iteration; None if there is none, or nobody can know.
        levels: (first iteration, relative level) of each segment, the last segment's level being 1.
        reason: why steady_from is None.
    """

    shape: Shape
    steady_from: int | None
    levels: tuple[tuple[int, float], ...] = ()
    reason: str | None = None


def find_warm_up(log_times: Floats, alpha: float = 0.01, tolerance: float = 0.01) -> WarmUp:
    """Find where iterations become steady.

    A change must beat a penalty that a flat process exceeds with probability alpha (an F quantile, divided by the
    number of places where a change could be). Neighbouring segments closer than the tolerance count as one.

    Args:
        log_times: logarithms of iteration times, shape (trials, iterations). One trial alone is enough from 10
            iterations on; else at least two trials and two iterations are needed.
        alpha: chance of seeing a warm-up that isn't there.
        tolerance: relative difference of levels that does not matter.
    """
    trials, iterations = log_times.shape
    noise = _noise_of_profile(log_times)
    if noise is None:
        few = f"{trials} trial(s) of {iterations} iteration(s) can't tell warm-up from noise"
        return WarmUp(Shape.UNKNOWN, None, (), few)
    variance, freedom = noise
    profile = log_times.mean(axis=0)
    # the F quantile of one change in any of the places, by Bonferroni
    limit = float(special.fdtri(1, freedom, 1 - alpha / (iterations - 1)))
    penalty = max(limit * variance, 1e-18)
    search = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(profile.reshape(-1, 1))
    ends: list[int] = search.predict(pen=penalty)
    return _described(profile, [0, *ends[:-1]], math.log1p(tolerance))


def _noise_of_profile(log_times: Floats) -> tuple[float, float] | None:
    """Variance of the mean profile's points and its degrees of freedom; None if unknown."""
    trials, iterations = log_times.shape
    if iterations < 2 or (trials < 2 and iterations < 10):
        return None
    if trials >= 2:
        # what neither the trial nor the iteration explains, as in a two-way layout
        rest = log_times - log_times.mean(axis=0) - log_times.mean(axis=1, keepdims=True) + log_times.mean()
        freedom = (trials - 1) * (iterations - 1)
        return float((rest**2).sum()) / freedom / trials, freedom
    # successive differences hardly see a few changes of level; the median does not see them at all
    steps = np.abs(np.diff(log_times[0]))
    return float(1.482602 * np.median(steps)) ** 2 / 2, (iterations - 1) / 3


def _described(profile: Floats, starts: list[int], tolerance: float) -> WarmUp:
    bounds = [*starts, len(profile)]
    means = [float(profile[start:end].mean()) for start, end in pairwise(bounds)]
    while len(starts) > 1 and abs(means[-2] - means[-1]) <= tolerance:
        starts, means = starts[:-1], means[:-1]
        means[-1] = float(profile[starts[-1] :].mean())
    levels = tuple((start, math.exp(mean - means[-1])) for start, mean in zip(starts, means, strict=True))
    if len(starts) == 1:
        return WarmUp(Shape.FLAT, 0, levels)
    if len(profile) - starts[-1] < 2 < len(profile):
        return WarmUp(Shape.NO_STEADY_STATE, None, levels, "the last iteration still differs from the one before")
    shape = Shape.WARM_UP if means[-1] <= min(means) + tolerance else Shape.SLOWDOWN
    return WarmUp(shape, starts[-1], levels)
