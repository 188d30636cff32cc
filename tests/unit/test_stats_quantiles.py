"""Quantiles by order statistics: compared with scipy's exact interval, and with what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats.quantiles import quantile, quantile_interval


@pytest.mark.parametrize("n", [6, 10, 25, 100])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_interval_holds_the_level_exactly_and_no_narrower_one_does(n: int, share: float) -> None:
    values = np.arange(1.0, n + 1)
    found = quantile_interval(values, share, 0.95)
    below = stats.binom(n, share)
    if found is None:
        assert below.cdf(0) > 0.025 or below.sf(n - 1) > 0.025
        return
    low, high = (int(end) for end in found)
    assert below.cdf(low - 1) <= 0.025 < below.cdf(low)
    assert below.sf(high - 1) <= 0.025 < below.sf(high - 2)


def test_five_values_say_nothing_of_their_median_and_six_do() -> None:
    assert quantile_interval(np.arange(5.0), 0.5, 0.95) is None
    assert quantile_interval(np.arange(6.0), 0.5, 0.95) == (0.0, 5.0)


def test_the_median_of_a_skewed_distribution_is_covered_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for values in rng.lognormal(0.0, 1.0, (2000, 15)):
        found = quantile_interval(values, 0.5, 0.95)
        assert found is not None
        hits += found[0] <= 1.0 <= found[1]
    assert hits / 2000 >= 0.95 - 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_a_quantile_is_one_of_the_values() -> None:
    values = np.arange(1.0, 101)
    assert quantile(values, 0.99) == 99.0
    assert quantile(np.stack([values, values[::-1]]), 0.9).tolist() == [90.0, 90.0]
