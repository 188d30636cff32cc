"""Ratios by block, aggregates over models, and iterations nested in trials."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from lab.core.errors import DataError
from lab.stats.combine import compare_geometric_means, geometric_mean_over_models, mean_over_sample, ratio_of_averages
from lab.stats.iterations import variance_components
from lab.stats.ratios import by_block, overhead, overheads, paired_log_ratios
from lab.stats.typical import interval, plain_mean, typical, weighted

RNG = np.random.default_rng(7)


def test_blocks_that_only_one_arm_has_are_left_out() -> None:
    ratios = paired_log_ratios({3: 8.0, 1: 2.0, 4: 5.0}, {1: 1.0, 2: 7.0, 3: 2.0})
    assert np.exp(ratios) == pytest.approx([2, 4])


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_value_without_a_ratio_is_refused_with_its_block(value: float) -> None:
    with pytest.raises(DataError, match="block 5") as caught:
        paired_log_ratios({5: value}, {5: 1.0})
    assert "missing is absent" in caught.value.remedy


def test_trials_of_one_block_become_their_geometric_mean() -> None:
    assert by_block([(1, 2.0), (0, 3.0), (1, 8.0)]) == pytest.approx({0: 3.0, 1: 4.0})


def test_the_overhead_is_the_typical_trial_and_the_mean_trial_stands_beside_it() -> None:
    ratios = np.array([2.0, 2.1, 2.2, 2.1, 2.0, 2.2, 5.0])
    estimate = overhead(np.log(ratios))
    low, high = (float(end) for end in interval(typical(np.log(ratios)), 0.95))
    assert estimate.method == "20 % trimmed mean"
    assert estimate.value == pytest.approx(stats.gmean([2.0, 2.1, 2.1, 2.2, 2.2]), rel=1e-12)
    assert estimate.mean_value == pytest.approx(stats.gmean(ratios), rel=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-12)
    assert estimate.half_width == pytest.approx(math.exp((high - low) / 2) - 1)
    assert estimate.mean_parts
    assert not overhead(np.log(ratios[:6])).mean_parts


@pytest.mark.parametrize(
    ("ratios", "value", "reason"),
    [
        ([], None, "no block holds both trials"),
        ([2.0], 2.0, "one block has no spread to make an interval from"),
        ([2.0, 2.0, 2.0], 2.0, "all 3 blocks gave exactly the same ratio: no spread to make an interval from"),
        (
            [1, 2, 2, 2, 2, 3],
            2.0,
            "the middle of 6 blocks gave exactly the same ratio: no spread to make an interval from",
        ),
    ],
)
def test_an_interval_that_cannot_be_computed_is_none_with_its_reason(
    ratios: list[float], value: float | None, reason: str
) -> None:
    estimate = overhead(np.log(ratios))
    assert estimate.value == (None if value is None else pytest.approx(value))
    assert (estimate.low, estimate.high, estimate.half_width) == (None, None, None)
    assert estimate.reason == reason


def test_many_cases_at_once_are_the_same_as_one_by_one() -> None:
    table = RNG.exponential(0.05, (20, 12))
    for together, row in zip(overheads(table), table, strict=True):
        alone = overhead(row)
        assert together.method == alone.method
        assert (together.low, together.high) == pytest.approx((alone.low, alone.high), rel=1e-9)


def test_a_weighted_difference_is_welchs() -> None:
    a, b = RNG.normal(0, 1, 8), RNG.normal(0.3, 2, 13)
    expected = CompareMeans(DescrStatsW(b), DescrStatsW(a)).tconfint_diff(usevar="unequal")
    ends = interval(weighted([(-1, plain_mean(a)), (1, plain_mean(b))]), 0.95)
    assert tuple(map(float, ends)) == pytest.approx(expected, rel=1e-12)


def test_every_model_counts_the_same_however_many_blocks_it_has() -> None:
    large, small = np.log([4.0, 4.0, 4.1]), np.log([1.0, 1.002] * 10)
    estimate = geometric_mean_over_models({"large": large, "small": small, "failed": np.empty(0)})
    assert estimate.value == pytest.approx(math.exp((large.mean() + small.mean()) / 2))
    assert estimate.n == 2


def test_fixed_models_have_a_far_narrower_interval_than_sampled_ones() -> None:
    per_model = {str(place): RNG.normal(place / 4, 0.02, 10) for place in range(8)}
    means = [float(typical(values).value) for values in per_model.values()]
    fixed, sample = geometric_mean_over_models(per_model), mean_over_sample(means)
    expected = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (sample.low, sample.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)), rel=1e-12)
    assert fixed.value == pytest.approx(sample.value)
    assert fixed.half_width is not None
    assert sample.half_width is not None
    assert fixed.half_width < sample.half_width / 10


def test_a_model_with_one_block_takes_the_interval_away_and_is_named() -> None:
    estimate = geometric_mean_over_models({"vgg16": np.array([0.5]), "yunet": np.array([0.1, 0.2])})
    assert estimate.low is None
    assert estimate.reason == "one block only on vgg16"


def test_two_geometric_means_are_compared_on_the_models_both_have() -> None:
    a = {"x": RNG.normal(0.1, 0.01, 9), "y": RNG.normal(0.5, 0.01, 6), "only-a": RNG.normal(9, 1, 5)}
    b = {"x": a["x"] + math.log(1.05), "y": a["y"] + math.log(1.05)}
    estimate = compare_geometric_means(a, b)
    assert estimate.value == pytest.approx(1.05)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 1.05 < estimate.high
    assert compare_geometric_means(a, {"z": a["x"]}).reason == "the campaigns have no measured model in common"


def test_the_papers_ratio_of_averages_is_led_by_the_largest_model() -> None:
    batch = {"small": np.array([30.0, 30.0, 31.0]), "vgg": np.array([1200.0, 1190.0, 1210.0])}
    single = {"small": np.array([10.0, 10.0, 10.0]), "vgg": np.array([1000.0, 1010.0, 990.0])}
    estimate = ratio_of_averages(batch, single)
    # equation 2 by hand: (30.333 + 1200) / (10 + 1000); the geometric mean of 3.03 and 1.2 would be 1.91
    assert estimate.value is not None
    assert estimate.value == pytest.approx((91 / 3 + 1200) / 1010)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < estimate.value < estimate.high


def test_the_interval_of_a_ratio_of_averages_is_that_of_a_simulation() -> None:
    rng = np.random.default_rng(9)
    tops = 100 + rng.normal(0, 3, (4000, 12))
    bottoms = 40 + rng.normal(0, 1, (4000, 12))
    estimates = [ratio_of_averages({"m": top}, {"m": bottom}) for top, bottom in zip(tops, bottoms, strict=True)]
    intervals = [(estimate.low, estimate.high) for estimate in estimates]
    covered = np.mean([low is not None and high is not None and low <= 2.5 <= high for low, high in intervals])
    # 99 % band of a true 95 % in 4000 draws: 94.1 to 95.9
    assert 0.941 <= covered <= 0.959


def test_variance_components_are_found_again() -> None:
    rng = np.random.default_rng(1)
    log_times = rng.normal(0, 0.03, (4000, 1)) + rng.normal(0, 0.01, (4000, 5))
    found = variance_components(log_times)
    assert found is not None
    # a variance from 4000 trials has a relative standard error of sqrt(2 / 4000) = 2.2 %
    assert found.between_trials == pytest.approx(0.03**2, rel=0.09)
    assert found.within_trials == pytest.approx(0.01**2, rel=0.05)
    # Kalibera & Jones: sqrt(10 s / 0.1 s × 0.0001 / 0.0009) = 3.3, rounded up
    assert found.best_iterations(10, 0.1) == 4
    assert variance_components(log_times[:1]) is None


def test_iterations_always_pay_where_trials_do_not_differ() -> None:
    found = variance_components(np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert found is not None
    assert found.best_iterations(10, 1) is None
