"""Iterations within trials: from which on a process is steady, and where its noise comes from.

Iterations of one process share its memory layout, its compiled code and its moment: they are no independent samples.
Trials of one case are aligned by iteration. Their mean profile is searched for changepoints, as Barrett et al.
("Virtual machine warmup blows hot and cold", OOPSLA 2017) do with single processes; using all trials at once makes it
work for the few iterations an expensive model can afford. The noise is split into that of
trials and that of iterations after Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
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
        few = f"{trials} trial(s) of {iterations} iteration(s) cannot distinguish warm-up from noise"
        return WarmUp(Shape.UNKNOWN, None, (), few)
    variance, freedom = noise
    profile = log_times.mean(axis=0)
    # the F quantile of one change in any of the places, by Bonferroni
    limit = float(special.fdtri(1, freedom, 1 - alpha / (iterations - 1)))
    penalty = max(limit * variance, 1e-18)
    return _described(profile, segments(profile, penalty), math.log1p(tolerance))


def segments(profile: Floats, penalty: float) -> list[int]:
    """Where the segments start that make squared distances from segment means, plus a penalty for each, least.

    Exact, by adding one place after the other (Jackson et al. 2005).

    Args:
        profile: shape (n,), n ≥ 1.
        penalty: for each segment.
    """
    sums, squares = (np.concatenate([[0.0], np.cumsum(profile**power)]) for power in (1, 2))
    least = np.zeros(len(profile) + 1)
    last_start = np.zeros(len(profile) + 1, dtype=np.intp)
    for end in range(1, len(profile) + 1):
        starts = np.arange(end)
        within = squares[end] - squares[:end] - (sums[end] - sums[:end]) ** 2 / (end - starts)
        total = least[:end] + within + penalty
        last_start[end] = int(total.argmin())
        least[end] = total[last_start[end]]
    found, end = [], len(profile)
    while end > 0:
        end = int(last_start[end])
        found.append(end)
    return found[::-1]


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


@dataclass(frozen=True, slots=True)
class Components:
    """Variance of log times, split by level.

    Attributes:
        between_trials: of trials' true means, 0 if the iterations' noise explains all.
        within_trials: of one iteration around its trial's mean.
        iterations: per trial.
    """

    between_trials: float
    within_trials: float
    iterations: int

    def best_iterations(self, trial_cost_s: float, iteration_cost_s: float) -> int | None:
        """Iterations per trial that give the narrowest interval per second (Kalibera & Jones 2013, section 6.1).

        Args:
            trial_cost_s: of starting one more trial, iterations not counted.
            iteration_cost_s: of one more iteration.

        Returns:
            At least 1; None if trials do not differ at all, when more iterations always pay.
        """
        if self.between_trials <= 0:
            return None
        ratio = trial_cost_s / iteration_cost_s * self.within_trials / self.between_trials
        return max(1, math.ceil(math.sqrt(ratio)))


def variance_components(log_times: Floats) -> Components | None:
    """Split the variance of steady iterations into trials and iterations; None for fewer than two of either.

    Args:
        log_times: shape (trials, iterations), warm-up removed.
    """
    trials, iterations = log_times.shape
    if trials < 2 or iterations < 2:
        return None
    within = float(log_times.var(axis=1, ddof=1).mean())
    between = float(log_times.mean(axis=1).var(ddof=1)) - within / iterations
    return Components(max(0.0, between), within, iterations)
