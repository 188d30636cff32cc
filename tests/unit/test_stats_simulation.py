"""Seeded simulations: do the verdicts keep their promises when the truth is known?

Each rate is compared with an exact binomial band at 99 %, or with the promise itself where that leaves room.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from lab.stats.estimate import Floats
from lab.stats.hypotheses import benjamini_hochberg, holm, t_test
from lab.stats.intervals import bca_interval, guarded_interval, t_interval
from lab.stats.nested import nested_overhead
from lab.stats.planning import blocks_needed, noise_floor, precise_enough
from lab.stats.simulate import Noise, binomial_band, log_times, resampled, verdict_rates
from lab.stats.verdicts import State, judge_each, judge_family

COMPARISONS = 4000
ALPHA = 0.05
MARGIN = 0.02
SCALE = 0.02
NOISES = list(Noise)


@cache
def _a_a(noise: Noise, blocks: int) -> Floats:
    """Log-ratios of arms that are equal, shape (comparisons, blocks)."""
    first, second = log_times(np.random.default_rng([1, blocks]), noise, COMPARISONS, blocks, SCALE)
    return first - second


def _coverage(bounds: tuple[Floats, Floats], truth: float) -> float:
    return float(((bounds[0] <= truth) & (truth <= bounds[1])).mean())


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("blocks", [10, 20])
def test_equal_arms_are_called_different_at_the_rate_alpha_says(noise: Noise, blocks: int) -> None:
    low, high = binomial_band(ALPHA, COMPARISONS)
    verdicts = judge_each(_a_a(noise, blocks), MARGIN, ALPHA)
    rejected = np.mean([one.p_differs is not None and one.p_differs <= ALPHA for one in verdicts])
    assert low <= rejected <= high
    # the state asks for more than the p-value (the interval, and no equivalence), so it can only be rarer
    assert np.mean([one.state is State.DIFFERS for one in verdicts]) <= rejected


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("blocks", [6, 8])
def test_with_few_blocks_the_exact_test_keeps_false_alarms_below_alpha(noise: Noise, blocks: int) -> None:
    # discrete p-values can't use all of alpha: 6 blocks reach 0.031 at most
    assert verdict_rates(_a_a(noise, blocks), 1, MARGIN, ALPHA).differs <= binomial_band(ALPHA, COMPARISONS)[1]


@pytest.mark.parametrize("blocks", [2, 3, 4, 5])
def test_below_six_blocks_nothing_is_ever_called_different(blocks: int) -> None:
    assert verdict_rates(_a_a(Noise.LOGNORMAL, blocks), 1, MARGIN, ALPHA).differs == 0


@pytest.mark.parametrize("noise", NOISES)
def test_a_family_of_equal_arms_has_any_false_alarm_at_the_rate_alpha_says(noise: Noise) -> None:
    families, members = 2000, 12
    first, second = log_times(np.random.default_rng(5), noise, families * members, 15, SCALE)
    table = (first - second).reshape(families, members, 15)
    raw = t_test(table)
    wrong = np.array([(holm(p) <= ALPHA).any() for p in raw])
    low, high = binomial_band(ALPHA, families)
    assert low <= wrong.mean() <= high
    # without correction about half of all families would hold one
    assert (raw <= ALPHA).any(axis=1).mean() > 0.35
    # the verdicts go by the same numbers
    for family, alarm in list(zip(table, wrong, strict=True))[:60]:
        verdicts = judge_family(dict(enumerate(family)), MARGIN).values()
        assert any(one.p_differs is not None and one.p_differs <= ALPHA for one in verdicts) == alarm
    # Benjamini and Hochberg keep the same rate where nothing differs
    screened = np.array([(benjamini_hochberg(p) <= ALPHA).any() for p in raw])
    assert low <= screened.mean() <= high


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("blocks", [10, 15, 20, 30])
def test_95_percent_intervals_cover_in_at_least_93_percent(noise: Noise, blocks: int) -> None:
    assert _coverage(guarded_interval(_a_a(noise, blocks))[0], 0) >= 0.93


@pytest.mark.parametrize("blocks", [10, 15, 20, 30])
def test_they_cover_when_one_arm_alone_has_a_long_tail_which_students_do_not(blocks: int) -> None:
    rng = np.random.default_rng([2, blocks])
    tailed = rng.exponential(0.03, (COMPARISONS, blocks)) - rng.normal(0, 0.005, (COMPARISONS, blocks))
    assert _coverage(guarded_interval(tailed)[0], 0.03) >= 0.93
    if blocks < 20:
        assert _coverage(t_interval(tailed), 0.03) < 0.93


@pytest.mark.parametrize("noise", NOISES)
def test_bca_covers_too_little_with_ten_blocks(noise: Noise) -> None:
    assert _coverage(bca_interval(_a_a(noise, 10)), 0) < 0.93


def test_the_hierarchical_bootstrap_covers_too_little_with_six_blocks_and_enough_with_thirty() -> None:
    def coverage(blocks: int) -> float:
        rng, covered = np.random.default_rng([3, blocks]), 0
        for seed in range(300):
            trial = rng.normal(0, SCALE, (2, blocks, 1)) + rng.normal(0, SCALE / 2, (2, blocks, 4))
            arms = [{block: times.tolist() for block, times in enumerate(np.exp(arm))} for arm in trial]
            estimate = nested_overhead(arms[0], arms[1], resamples=500, seed=seed)
            covered += estimate.low is not None and estimate.high is not None and estimate.low <= 1 <= estimate.high
        return covered / 300

    # 99 % band of a true 95 % in 300 draws starts at 91.3 %
    assert coverage(6) < 0.913 <= coverage(30)


def test_a_slowdown_of_2_percent_in_2_percent_noise_is_found_with_20_blocks() -> None:
    # each arm has noise of 2 %, so that a log-ratio has 2.8 %
    found = verdict_rates(_a_a(Noise.LOGNORMAL, 20) + np.log(1.02), 1.02, margin=0.005)
    assert found.differs >= 0.8
    assert found.covered >= 0.93


def test_equivalence_is_claimed_falsely_no_more_often_than_alpha_at_the_margins_edge() -> None:
    for noise in NOISES:
        at_the_edge = verdict_rates(_a_a(noise, 20) / 4 + np.log1p(MARGIN), 1 + MARGIN, MARGIN)
        assert at_the_edge.equivalent <= binomial_band(ALPHA, COMPARISONS)[1]


def test_equal_arms_with_little_noise_are_called_equivalent() -> None:
    assert verdict_rates(_a_a(Noise.LOGNORMAL, 20) / 4, 1, MARGIN).equivalent > 0.99


def test_pooling_iterations_as_if_independent_fails_the_very_test_that_trials_pass() -> None:
    rng, blocks, iterations = np.random.default_rng(4), 20, 10
    trials = rng.normal(0, SCALE, (2, COMPARISONS, blocks, 1))
    times = trials + rng.normal(0, SCALE / 4, (2, COMPARISONS, blocks, iterations))
    low, high = binomial_band(ALPHA, COMPARISONS)
    by_trial = (times[0] - times[1]).mean(axis=-1)
    assert low <= float((t_test(by_trial) <= ALPHA).mean()) <= high
    pooled = (times[0] - times[1]).reshape(COMPARISONS, -1)
    assert float((t_test(pooled) <= ALPHA).mean()) > 0.4


def test_stopping_at_a_precision_keeps_coverage_and_stopping_at_significance_does_not() -> None:
    rng, worlds, most = np.random.default_rng(6), 1500, 60
    table = rng.normal(0, SCALE * np.sqrt(2), (worlds, most))
    covered, alarmed, running = np.zeros(worlds, bool), np.zeros(worlds, bool), np.ones(worlds, bool)
    for n in range(6, most + 1):
        low, high = t_interval(table[:, :n])
        alarmed |= (low > 0) | (high < 0)
        stops = running & ((np.expm1((high - low) / 2) <= 0.02) | (n == most))
        covered[stops] = ((low <= 0) & (high >= 0))[stops]
        running &= ~stops
    # the true rate of the rule is about 93.5 %; 99 % band of 93 % in 1500 draws starts at 91.3 %
    assert covered.mean() >= binomial_band(0.93, worlds)[0]
    assert alarmed.mean() > 0.15


def test_the_predicted_number_of_blocks_suffices_about_every_second_time_or_as_often_as_asked() -> None:
    rng, spread = np.random.default_rng(7), SCALE
    suffices = {0.5: 0, 0.8: 0}
    for _ in range(400):
        pilot = rng.normal(0, spread, 6)
        for assurance in suffices:
            blocks = blocks_needed(pilot, 0.01, assurance=assurance)
            truly = blocks_needed(np.array([-1, 1]) * spread / np.sqrt(2), 0.01, assurance=0.3173)
            assert blocks is not None
            assert truly is not None
            suffices[assurance] += blocks >= truly
    for assurance, count in suffices.items():
        low, high = binomial_band(assurance, 400, 0.999)
        # blocks are whole numbers, so it may suffice a little more often
        assert low <= count / 400 <= high + 0.05


def test_a_slowdown_at_the_measured_noise_floor_is_found_with_the_stated_power() -> None:
    measured = _a_a(Noise.LOGNORMAL, 30)[0]
    floor = noise_floor(measured, blocks=20, power=0.8)
    assert floor is not None
    at_floor = resampled(measured, 2000, 20, slowdown=floor.fraction)
    found = verdict_rates(at_floor, 1 + floor.fraction, margin=1e-4)
    # verdicts also ask the interval, widened for skew in a third of the rows: a few percent less than the t test's 80
    assert 0.72 <= found.differs <= 0.84


def test_resampled_noise_has_the_measured_spread_and_no_ties() -> None:
    measured = _a_a(Noise.BIMODAL, 20)[0]
    drawn = resampled(measured, 4000, 20, slowdown=0.05)
    assert drawn.mean() == pytest.approx(np.log(1.05), abs=4 * measured.std() / np.sqrt(80_000))
    # fourth moments of two modes put a standard error of under 1 % on the spread of 80 000 values
    assert drawn.std() == pytest.approx(measured.std(ddof=1), rel=0.02)
    assert len(np.unique(drawn)) == drawn.size


def test_measured_noise_gives_false_alarms_at_the_rate_alpha_says() -> None:
    rates = verdict_rates(resampled(_a_a(Noise.BIMODAL, 20)[0], COMPARISONS, 20), 1, MARGIN)
    assert rates.differs <= binomial_band(ALPHA, COMPARISONS)[1]
    assert rates.differs + rates.equivalent + rates.undetermined == pytest.approx(1)
    assert rates.covered >= 0.93


def test_the_stop_rule_and_its_prediction_agree_on_a_real_sequence() -> None:
    sequence = np.random.default_rng(9).normal(0.7, 0.03, 200)
    stopped = next(n for n in range(6, 200) if precise_enough(sequence[:n], 0.02))
    predicted = blocks_needed(sequence[:stopped], 0.02, assurance=0.5)
    assert predicted is not None
    # at the moment of stopping the prediction must say "now"; median-unbiasing adds up to two blocks
    assert abs(predicted - stopped) <= 2
