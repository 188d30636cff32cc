"""Iterations nested in trials: where the noise comes from, and how many iterations a trial should have.

Iterations of one process share its memory layout, its compiled code and its moment. They are no independent samples;
treating them as such makes intervals several times too narrow. Source: Kalibera & Jones, "Rigorous benchmarking in
reasonable time", ISMM 2013.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lab.stats.estimate import Floats


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
