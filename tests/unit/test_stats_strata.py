"""Strata of one: they add up where they agree, and are a sample themselves where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats.simulate import binomial_band
from lab.stats.strata import ALPHA, merge_strata
from lab.stats.typical import interval


def drawn(seed: int, means: list[float], blocks: int = 8, scale: float = 0.02) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, scale, blocks) for mean in means]


def test_strata_that_agree_are_one_sample_with_a_narrower_interval() -> None:
    samples = drawn(1, [0.5, 0.5, 0.5])
    merged, alone = merge_strata(samples), merge_strata(samples[:1])
    assert not merged.is_mixed
    widths = [float(high - low) for low, high in (interval(each.center, 0.95) for each in (merged, alone))]
    assert widths[0] < widths[1]
    assert alone.p_same is None


def test_strata_that_differ_are_the_sample_so_that_the_interval_holds_all_of_them() -> None:
    merged = merge_strata(drawn(2, [0.3, 0.5, 0.7]))
    assert merged.is_mixed
    assert merged.between == pytest.approx(1.0, abs=0.05)
    low, high = interval(merged.center, 0.95)
    assert low < 0.3
    assert high > 0.7


def test_the_heterogeneity_test_of_untrimmed_strata_is_welchs() -> None:
    samples = drawn(3, [0.0, 0.01, 0.02], blocks=4)
    expected = stats.f_oneway(*samples, equal_var=False).pvalue
    assert merge_strata(samples).p_same == pytest.approx(expected)


def test_a_stratum_counts_by_its_blocks() -> None:
    long, short = np.tile([0.5, 1.5], 3), np.array([1.3, 2.7])
    assert float(merge_strata([long, short]).center.value) == pytest.approx(1.25)


def test_strata_without_noise_cannot_be_asked_whether_they_agree() -> None:
    merged = merge_strata([np.ones(4), np.zeros(4)])
    assert (merged.p_same, merged.between, merged.is_mixed) == (None, None, False)


def test_equal_strata_are_rarely_called_different_and_intervals_hold() -> None:
    found = [merge_strata(drawn(seed, [0.5, 0.5, 0.5], blocks=6)) for seed in range(1500)]
    assert np.mean([merged.is_mixed for merged in found]) <= binomial_band(ALPHA, 1500)[1] + 0.01
    ends = [interval(merged.center, 0.95) for merged in found]
    assert np.mean([low <= 0.5 <= high for low, high in ends]) >= binomial_band(0.95, 1500)[0]
