"""Simulated comparisons: what the verdicts would do under a known truth, with assumed or measured noise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats

from lab.stats.estimate import Floats
from lab.stats.verdicts import Judgement, State, judge_each


class Noise(StrEnum):
    """How a machine disturbs a trial's time, in multiples of a scale.

    `LOGNORMAL`: many small causes multiply. `BIMODAL`: one trial in five is slower by five scales (a neighbour, a
    page cache, a lower clock). `DRIFTING`: the machine heats up by half a scale per block, and the two trials of a
    block, in random order, sit a third of a block apart.
    """

    LOGNORMAL = "lognormal"
    BIMODAL = "bimodal"
    DRIFTING = "drifting"


def log_times(
    rng: np.random.Generator, noise: Noise, comparisons: int, blocks: int, scale: float
) -> tuple[Floats, Floats]:
    """Logarithms of the times of two equal arms, paired by block; each of shape (comparisons, blocks).

    Every block also has an effect of its own, five scales wide, that both arms share.
    """
    shape = (2, comparisons, blocks)
    own = rng.normal(0, scale, shape)
    if noise is Noise.BIMODAL:
        own += np.where(rng.random(shape) < 0.2, 5 * scale, 0)
    if noise is Noise.DRIFTING:
        earlier = rng.integers(2, size=shape[1:])
        own += scale / 2 * (np.arange(blocks) + np.stack([earlier, 1 - earlier]) / 3)
    shared = rng.normal(0, 5 * scale, shape[1:])
    return own[0] + shared, own[1] + shared


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
