"""Break-even: known answers, what cannot be said, and how often the interval holds the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.break_even_coverage import coverage
from benchmarks.statistics.cells import CAMPAIGNS
from benchmarks.statistics.noises import NOISES, Noise
from lab.stats.break_even import Ahead, Runs, break_even, break_evens
from lab.stats.estimate import Floats
from lab.stats.simulate import binomial_band

# where one arm alone has a tail, the typical total is not the sum of typical parts
EVEN = [noise for noise in NOISES if noise.promised and noise.even]


def noisy(value: float, blocks: int, seed: int, noise: float = 0.01) -> Floats:
    return np.asarray(value * np.exp(np.random.default_rng(seed).normal(0, noise, blocks)))


def runs(cold: float, steady: float, seed: int, blocks: int = 12, noise: float = 0.01) -> Runs:
    return Runs(noisy(cold, blocks, seed, noise), noisy(steady, blocks, seed + 1000, noise))


def test_a_slow_start_with_quick_inferences_breaks_even_where_the_lines_cross() -> None:
    found = break_even(runs(0.5, 0.3, 1), runs(2.0, 0.1, 2))
    # 0.5 + 0.3 (n - 1) = 2.0 + 0.1 (n - 1) at n = 8.5
    assert found.value == pytest.approx(8.5, rel=0.03)
    assert found.starts_from == 9
    assert (found.few, found.many, found.always) == (Ahead.FIRST, Ahead.SECOND, None)
    assert found.low is not None
    assert found.high is not None
    assert 8 < found.low < 8.5 < found.high < 9


def test_n_is_the_difference_of_starts_over_that_of_inferences() -> None:
    first, second = runs(0.5, 0.3, 1, noise=1e-7), runs(2.0, 0.1, 2, noise=1e-7)
    starts = [(arm.cold - arm.steady).mean() for arm in (first, second)]
    found = break_even(first, second)
    assert found.value == pytest.approx((starts[1] - starts[0]) / (0.3 - 0.1), rel=1e-5)


def test_an_arm_that_is_quicker_in_both_is_always_ahead() -> None:
    found = break_even(runs(0.5, 0.1, 1), runs(2.0, 0.3, 2))
    assert found.always is Ahead.FIRST
    assert (found.value, found.low, found.high) == (None, None, None)


def test_two_equal_arms_cannot_be_distinguished_at_any_number() -> None:
    found = break_even(runs(0.5, 0.1, 1), runs(0.5, 0.1, 2))
    assert (found.few, found.many) == (None, None)
    assert (found.low, found.high) == (1, math.inf)


def test_a_later_start_that_inference_never_makes_good_has_no_upper_end() -> None:
    found = break_even(runs(0.5, 0.1, 1), runs(2.0, 0.1, 2))
    assert (found.few, found.many, found.high) == (Ahead.FIRST, None, math.inf)
    assert found.low is not None
    assert found.low > 100


def test_starts_that_are_alike_leave_the_lower_end_at_one() -> None:
    found = break_even(runs(0.5, 0.1, 1), runs(0.5, 0.2, 2))
    assert (found.few, found.many, found.low) == (None, Ahead.FIRST, 1)
    assert found.high is not None
    assert found.high < 10


@pytest.mark.parametrize(("blocks", "noise", "why"), [(1, 0.01, "one block"), (5, 0.0, "no spread")])
def test_without_a_spread_there_is_a_value_and_no_interval(blocks: int, noise: float, why: str) -> None:
    found = break_even(runs(0.5, 0.3, 1, blocks, noise), runs(2.0, 0.1, 2, blocks, noise))
    assert found.value == pytest.approx(8.5, rel=0.2)
    assert (found.low, found.high, found.few, found.many) == (None, None, None, None)
    assert why in (found.reason or "")


def test_arms_that_share_no_block_have_a_reason_and_nothing_else() -> None:
    nothing = Runs(np.empty(0), np.empty(0))
    found = break_even(nothing, nothing)
    assert found.reason == "no block holds both arms"
    assert found.value is None


def test_with_little_noise_the_interval_is_fiellers() -> None:
    # five blocks are not trimmed, and with 0.1 % of noise a logarithm is a line
    first, second = runs(0.5, 0.3, 1, blocks=5, noise=1e-3), runs(2.0, 0.1, 2, blocks=5, noise=1e-3)
    low, high = fieller(second.cold - first.cold, first.steady - second.steady)
    found = break_even(first, second)
    assert (found.low, found.high) == pytest.approx((1 + low, 1 + high), rel=2e-4)


def fieller(top: Floats, bottom: Floats) -> tuple[float, float]:
    """The interval of mean(top) / mean(bottom), from paired samples: roots of (a - n b)² = t² var(a - n b)."""
    n = len(top)
    t2 = stats.t.ppf(0.975, n - 1) ** 2 / n
    cov = np.cov(top, bottom)
    a, b = top.mean(), bottom.mean()
    roots = np.roots([b**2 - t2 * cov[1, 1], -2 * (a * b - t2 * cov[0, 1]), a**2 - t2 * cov[0, 0]])
    return float(min(roots)), float(max(roots))


def test_many_pairs_at_once_are_as_each_by_itself() -> None:
    pairs = [(runs(0.5, 0.3, seed), runs(0.4 + seed / 10, 0.25, seed + 50)) for seed in range(8)]
    stacked = [Runs(*(np.stack(part) for part in zip(*(pair[side] for pair in pairs), strict=True))) for side in (0, 1)]
    together = break_evens(stacked[0], stacked[1])
    for found, pair in zip(together, pairs, strict=True):
        alone = break_even(*pair)
        assert (found.few, found.many) == (alone.few, alone.many)
        assert found.value == (None if alone.value is None else pytest.approx(alone.value))


@pytest.mark.parametrize("noise", EVEN, ids=lambda noise: str(noise.name))
@pytest.mark.parametrize("blocks", [10, 20])
def test_intervals_hold_the_true_number_under_every_noise(noise: Noise, blocks: int) -> None:
    assert coverage(noise, blocks).held >= 0.93


def test_six_blocks_hold_the_true_number_too() -> None:
    assert coverage(NOISES[0], 6).held >= binomial_band(0.93, CAMPAIGNS)[0]
