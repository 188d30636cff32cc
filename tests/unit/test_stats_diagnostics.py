"""Flags, rankings and warm-up on series whose answer is known."""

from __future__ import annotations

import math
from itertools import combinations

import diptest
import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics.noises import NOISES, SLOW_MODE
from lab.core.errors import NothingToReport
from lab.stats.dependence import serial_correlation, serial_p
from lab.stats.diagnostics import bimodality, dependence, drift, outliers, parting
from lab.stats.iterations import Shape, find_warm_up, segments
from lab.stats.rankings import complete_part, critical_difference, rank_arms

RNG = np.random.default_rng(13)


def test_a_steady_rise_is_a_drift_with_its_slope() -> None:
    flag = drift(np.log(1.003) * np.arange(6.0))
    # all 6! orders are equally likely without a trend, two of them are monotone
    assert flag.p == pytest.approx(2 / math.factorial(6))
    assert flag.size == pytest.approx(0.003)
    assert flag.raised
    assert flag.text == "drifts by +0.3 % per block (p = 0.0028)"


def test_missing_blocks_stretch_the_slope() -> None:
    flag = drift(np.array([0.0, 0.01, 0.02, 0.03, 0.06]), np.array([0.0, 1, 2, 3, 6]))
    assert flag.size == pytest.approx(math.expm1(0.01))


def test_noise_around_a_level_is_no_drift() -> None:
    assert drift(np.array([0.1, -0.1, 0.05, -0.02, 0.08, -0.07])).raised is False
    assert drift(np.full(6, 0.2)).raised is False


def test_four_blocks_are_too_few_to_see_a_drift() -> None:
    flag = drift(np.arange(4.0))
    assert (flag.raised, flag.p, flag.size) == (None, None, None)
    assert flag.text == "4 blocks are too few to see a drift"


def test_two_modes_are_flagged_by_the_dip_test() -> None:
    values = np.concatenate([RNG.normal(0, 0.01, 15), RNG.normal(0.2, 0.01, 15)])
    flag = bimodality(values)
    dip, p = diptest.diptest(values)
    assert flag.raised
    assert (flag.size, flag.p) == (dip, p)
    assert bimodality(RNG.normal(0, 0.01, 30)).raised is False
    assert bimodality(np.zeros(30)).raised is False
    assert bimodality(values[:7]).raised is None


def test_an_outlier_is_flagged_and_its_neighbours_are_not() -> None:
    values = np.array([0.0, 0.01, -0.01, 0.005, 0.3, -0.004])
    assert outliers(values).tolist() == [False, False, False, False, True, False]


def test_the_outlier_scale_is_scipys_median_absolute_deviation() -> None:
    values = RNG.standard_t(2, 40)
    scale = stats.median_abs_deviation(values, scale="normal")
    # our factor has seven digits
    assert outliers(values).tolist() == (np.abs(values - np.median(values)) > 3.5 * scale * (1 + 1e-6)).tolist()
    assert outliers(values).any()


def test_values_that_are_mostly_the_same_still_have_outliers() -> None:
    assert outliers(np.array([1.0] * 9 + [2.0])).tolist() == [False] * 9 + [True]
    assert not outliers(np.full(5, 1.0)).any()
    assert not outliers(np.array([1.0, 9.0])).any()


def test_blocks_that_resemble_the_one_before_are_flagged_as_dependent() -> None:
    wave = np.sin(np.arange(20)) + RNG.normal(0, 0.1, 20)
    flag = dependence(wave)
    assert flag.raised
    assert flag.p == serial_p(serial_correlation(wave), 20)
    assert flag.text.startswith("trials are not independent (blocks resemble the one before: rank correlation 0.")
    assert dependence(RNG.permutation(wave)).raised is False
    assert dependence(wave[:9]).raised is None


