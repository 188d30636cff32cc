"""Sequential bounds: published ones are met, every look is covered, and one may stop at the answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from benchmarks.statistics.noises import BURSTS, NOISES, Noise
from lab.stats.sequential import Spending, is_settled, look_levels
from lab.stats.simulate import binomial_band
from lab.stats.typical import Typical, interval, typical
from lab.stats.verdicts import State, judge, judge_family

CAMPAIGNS = 1000


@pytest.mark.parametrize(
    ("spending", "bounds"),
    [
        # Lan & DeMets' bounds for five equal steps, 5 % two-sided (Jennison & Turnbull 2000, tables 7.2 and 7.3)
        (Spending.LATE, (4.877, 3.357, 2.680, 2.290, 2.031)),
        (Spending.EVEN, (2.438, 2.427, 2.410, 2.397, 2.386)),
    ],
)
def test_the_bounds_of_five_looks_are_the_published_ones(spending: Spending, bounds: tuple[float, ...]) -> None:
    levels = look_levels(5, 0.05, spending, first=1)
    assert [-special.ndtri(level / 2) for level in levels.values()] == pytest.approx(bounds, abs=0.003)


@pytest.mark.parametrize("spending", list(Spending))
def test_sums_of_normal_blocks_cross_some_bound_as_often_as_alpha_says(spending: Spending) -> None:
    sums = np.random.default_rng(1).normal(size=(40_000, 30)).cumsum(axis=1)
    crossed = np.zeros(len(sums), dtype=np.bool_)
    for blocks, level in look_levels(30, 0.05, spending).items():
        crossed |= np.abs(sums[:, blocks - 1]) / np.sqrt(blocks) > -special.ndtri(level / 2)
    assert crossed.mean() == pytest.approx(0.05, abs=0.004)


def test_one_look_is_an_ordinary_test() -> None:
    assert look_levels(7) == {7: pytest.approx(0.05, rel=1e-3)}


def _covers(center: Typical, level: float) -> np.ndarray:
    low, high = interval(center, 1 - level)
    return np.asarray((low <= 0) & (high >= 0))


@pytest.mark.parametrize("noise", [NOISES[0], NOISES[1], BURSTS], ids=lambda noise: noise.name)
def test_intervals_cover_at_every_look_at_once(noise: Noise) -> None:
    most = 30
    rows = noise.draw(np.random.default_rng([21, most]), (CAMPAIGNS, most)).log_ratios
    held, naive = np.ones(CAMPAIGNS, dtype=np.bool_), np.ones(CAMPAIGNS, dtype=np.bool_)
    for blocks, level in look_levels(most).items():
        center = typical(rows[:, :blocks])
        held &= _covers(center, level)
        naive &= _covers(center, 0.05)
    assert held.mean() >= binomial_band(0.95, CAMPAIGNS)[0]
    assert naive.mean() < 0.9


def test_a_clear_difference_is_settled_early_and_a_doubtful_one_at_the_end() -> None:
    rng = np.random.default_rng(3)
    clear, doubtful = rng.normal(0.3, 0.02, 30), rng.normal(0.02, 0.06, 30)
    assert is_settled(clear[:10], 30, 0.001, 0.02)
    assert not any(is_settled(doubtful[:blocks], 30, 0.001, 0.02) for blocks in range(1, 30))
    assert is_settled(doubtful, 30, 0.001, 0.02)


def test_arms_that_are_the_same_to_a_thousandth_are_settled_as_equivalent() -> None:
    rows = np.random.default_rng(4).normal(0, 0.002, 30)
    assert is_settled(rows[:12], 30, 0.0001, 0.02)
    assert not is_settled(rows[:12], 30, 0.0001, 0.0003)


def test_verdicts_of_a_look_ask_for_its_own_level_and_show_its_own_interval() -> None:
    row = np.random.default_rng(5).normal(0.022, 0.012, 12)
    plain = judge(row, 1e-9)
    looked = judge_family({"a": row}, 1e-9, level_at=look_levels(30).__getitem__)["a"]
    assert plain.state is State.DIFFERS
    assert looked.state is State.UNDETERMINED
    assert plain.p_differs is not None
    assert looked.p_differs == pytest.approx(min(1.0, plain.p_differs * 0.05 / look_levels(30)[12]))
    assert (looked.estimate.half_width or 0) > 1.5 * (plain.estimate.half_width or 0)
    assert judge_family({"a": row}, 1e-9, level_at=lambda _: 0.05)["a"] == judge_family({"a": row}, 1e-9)["a"]


def test_false_alarms_of_campaigns_that_stop_at_the_answer_stay_at_alpha() -> None:
    most, levels = 20, look_levels(20)
    rows = NOISES[0].draw(np.random.default_rng(22), (60, most)).log_ratios
    alarms = 0
    for row in rows:
        stopped = next(blocks for blocks in levels if blocks == most or is_settled(row[:blocks], most, 1e-6, 1e-9))
        alarms += judge_family({"": row[:stopped]}, 1e-9, level_at=levels.__getitem__)[""].state is State.DIFFERS
    assert alarms / len(rows) <= binomial_band(0.05, len(rows))[1]
