"""Strata of one: they add up where they agree, and are a sample themselves where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from benchmarks.hosts_coverage import coverage
from lab.stats.estimate import Floats
from lab.stats.simulate import binomial_band
from lab.stats.strata import ALPHA, Heterogeneity, between_strata, merge_strata
from lab.stats.typical import interval

STRATA = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.05, 0.5)), min_size=2, max_size=12)


def drawn(seed: int, means: list[float], blocks: int = 8, scale: float = 0.02) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, scale, blocks) for mean in means]


def heterogeneity(samples: list[Floats]) -> Heterogeneity:
    found = merge_strata(samples).heterogeneity
    assert found is not None
    return found


def test_strata_that_agree_are_one_sample_with_a_narrower_interval() -> None:
    samples = drawn(1, [0.5, 0.5, 0.5])
    merged, alone = merge_strata(samples), merge_strata(samples[:1])
    assert not merged.is_random
    widths = [float(high - low) for low, high in (interval(each.center, 0.95) for each in (merged, alone))]
    assert widths[0] < widths[1]
    assert alone.heterogeneity is None


def test_strata_that_differ_are_the_sample_so_that_the_interval_holds_all_of_them() -> None:
    merged = merge_strata(drawn(2, [0.3, 0.5, 0.7]))
    assert merged.is_random
    assert merged.heterogeneity is not None
    assert merged.heterogeneity.i_squared == pytest.approx(1.0, abs=0.05)
    assert merged.heterogeneity.tau == pytest.approx(0.2, rel=0.05)
    low, high = interval(merged.center, 0.95)
    assert low < 0.3
    assert high > 0.7


def test_the_heterogeneity_test_of_untrimmed_strata_is_welchs() -> None:
    samples = drawn(3, [0.0, 0.01, 0.02], blocks=4)
    expected = stats.f_oneway(*samples, equal_var=False).pvalue
    assert heterogeneity(samples).p_same == pytest.approx(expected)


def test_a_stratum_counts_by_its_blocks() -> None:
    long, short = np.tile([0.5, 1.5], 3), np.array([1.3, 2.7])
    assert float(merge_strata([long, short]).center.value) == pytest.approx(1.25)


def test_strata_without_noise_cannot_be_asked_whether_they_agree() -> None:
    samples = [np.ones(4), np.zeros(4)]
    assert merge_strata(samples).heterogeneity is None
    assert not merge_strata(samples).is_random
    apart = merge_strata(samples, are_alike=False)
    assert apart.is_random
    assert np.isfinite(interval(apart.center, 0.95)).all()


def test_strata_that_are_not_alike_are_the_sample_even_where_they_agree() -> None:
    samples = drawn(1, [0.5, 0.5, 0.5])
    merged = merge_strata(samples, are_alike=False)
    assert merged.is_random
    assert not heterogeneity(samples).is_shown
    # Student's over strata: a t interval of three values
    centers = [float(np.mean(np.sort(values)[1:-1])) for values in samples]
    expected = stats.t.interval(0.95, 2, loc=np.mean(centers), scale=stats.sem(centers))
    assert tuple(map(float, interval(merged.center, 0.95))) == pytest.approx(expected)


def test_tau_squared_of_three_strata_as_by_hand() -> None:
    # errors of 1, values 0, 2, 4: squares about the mean sum to 8, and 8 / (1 + tau²) = 2
    assert between_strata(np.array([0.0, 2.0, 4.0]), np.ones(3)) == pytest.approx(3.0)
    # values 0, 1, 1.4 scatter no more than their errors: 1.04 < 2
    assert between_strata(np.array([0.0, 1.0, 1.4]), np.ones(3)) == 0.0


def test_q_of_two_strata_as_by_hand() -> None:
    # errors of the means: 0.01 / sqrt(2) each; Q = 0.06² / (2 · 0.00005) = 36, I² = 35/36
    found = heterogeneity([np.array([0.0, 0.02]) - 0.003, np.array([0.06, 0.08]) - 0.003])
    assert found.q == pytest.approx(0.06**2 / (2 * 0.01**2))
    assert found.i_squared == pytest.approx(1 - 1 / found.q)


@given(STRATA)
def test_tau_squared_makes_strata_scatter_as_they_should(strata: list[tuple[float, float]]) -> None:
    values, errors = np.array(strata).T
    found = between_strata(values, errors)
    weights = 1 / (errors**2 + found)
    scatter = float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
    if found > 0:
        assert scatter == pytest.approx(len(values) - 1)
    else:
        assert scatter <= len(values) - 1


def test_heterogeneity_is_that_of_statsmodels() -> None:
    samples = drawn(5, [0.0, 0.01, 0.05, 0.02], blocks=4)
    values, variances = np.mean(samples, axis=1), np.var(samples, axis=1, ddof=1) / 4
    expected, found = combine_effects(values, variances, method_re="iterated", atol=1e-13), heterogeneity(samples)
    assert (found.q, found.i_squared) == pytest.approx((expected.q, expected.i2))
    assert found.tau**2 == pytest.approx(expected.tau2)


@given(STRATA, st.floats(-5, 5), st.floats(0.1, 10))
def test_tau_moves_with_the_scale_and_not_with_the_place(
    strata: list[tuple[float, float]], place: float, scale: float
) -> None:
    values, errors = np.array(strata).T
    found = between_strata(values, errors)
    assert between_strata(scale * values + place, scale * errors) == pytest.approx(found * scale**2, rel=1e-6, abs=1e-9)
    assert between_strata(values[::-1], errors[::-1]) == pytest.approx(found, rel=1e-6, abs=1e-9)
    assert 0 <= found <= float(np.var(values, ddof=1)) * (1 + 1e-9)


def test_equal_strata_are_rarely_called_different_and_intervals_hold() -> None:
    found = [merge_strata(drawn(seed, [0.5, 0.5, 0.5], blocks=6)) for seed in range(1500)]
    assert np.mean([merged.is_random for merged in found]) <= binomial_band(ALPHA, 1500)[1] + 0.01
    ends = [interval(merged.center, 0.95) for merged in found]
    assert np.mean([low <= 0.5 <= high for low, high in ends]) >= binomial_band(0.95, 1500)[0]


@pytest.mark.parametrize("between", [0.0, 0.01, 0.1])
def test_intervals_over_hosts_that_are_not_alike_cover_the_mean_of_hosts_like_them(between: float) -> None:
    found = coverage(between, hosts=5, blocks=6, campaigns=800)
    assert found.as_reported >= binomial_band(0.95, 800)[0]