def test_a_slow_mode_of_one_process_in_five_is_reported_wherever_it_struck() -> None:
    arms = SLOW_MODE.draw(np.random.default_rng(31), (2000, 20))
    struck = (arms.a > math.log(1.15)).any(axis=1)
    assert struck.mean() > 0.98
    # where it struck every second trial nothing is typical: these are two modes
    assert all(parting(ratios).raised or bimodality(ratios).raised for ratios in arms.log_ratios[struck])
    assert np.mean([parting(ratios).raised is True for ratios in arms.log_ratios[struck]]) > 0.99
    calm = NOISES[0].draw(np.random.default_rng(32), (1000, 20)).log_ratios
    assert np.mean([parting(ratios).raised is True for ratios in calm]) < 0.04


def test_typical_and_mean_trial_are_said_with_the_blocks_that_lie_apart() -> None:
    ratios = np.tile([0.002, -0.002], 10)
    assert parting(ratios).text == "typical and mean trial agree"
    ratios[[3, 9, 15]] = math.log(1.3)
    typical, mean = math.exp(stats.trim_mean(ratios, 0.2)), math.exp(ratios.mean())
    said = f"typical and mean trial part: {typical:.4g}× and {mean:.4g}×; 3 of 20 blocks lie apart"
    assert parting(ratios).text == said
    assert parting(ratios[:1]).raised is None


