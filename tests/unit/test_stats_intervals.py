"""Intervals and effect sizes against scipy, statsmodels and textbook examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from lab.stats.effects import cliffs_delta, hodges_lehmann
from lab.stats.hypotheses import signed_rank
from lab.stats.intervals import bca_interval, bootstrap_t_interval, guarded_interval, t_interval

RNG = np.random.default_rng(11)
SKEWED = RNG.exponential(0.03, 15)
# Hamilton depression scale factor IV before and after a tranquilliser, Hollander & Wolfe, table 3.1
BEFORE = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
AFTER = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_t_interval_is_that_of_scipy_and_statsmodels(level: float) -> None:
    low, high = t_interval(SKEWED, level)
    of_scipy = stats.ttest_1samp(SKEWED, 0).confidence_interval(level)
    # the same closed form: only rounding may differ
    assert (low, high) == pytest.approx((of_scipy.low, of_scipy.high), rel=1e-12)
    assert (low, high) == pytest.approx(DescrStatsW(SKEWED).tconfint_mean(1 - level), rel=1e-12)


def test_the_bca_interval_is_that_of_scipy_within_resampling_noise() -> None:
    ours = bca_interval(SKEWED, 0.95, 20_000)
    theirs = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    # a 2.5 % quantile of B draws has a standard error of sqrt(.025 × .975 / B) / density = 0.019 sigma for B = 20 000;
    # two of them, four standard errors apart: 0.11 sigma
    sigma = SKEWED.std() / math.sqrt(len(SKEWED))
    assert tuple(ours) == pytest.approx((theirs.low, theirs.high), abs=0.11 * sigma)


def test_the_bootstrap_t_interval_is_that_of_a_plain_loop_within_resampling_noise() -> None:
    rng, n, mean = np.random.default_rng(3), len(SKEWED), SKEWED.mean()
    draws = rng.choice(SKEWED, (50_000, n))
    t = (draws.mean(axis=1) - mean) / (draws.std(axis=1) / math.sqrt(n))
    upper, lower = np.quantile(t, [0.975, 0.025])
    error = SKEWED.std() / math.sqrt(n)
    ours = bootstrap_t_interval(SKEWED, 0.95, 50_000)
    # t has long tails under skew: its extreme quantiles come with about 1 % of noise, four standard errors allowed
    assert tuple(ours) == pytest.approx((mean - upper * error, mean - lower * error), abs=0.1 * error)


def test_many_rows_get_the_intervals_that_each_would_get_alone() -> None:
    table = RNG.exponential(0.02, (700, 9))
    for method in (t_interval, bca_interval, bootstrap_t_interval):
        together = method(table, 0.95)
        for row in (0, 499, 500, 699):
            alone = method(table[row], 0.95)
            # a matrix product may add in another order than a vector product
            assert together.low[row] == pytest.approx(float(alone.low), rel=1e-9)
            assert together.high[row] == pytest.approx(float(alone.high), rel=1e-9)


def test_symmetric_values_keep_the_t_interval_and_skewed_ones_get_a_wider_one() -> None:
    symmetric = np.array([-3.0, -2, -1, 0, 1, 2, 3]) / 100
    bounds, widened = guarded_interval(symmetric)
    assert not widened
    assert tuple(bounds) == tuple(t_interval(symmetric))
    bounds, widened = guarded_interval(SKEWED)
    plain = t_interval(SKEWED)
    assert widened
    assert bounds.low <= plain.low
    assert bounds.high > plain.high


@pytest.mark.parametrize("values", [[0.1], [0.2, 0.2, 0.2]], ids=["one value", "no spread"])
def test_without_spread_no_method_makes_up_an_interval(values: list[float]) -> None:
    for method in (t_interval, bca_interval, bootstrap_t_interval):
        assert np.isnan(method(np.array(values), 0.95)).all()


def test_three_values_are_too_few_for_bootstrap_t() -> None:
    # one resample in nine repeats a single value, which has no spread: the 97.5 % quantile of t is infinite
    assert np.isnan(bootstrap_t_interval(np.array([0.1, 0.2, 0.4]))).all()


def test_hodges_lehmann_gives_the_textbook_shift_and_interval() -> None:
    estimate = hodges_lehmann(AFTER - BEFORE)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    # Hollander & Wolfe, examples 3.3 and 3.4: -0.46 and (-0.786, -0.010), printed with three decimals
    assert math.log(estimate.value) == pytest.approx(-0.46, abs=5e-4)
    assert math.log(estimate.low) == pytest.approx(-0.786, abs=5e-4)
    assert math.log(estimate.high) == pytest.approx(-0.010, abs=5e-4)


@pytest.mark.parametrize("n", [6, 9, 14, 25])
def test_the_hodges_lehmann_interval_holds_the_shifts_that_the_signed_rank_test_keeps(n: int) -> None:
    values = np.random.default_rng(n).normal(0.1, 0.05, n)
    estimate = hodges_lehmann(values)
    assert estimate.low is not None
    assert estimate.high is not None
    nudge = 1e-9
    for end, inward in ((math.log(estimate.low), 1), (math.log(estimate.high), -1)):
        assert signed_rank(values - (end + inward * nudge)) > 0.05
        assert signed_rank(values - (end - inward * nudge)) <= 0.05


def test_five_blocks_have_a_shift_but_no_95_percent_interval() -> None:
    estimate = hodges_lehmann(np.array([0.1, 0.2, 0.15, 0.12, 0.3]))
    assert estimate.value is not None
    assert (estimate.low, estimate.high) == (None, None)
    assert estimate.reason == "5 blocks can never give a 95% interval by signed ranks"


def test_many_blocks_use_the_normal_approximation_of_the_cut() -> None:
    values = np.random.default_rng(4).normal(0, 1, 51)
    estimate = hodges_lehmann(values)
    assert estimate.low is not None
    # at the approximate end the exact test must be near its level
    assert signed_rank(values - math.log(estimate.low)) == pytest.approx(0.05, abs=0.005)


def test_cliffs_delta_counts_pairs() -> None:
    a, b = RNG.integers(0, 9, 13).astype(float), RNG.integers(3, 12, 8).astype(float)
    by_hand = np.sign(a[:, None] - b[None, :]).mean()
    assert cliffs_delta(a, b) == pytest.approx(by_hand, abs=1e-12)
    assert cliffs_delta(a + 100, a) == 1
    assert cliffs_delta(a, np.array([])) is None
