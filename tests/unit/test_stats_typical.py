"""The trimmed mean, its error and its effective number of blocks, against scipy and by hand."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from lab.stats.dependence import serial_correlation, serial_p
from lab.stats.typical import interval, p_differs, p_equivalent, plain_mean, typical, weighted

RNG = np.random.default_rng(11)
# neighbours in turn above and below: a negative serial correlation, so that every block counts in full
ALTERNATING = np.abs(RNG.normal(0, 0.02, 20)) * np.tile([1, -1], 10)


def test_the_typical_trial_is_scipys_trimmed_mean() -> None:
    table = RNG.standard_t(2, (6, 23))
    assert typical(table).value == pytest.approx(stats.trim_mean(table, 0.2, axis=1), rel=1e-12)
    assert typical(table).mean == pytest.approx(table.mean(axis=1), rel=1e-12)


def test_the_difference_of_two_typical_trials_is_yuens_test_as_scipy_has_it() -> None:
    a, b = RNG.normal(0, 1, 9), RNG.normal(0.5, 3, 8)
    center = weighted([(-1.0, typical(a)), (1.0, typical(b))])
    expected = stats.ttest_ind(b, a, equal_var=False, trim=0.2)
    assert float(p_differs(center)) == pytest.approx(expected.pvalue, rel=1e-10)
    ends = expected.confidence_interval(0.95)
    assert tuple(map(float, interval(center, 0.95))) == pytest.approx((ends.low, ends.high), rel=1e-10)


def test_with_independent_blocks_many_count_in_full() -> None:
    against_zero = weighted([(1.0, typical(ALTERNATING)), (-1.0, plain_mean(np.zeros(2)))])
    assert float(typical(ALTERNATING).counts_as) == 20
    # winsorised by hand: the four values at each end become their inner neighbour
    ordered = np.sort(ALTERNATING)
    held = np.clip(ordered, ordered[4], ordered[15])
    error = held.std(ddof=1) / (0.6 * math.sqrt(20)) * math.sqrt(0.6 * 20 / 11 * 19 / 20)
    assert float(against_zero.error) == pytest.approx(error, rel=1e-12)
    assert float(against_zero.freedom) == pytest.approx(11)


def test_fewer_than_six_blocks_are_not_trimmed() -> None:
    values = RNG.normal(0.1, 1, 5)
    ends = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert tuple(map(float, interval(typical(values), 0.9))) == pytest.approx((ends.low, ends.high), rel=1e-12)


def test_a_plain_mean_has_students_interval() -> None:
    values = RNG.exponential(1, 12)
    ends = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert tuple(map(float, interval(plain_mean(values), 0.95))) == pytest.approx((ends.low, ends.high), rel=1e-12)


def test_an_outlier_counts_by_its_place_and_not_by_its_distance() -> None:
    near, far = np.append(ALTERNATING[:11], 0.5), np.append(ALTERNATING[:11], 50.0)
    assert typical(near)[:3] == typical(far)[:3]
    assert typical(far).mean > typical(near).mean + 4


def test_blocks_that_resemble_the_one_before_count_for_fewer() -> None:
    slow = np.sin(np.arange(20)) + RNG.normal(0, 0.1, 20)
    center = typical(slow)
    correlation = float(serial_correlation(slow))
    assert 0.3 < correlation < 0.8
    # 2 / n is how much a short series understates a correlation of 0.5
    worth = 20 * (1 - correlation - 0.1) / (1 + correlation + 0.1)
    assert float(center.counts_as) == pytest.approx(worth)
    shuffled = typical(RNG.permutation(slow))
    assert center.value == shuffled.value
    assert float(center.error / shuffled.error) == pytest.approx(math.sqrt(float(shuffled.counts_as) / worth))


def test_below_ten_blocks_the_order_of_blocks_says_nothing() -> None:
    assert float(typical(np.arange(9.0)).counts_as) == 9


def test_two_one_sided_tests_are_the_worse_of_both() -> None:
    center = typical(ALTERNATING)
    distance = (0.02 - abs(float(center.value))) / float(center.error)
    assert float(p_equivalent(center, 0.02)) == pytest.approx(stats.t.sf(distance, 11), rel=1e-10)


@pytest.mark.parametrize("values", [[0.1], [0.2, 0.2, 0.2], [0.2] * 8 + [0.1, 0.3]], ids=["one", "same", "middle same"])
def test_without_spread_there_is_no_interval_and_no_p_value(values: list[float]) -> None:
    center = typical(np.array(values))
    assert np.isnan(interval(center, 0.95)).all()
    assert np.isnan([p_differs(center), p_equivalent(center, 0.02)]).all()


def test_many_rows_are_the_same_as_each_alone() -> None:
    table = RNG.normal(0, 1, (7, 15))
    together = typical(table)
    for row, values in enumerate(table):
        assert [part[row] for part in together] == pytest.approx([float(part) for part in typical(values)], rel=1e-12)


def test_the_rank_correlation_is_von_neumanns_ratio_of_ranks() -> None:
    values = RNG.normal(0, 1, 13)
    ranks = stats.rankdata(values)
    ratio = (np.diff(ranks) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum()
    assert float(serial_correlation(values)) == pytest.approx(1 - ratio / 2)
    assert float(serial_correlation(np.arange(30.0))) > 0.9


def test_ties_share_their_rank_even_where_rounding_parts_them() -> None:
    tied = np.array([1.0, 1, 2, 2, 3, 1, 3])
    ranks = stats.rankdata(tied)
    expected = 1 - (np.diff(ranks) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum() / 2
    assert float(serial_correlation(tied + 1e-15 * np.arange(7))) == pytest.approx(expected)
    assert float(serial_correlation(np.full(9, 0.3))) == 0


def test_the_p_value_of_a_serial_correlation_is_that_of_all_orders() -> None:
    every = serial_correlation(np.array(list(permutations(range(8))), dtype=np.float64))
    for share, within in ((0.01, 0.004), (0.05, 0.006), (0.5, 0.01)):
        seen = float(np.quantile(every, 1 - share))
        exact = float((every >= seen - 1e-12).mean())
        # Bartels gives his approximation from ten values on; at eight it is that much off
        assert serial_p(seen, 8) == pytest.approx(exact, abs=within)