@pytest.mark.parametrize(("arms", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_uses_the_published_table(arms: int, q: float) -> None:
    # Demšar 2006, table 5(a), printed with three decimals
    assert critical_difference(arms, 14) == pytest.approx(q * math.sqrt(arms * (arms + 1) / (6 * 14)), rel=4e-4)


def _table(models: int, **levels: float) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(3)
    return {arm: {f"m{m}": level + rng.normal(0, 0.05) for m in range(models)} for arm, level in levels.items()}


def test_arms_are_ranked_and_grouped_by_the_critical_difference() -> None:
    values = _table(8, slow=9.0, native=1.0, jit=1.5, interp=7.0)
    ranking = rank_arms(values)
    assert list(ranking.mean_ranks) == ["native", "jit", "interp", "slow"]
    assert list(ranking.mean_ranks.values()) == [1, 2, 3, 4]
    columns = [[values[arm][model] for model in ranking.models] for arm in values]
    assert ranking.p == pytest.approx(stats.friedmanchisquare(*columns).pvalue)
    # eight models: 2.569 sqrt(20/48) = 1.66, so neighbours can't be distinguished, others can
    assert ranking.groups == (("native", "jit"), ("jit", "interp"), ("interp", "slow"))


def test_a_model_that_one_arm_failed_on_is_left_out_and_named() -> None:
    values = _table(5, a=1.0, b=2.0, c=3.0)
    del values["c"]["m2"]
    ranking = rank_arms(values)
    assert ranking.left_out == ("m2",)
    assert ranking.models == ("m0", "m1", "m3", "m4")


def test_arms_that_friedmans_test_does_not_distinguish_form_one_group() -> None:
    same = {arm: {"m0": 1.0, "m1": 2.0} for arm in "abc"}
    ranking = rank_arms(same)
    assert ranking.p == 1
    assert ranking.groups == (("a", "b", "c"),)
    assert ranking.reason is not None


def test_two_arms_have_ranks_but_no_friedman_test() -> None:
    ranking = rank_arms(_table(8, a=1.0, b=2.0))
    assert ranking.p is None
    assert ranking.reason == "Friedman's test needs 3 arms on 2 models; here are 2 on 8"


def test_arms_without_a_common_model_cannot_be_ranked() -> None:
    with pytest.raises(NothingToReport):
        rank_arms({"a": {"x": 1.0}, "b": {"y": 1.0}})


def test_the_largest_part_without_a_gap_is_ranked() -> None:
    values = _table(8, a=1.0, b=2.0, c=3.0, d=4.0)
    values["slow"] = {"m0": 9.0, "m1": 9.0, "m2": 9.0}
    part = complete_part(values)
    assert part == {arm: values[arm] for arm in "abcd"}, "4 x 8 is more than 5 x 3"
    values["slow"] |= {f"m{m}": 9.0 for m in range(7)}
    part = complete_part(values)
    assert part is not None
    assert list(part) == [*"abcd", "slow"], "5 x 7 is more than 4 x 8"
    assert all(sorted(of_arm) == [f"m{m}" for m in range(7)] for of_arm in part.values())


def test_too_few_arms_on_too_few_models_have_no_part_to_rank() -> None:
    assert complete_part(_table(8, a=1.0, b=2.0)) is None
    assert complete_part(_table(2, a=1.0, b=2.0, c=3.0)) is None
    assert complete_part({}) is None
    apart = {"a": {"x": 1.0, "y": 1.0, "z": 1.0}, "b": {"x": 1.0, "y": 1.0, "v": 1.0}, "c": {"v": 1.0, "y": 1.0}}
    assert complete_part(apart) is None
    assert complete_part(apart, least_models=1) == {arm: {"y": 1.0} for arm in "abc"}


def _iterations(levels: list[float], trials: int, noise: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(21)
    return np.array(levels) + rng.normal(0, 0.05, (trials, 1)) + rng.normal(0, noise, (trials, len(levels)))


def test_a_cold_first_iteration_is_found_with_three_iterations_only() -> None:
    found = find_warm_up(_iterations([0.1, 0, 0], trials=10))
    assert (found.shape, found.steady_from) == (Shape.WARM_UP, 1)
    # mean of ten trials: 0.1 ± 0.004
    assert found.levels[0][1] == pytest.approx(math.exp(0.1), abs=0.02)


def test_a_long_warm_up_of_a_single_trial_is_found() -> None:
    found = find_warm_up(_iterations([0.5] * 4 + [0.2] * 6 + [0.0] * 20, trials=1))
    assert (found.shape, found.steady_from) == (Shape.WARM_UP, 10)
    assert [start for start, _ in found.levels] == [0, 4, 10]


def test_flat_iterations_are_steady_from_the_first() -> None:
    found = find_warm_up(_iterations([0.0] * 10, trials=8))
    assert (found.shape, found.steady_from) == (Shape.FLAT, 0)


def test_getting_slower_is_no_warm_up() -> None:
    found = find_warm_up(_iterations([0.0] * 5 + [0.2] * 5, trials=5))
    assert (found.shape, found.steady_from) == (Shape.SLOWDOWN, 5)


def test_iterations_that_still_fall_at_the_end_have_no_steady_state() -> None:
    found = find_warm_up(_iterations([0.3, 0.3, 0.0], trials=10))
    assert (found.shape, found.steady_from) == (Shape.NO_STEADY_STATE, None)
    assert found.reason == "the last iteration still differs from the one before"


def test_a_difference_below_the_tolerance_is_no_warm_up() -> None:
    almost = _iterations([0.004, 0, 0, 0, 0, 0], trials=40, noise=0.001)
    assert find_warm_up(almost).steady_from == 0
    assert find_warm_up(almost, tolerance=0.001).steady_from == 1


@pytest.mark.parametrize("shape", [(1, 3), (5, 1)])
def test_too_few_iterations_say_unknown(shape: tuple[int, int]) -> None:
    found = find_warm_up(np.zeros(shape))
    assert (found.shape, found.steady_from) == (Shape.UNKNOWN, None)
    assert found.reason is not None


def test_segments_are_the_cheapest_of_all_ways_to_cut_a_series() -> None:
    rng = np.random.default_rng(6)
    for _ in range(20):
        values = rng.normal(0, 1, 8) + 3 * rng.integers(0, 2, 8)

        costs: dict[tuple[int, ...], float] = {}
        for size in range(8):
            for inner in combinations(range(1, 8), size):
                parts = np.split(values, inner)
                costs[0, *inner] = sum(float(((part - part.mean()) ** 2).sum()) + 1.5 for part in parts)
        assert segments(values, 1.5) == list(min(costs.items(), key=lambda priced: priced[1])[0])


def test_a_flat_process_shows_a_warm_up_as_rarely_as_alpha_says() -> None:
    rng = np.random.default_rng(8)
    shapes = [find_warm_up(rng.normal(0, 0.02, (8, 6)), alpha=0.05, tolerance=0).shape for _ in range(1000)]
    # union bound: at most 5 % for one change; 99.5 % of 1000 draws stay below 6.9 %
    assert sum(shape is not Shape.FLAT for shape in shapes) <= 69
