"""Simulated comparisons: what the verdicts would do under a known truth, with assumed or measured noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from lab.core.errors import UsageError
from lab.core.units import show_percent
from lab.stats.estimate import Floats
from lab.stats.typical import typical
from lab.stats.verdicts import Judgement, State, judge_each


def resampled(log_ratios: Floats, comparisons: int, blocks: int, slowdown: float = 0.0, seed: int = 1) -> Floats:
    """Log-ratios as the machine would give them for a true slowdown: measured noise, centred, signs at random.

    Drawn by a smoothed bootstrap (Silverman's bandwidth, variance kept), so that no value comes twice.

    Args:
        log_ratios: A/A log-ratios as measured, shape (n,), n ≥ 2.
        comparisons: how many to simulate.
        blocks: in each.
        slowdown: the truth, as a fraction.
        seed: of the draw.

    Returns:
        Shape (comparisons, blocks).
    """
    rng = np.random.default_rng(seed)
    noise = log_ratios - log_ratios.mean()
    spread, shape = float(noise.std(ddof=1)), (comparisons, blocks)
    bandwidth = 1.06 * len(noise) ** -0.2
    drawn = rng.choice(noise, shape) * rng.choice([-1.0, 1.0], shape) + rng.normal(0, bandwidth * spread, shape)
    # the draw's own variance is that of the values plus the kernel's
    scale = spread / float(np.sqrt(np.mean(noise**2) + (bandwidth * spread) ** 2))
    return np.asarray(drawn * scale + np.log1p(slowdown), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """The smallest slowdown that a number of blocks can be expected to show.

    Attributes:
        fraction: 0.008 for 0.8 %.
        blocks: how many.
        power: the chance of finding a slowdown of just that size.
        alpha: of the test.
        spread: standard deviation of log-ratios that it rests on.
    """

    fraction: float
    blocks: int
    power: float
    alpha: float
    spread: float

    @property
    def sentence(self) -> str:
        """``differences under 0.8 % can't be seen here in 20 blocks``."""
        return f"differences under {show_percent(self.fraction)} can't be seen here in {self.blocks} blocks"


def noise_floor(
    log_ratios: Floats, blocks: int, alpha: float = 0.05, power: float = 0.8, comparisons: int = 4000, seed: int = 1
) -> NoiseFloor | None:
    """The noise floor of a machine, from log-ratios between trials of the same arm (A/A) or of a steady case.

    Simulates comparisons with the measured noise. Each finds a slowdown from some size on; the floor is the size that
    the wanted share of them finds.

    Args:
        log_ratios: shape (blocks measured,), at least two that are not all the same.
        blocks: how many the future comparison will have, at least 2.
        alpha: its level.
        power: chance of detection at the floor.
        comparisons: how many to simulate.
        seed: of the simulation.

    Returns:
        None where the spread is unknown.

    Raises:
        UsageError: fewer than two blocks are planned.
    """
    if blocks < 2:
        raise UsageError(f"a comparison of {blocks} block has no noise floor", "plan for at least 2 blocks")
    spread = float(np.std(log_ratios, ddof=1)) if len(log_ratios) >= 2 else 0.0
    if spread <= 0:
        return None
    center = typical(resampled(log_ratios, comparisons, blocks, seed=seed))
    found_from = special.stdtrit(center.freedom, 1 - alpha / 2) * center.error - center.value
    fraction = float(np.expm1(np.quantile(found_from, power)))
    return NoiseFloor(fraction, blocks, power, alpha, spread)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often single comparisons came to each verdict.

    Attributes:
        comparisons: how many were simulated.
        differs, equivalent, undetermined: fractions of them.
        covered: fraction of intervals that hold the true ratio.
    """

    comparisons: int
    differs: float
    equivalent: float
    undetermined: float
    covered: float


def verdict_rates(log_ratios: Floats, true_ratio: float, margin: float, alpha: float = 0.05) -> Rates:
    """Judge every row on its own and count.

    Args:
        log_ratios: shape (comparisons, blocks).
        true_ratio: that the rows were drawn with.
        margin: of equivalence.
        alpha: of the tests.
    """
    judgements = judge_each(log_ratios, margin, alpha)
    states = [judgement.state for judgement in judgements]
    covered = [_covers(judgement, true_ratio) for judgement in judgements]
    share = {state: states.count(state) / len(states) for state in State}
    return Rates(
        len(states),
        share[State.DIFFERS],
        share[State.EQUIVALENT],
        share[State.UNDETERMINED],
        sum(covered) / len(covered),
    )


def binomial_band(rate: float, trials: int, level: float = 0.99) -> tuple[float, float]:
    """Between which observed rates a true rate shows itself with that probability (exact binomial quantiles)."""
    low, high = (float(stats.binom.ppf(tail, trials, rate)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return low / trials, high / trials


def _covers(judgement: Judgement, truth: float) -> bool:
    low, high = judgement.estimate.low, judgement.estimate.high
    return low is not None and high is not None and low <= truth <= high
