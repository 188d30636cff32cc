"""Iterations nested in trials: the hierarchical bootstrap, and where the noise comes from.

Iterations of one process share its memory layout, its compiled code and its moment. They are no independent samples;
treating them as such makes intervals several times too narrow. Source: Kalibera & Jones, "Rigorous benchmarking in
reasonable time", ISMM 2013, and "Quantifying performance changes with effect size confidence intervals" (2012).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lab.stats.estimate import Estimate, Floats, ratio_estimate
from lab.stats.intervals import RESAMPLES

Iterations = Mapping[int, Sequence[float]]


def nested_overhead(
    numerator: Iterations, denominator: Iterations, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 1
) -> Estimate:
    """Geometric mean of ratios of iterations, with an interval by hierarchical bootstrap.

    Blocks are drawn with replacement, then, in each block drawn, each arm's iterations with replacement. The point
    estimate gives every block the same weight, however many iterations it holds. A percentile interval on few blocks
    is too narrow (see docs/statistics.md): it is offered for 20 blocks and more, next to `overhead` on block means.

    Args:
        numerator: by block, the times of one trial's iterations, all above 0.
        denominator: the same of the other arm.
        level: of the interval.
        resamples: how many.
        seed: of the resampling.
    """
    shared = sorted(numerator.keys() & denominator.keys())
    blocks = [block for block in shared if numerator[block] and denominator[block]]
    n, method = len(blocks), "hierarchical bootstrap"
    if n == 0:
        return Estimate(None, None, None, level, method, 0, "no block holds both trials")
    arms = [[np.log(np.asarray(arm[block], dtype=np.float64)) for block in blocks] for arm in (numerator, denominator)]
    center = float(np.mean([above.mean() - below.mean() for above, below in zip(*arms, strict=True)]))
    if n == 1:
        reason = "one block has no spread to make an interval from"
        return Estimate(math.exp(center), None, None, level, method, 1, reason)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(n, size=(resamples, n))
    means = (_resampled_means(rng, arms[0], drawn) - _resampled_means(rng, arms[1], drawn)).mean(axis=-1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return ratio_estimate(center, float(low), float(high), level, method, n)


def _resampled_means(rng: np.random.Generator, trials: list[Floats], drawn: np.ndarray[tuple[int, int]]) -> Floats:
    """Mean of one resample of iterations for every drawn trial: same shape as drawn."""
    counts = np.array([len(trial) for trial in trials])
    padded = np.zeros((len(trials), counts.max()))
    for row, trial in enumerate(trials):
        padded[row, : len(trial)] = trial
    total = np.zeros(drawn.shape)
    for turn in range(counts.max()):
        pick = (rng.random(drawn.shape) * counts[drawn]).astype(np.intp)
        total += np.where(turn < counts[drawn], padded[drawn, pick], 0.0)
    means: Floats = total / counts[drawn]
    return means


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
