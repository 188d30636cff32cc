"""Seeded simulations: do the verdicts keep their promises when the truth is known?

Each rate is compared with an exact binomial band at 99 %, or with the promise itself where that leaves room. The noises
and the other estimators are those of `python -m benchmarks.statistics_menu`, which fills the tables of
docs/statistics.md.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from benchmarks.statistics.cells import CAMPAIGNS, Cell, paired_cell, power_of_student, unpaired_cell
from benchmarks.statistics.estimators import FORMER, LAB, MENU, Estimator
from benchmarks.statistics.noises import BURSTS, DEPENDENT, NOISES, SLOW_MODE, Noise
from benchmarks.statistics.stopping import RULES, Stopped, covers_always, stop
from lab.stats.estimate import Floats
from lab.stats.hypotheses import holm
from lab.stats.planning import blocks_needed, precise_enough
from lab.stats.simulate import binomial_band, noise_floor, resampled, verdict_rates
from lab.stats.typical import p_differs, typical
from lab.stats.verdicts import State, judge_each, judge_family

ALPHA = 0.05
MARGIN = 0.02
NORMAL = NOISES[0]
INDEPENDENT = [noise for noise in NOISES if noise.promised]
BY_NAME = {rule.name: rule for rule in MENU}
HODGES_LEHMANN, YUEN = BY_NAME["Hodges-Lehmann, exact signed ranks"], BY_NAME["20 % trimmed mean, Yuen"]


def _name(one: Noise | Estimator) -> str:
    return one.name


@cache
def _cell(noise: Noise, blocks: int, estimator: Estimator = LAB) -> Cell:
    return paired_cell(noise, estimator, blocks)


@cache
def _rows(noise: Noise, blocks: int, campaigns: int = CAMPAIGNS) -> Floats:
    return noise.draw(np.random.default_rng([5, blocks]), (campaigns, blocks)).log_ratios


@pytest.mark.parametrize("noise", INDEPENDENT, ids=_name)
@pytest.mark.parametrize("blocks", [10, 20])
def test_equal_arms_are_called_different_in_at_most_5_percent_under_every_noise(noise: Noise, blocks: int) -> None:
    cell = _cell(noise, blocks)
    assert cell.false <= binomial_band(ALPHA, CAMPAIGNS)[1]
    assert cell.covered >= 0.93


@pytest.mark.parametrize("noise", INDEPENDENT, ids=_name)
def test_six_blocks_and_the_exact_rank_test_keep_false_alarms_below_alpha(noise: Noise) -> None:
    # discrete p-values can't use all of alpha: 6 blocks reach 0.031 at most
    cell = _cell(noise, 6)
    assert cell.false <= binomial_band(0.031, CAMPAIGNS)[1]
    assert cell.covered >= binomial_band(0.93, CAMPAIGNS)[0]


@pytest.mark.parametrize("blocks", [10, 14, 20])
def test_trials_that_depend_on_the_block_before_give_under_9_percent_false_verdicts(blocks: int) -> None:
    assert _cell(DEPENDENT, blocks).false <= binomial_band(0.09, CAMPAIGNS)[1]
    # where every block counts in full it is more than twice that
    assert _cell(DEPENDENT, blocks, YUEN).false > 0.18


def test_bursts_hide_2_percent_from_the_mean_and_not_from_the_typical_trial() -> None:
    assert _cell(BURSTS, 10).found >= 0.5
    assert _cell(BURSTS, 20).found >= 0.8
    assert _cell(BURSTS, 20, FORMER).found < 0.4
    # the least iteration sees them too, where there are iterations: a cold run has none
    assert _cell(BURSTS, 20, BY_NAME["least of five iterations, t"]).found > 0.8


def test_the_price_in_power_is_that_of_the_table() -> None:
    # normal noise of 2 % in each arm, 20 blocks: 83 % by Student's test
    student = power_of_student(0.02 * math.sqrt(2), 20)
    assert _cell(NORMAL, 20, BY_NAME["mean, t"]).found == pytest.approx(student, abs=0.03)
    assert student - _cell(NORMAL, 20, YUEN).found == pytest.approx(0.08, abs=0.04)
    assert _cell(NORMAL, 20, YUEN).found - _cell(NORMAL, 20).found == pytest.approx(0.1, abs=0.04)


def test_hubers_estimator_covers_too_little_where_one_arm_has_a_long_tail() -> None:
    tail = next(noise for noise in NOISES if noise.name.startswith("long tail"))
    assert _cell(tail, 10, BY_NAME["Huber's M-estimator"]).covered < 0.91
    assert _cell(tail, 10, HODGES_LEHMANN).covered >= 0.93


def test_exact_signed_ranks_of_ten_blocks_lose_in_a_family_where_yuens_test_does_not() -> None:
    family = {place: 0.7 + row for place, row in enumerate(_rows(NORMAL, 10)[:100])}
    verdicts = judge_family(family, MARGIN).values()
    # 2 / 2^10 × 100 > 0.05: a ratio of 2 in every one of them could never be shown
    assert min(verdict.p_rank or 1 for verdict in verdicts) * 100 > ALPHA
    assert sum(verdict.state is State.DIFFERS for verdict in verdicts) >= 99


@pytest.mark.parametrize("noise", NOISES, ids=_name)
def test_between_campaigns_false_alarms_stay_below_alpha_too(noise: Noise) -> None:
    rate = ALPHA if noise.promised else 0.09
    for blocks in (10, 20):
        assert unpaired_cell(noise, blocks).false <= binomial_band(rate, CAMPAIGNS)[1]


def test_verdicts_are_those_of_the_simulated_intervals() -> None:
    rows = _rows(BURSTS, 20)[:200]
    simulated = LAB.fit(rows)
    for judgement, low, high in zip(judge_each(rows, 1e-9, ALPHA), simulated.low, simulated.high, strict=True):
        assert (judgement.estimate.low, judgement.estimate.high) == pytest.approx((math.exp(low), math.exp(high)))
        assert (judgement.state is State.DIFFERS) == (not low <= 0 <= high)


@pytest.mark.parametrize("blocks", [2, 3, 4, 5])
def test_below_six_blocks_nothing_is_ever_called_different(blocks: int) -> None:
    assert verdict_rates(_rows(NORMAL, blocks), 1, MARGIN, ALPHA).differs == 0


def test_a_family_of_equal_arms_has_any_false_alarm_at_no_more_than_alpha() -> None:
    families, members = 1000, 12
    table = np.random.default_rng(5).normal(0, 0.03, (families, members, 15))
    raw = p_differs(typical(table))
    wrong = np.array([(holm(p) <= ALPHA).any() for p in raw])
    assert wrong.mean() <= binomial_band(ALPHA, families)[1]
    # without correction many families would hold one
    assert (raw <= ALPHA).any(axis=1).mean() > 0.25
    # the verdicts go by the same numbers
    for family, alarm in list(zip(table, wrong, strict=True))[:60]:
        verdicts = judge_family(dict(enumerate(family)), MARGIN).values()
        p_values = [verdict.p_differs for verdict in verdicts]
        assert any(p is not None and p <= ALPHA for p in p_values) == alarm


def test_equivalence_is_claimed_falsely_no_more_often_than_alpha_at_the_margins_edge() -> None:
    for noise in (NORMAL, BURSTS):
        at_the_edge = verdict_rates(_rows(noise, 20) / 4 + np.log1p(MARGIN), 1 + MARGIN, MARGIN)
        assert at_the_edge.equivalent <= binomial_band(ALPHA, CAMPAIGNS)[1]


def test_equal_arms_with_little_noise_are_called_equivalent() -> None:
    assert verdict_rates(_rows(NORMAL, 20) / 4, 1, MARGIN).equivalent > 0.98


def test_pooling_iterations_as_if_independent_fails_the_very_test_that_trials_pass() -> None:
    rng, blocks, iterations = np.random.default_rng(4), 20, 10
    trials = rng.normal(0, 0.02, (2, CAMPAIGNS, blocks, 1))
    times = trials + rng.normal(0, 0.005, (2, CAMPAIGNS, blocks, iterations))
    by_trial = (times[0] - times[1]).mean(axis=-1)
    pooled = (times[0] - times[1]).reshape(CAMPAIGNS, -1)
    assert float((YUEN.fit(by_trial).low > 0).mean()) <= ALPHA
    assert float((BY_NAME["mean, t"].fit(pooled).low > 0).mean()) > 0.2


@cache
def _stopped(noise: Noise, half_width: float) -> dict[str, Stopped]:
    chosen = (RULES[0], RULES[1], RULES[3])
    return {stopped.rule: stopped for stopped in stop(noise, half_width, 1500, chosen, most=60)}


def test_looking_after_every_block_keeps_coverage_only_if_three_blocks_follow() -> None:
    before, hasty, ours = _stopped(NORMAL, 0.01).values()
    low = binomial_band(0.93, 1500)[0]
    assert ours.covered >= low
    assert hasty.covered < ours.covered
    assert ours.blocks - hasty.blocks < 5
    for noise in (BURSTS, SLOW_MODE):
        assert list(_stopped(noise, 0.02).values())[-1].covered >= low
    # under bursts the rule before runs to the end of nearly every campaign
    assert _stopped(BURSTS, 0.02)[before.rule].blocks > 2 * list(_stopped(BURSTS, 0.02).values())[-1].blocks


def test_a_confidence_sequence_covers_at_every_block_at_once() -> None:
    assert covers_always(NORMAL, 1500) >= binomial_band(0.95, 1500)[0]


def test_stopping_at_significance_would_find_differences_that_are_not_there() -> None:
    table, alarmed = np.random.default_rng(6).normal(0, 0.03, (1000, 60)), np.zeros(1000, dtype=bool)
    for n in range(10, 61):
        alarmed |= p_differs(typical(table[:, :n])) <= ALPHA
    assert alarmed.mean() > 0.15


def test_the_predicted_number_of_blocks_suffices_as_often_as_asked() -> None:
    rng, spread = np.random.default_rng(7), 0.02
    pilots = rng.normal(0, spread, (400, 9))
    # the spread that the trimmed mean of very many such blocks has
    long = typical(rng.normal(0, spread, (1, 200_000)))
    truly = blocks_needed(np.array([-1, 1]) * float(long.error[0]) * math.sqrt(100_000), 0.01, assurance=0.3173)
    assert truly is not None
    for assurance in (0.5, 0.8):
        found = [blocks_needed(pilot, 0.01, assurance=assurance) for pilot in pilots]
        suffices = np.mean([blocks is not None and blocks >= truly for blocks in found])
        low, high = binomial_band(assurance, 400, 0.999)
        # blocks are whole numbers, and winsorised spreads only about chi-squared
        assert low - 0.05 <= suffices <= high + 0.05


def test_a_slowdown_at_the_measured_noise_floor_is_found_with_the_stated_power() -> None:
    measured = _rows(NORMAL, 40)[0]
    floor = noise_floor(measured, blocks=20, power=0.8)
    assert floor is not None
    at_floor = resampled(measured, 2000, 20, slowdown=floor.fraction, seed=5)
    found = verdict_rates(at_floor, 1 + floor.fraction, margin=1e-4)
    assert 0.77 <= found.differs <= 0.83


def test_resampled_noise_has_the_measured_spread_and_no_ties() -> None:
    measured = _rows(SLOW_MODE, 20)[0]
    drawn = resampled(measured, 4000, 20, slowdown=0.05)
    assert drawn.mean() == pytest.approx(np.log(1.05), abs=4 * measured.std() / np.sqrt(80_000))
    # fourth moments of two modes put a standard error of under 1 % on the spread of 80 000 values
    assert drawn.std() == pytest.approx(measured.std(ddof=1), rel=0.02)
    assert len(np.unique(drawn)) == drawn.size


def test_measured_noise_gives_false_alarms_at_no_more_than_alpha() -> None:
    rates = verdict_rates(resampled(_rows(BURSTS, 20)[0], CAMPAIGNS, 20), 1, MARGIN)
    assert rates.differs <= binomial_band(ALPHA, CAMPAIGNS)[1]
    assert rates.differs + rates.equivalent + rates.undetermined == pytest.approx(1)
    assert rates.covered >= 0.93


def test_the_stop_rule_and_its_prediction_agree_on_a_real_sequence() -> None:
    sequence = np.random.default_rng(9).normal(0.7, 0.03, 200)
    stopped = next(n for n in range(6, 200) if precise_enough(sequence[:n], 0.02))
    predicted = blocks_needed(sequence[: stopped - 3], 0.02, assurance=0.5)
    assert predicted is not None
    # where the interval was narrow first, the prediction must say "about now"
    assert abs(predicted - (stopped - 3)) <= 3
