"""Verdicts and their sentences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lab.core.errors import UsageError
from lab.stats.estimate import Estimate, Floats
from lab.stats.hypotheses import holm, signed_rank
from lab.stats.sentences import show_ratio, show_units
from lab.stats.typical import p_differs, p_equivalent, typical
from lab.stats.verdicts import Judgement, State, compare_family, judge, judge_each, judge_family

RNG = np.random.default_rng(17)
TWICE = np.log([2.1, 2.12, 2.05, 2.11, 2.13, 2.09, 2.15, 2.04, 2.1, 2.12])
ALIKE = np.log([1.001, 1.002, 0.999, 1.003, 1.0005, 1.0015, 0.998, 1.0022, 0.9995, 1.0])


def compared(before: Floats, after: Floats) -> Judgement:
    return compare_family({None: (before, after)}, margin=0.02)[None]


def test_a_clear_overhead_differs_and_says_so() -> None:
    verdict = judge(TWICE, margin=0.02)
    assert verdict.state is State.DIFFERS
    low, high = verdict.estimate.low, verdict.estimate.high
    assert low is not None
    assert high is not None
    ends = f"[{low:.2f}, {high:.2f}]"
    assert verdict.sentence_about("wasmtime", "native") == f"wasmtime is 2.11× native {ends}, differs"


def test_times_that_agree_within_the_margin_are_equivalent_and_say_the_margin() -> None:
    verdict = judge(ALIKE, margin=0.02)
    assert verdict.state is State.EQUIVALENT
    assert verdict.sentence.startswith("equivalent within 2 %: 1.00")
    assert verdict.sentence_about("wasmtime", "native").startswith("wasmtime is equivalent to native within 2 %: ")


def test_four_blocks_can_never_reach_five_percent() -> None:
    verdict = judge(TWICE[:4], margin=0.02)
    assert verdict.state is State.UNDETERMINED
    assert verdict.sentence.startswith("undetermined: 4 blocks can never reach 0.05; run 2 more")
    assert judge(TWICE[:6], margin=0.02).state is State.DIFFERS


def test_noise_is_undetermined_and_says_how_many_blocks_would_decide() -> None:
    noisy = np.array([0.05, -0.04, 0.06, -0.05, 0.01, 0.03, -0.02, 0.04, -0.06, 0.02])
    verdict = judge(noisy, margin=0.02)
    assert verdict.state is State.UNDETERMINED
    assert verdict.reason is not None
    assert "neither excludes 1 nor lies within 2 %" in verdict.reason
    more = int(verdict.reason.split("about ")[1].split(" more")[0])
    # by hand: the spread stays and the interval must become as short as the longer of value and margin less value
    center = typical(noisy)
    value, spread = abs(float(center.value)), float(center.error) * math.sqrt(10)
    goal = max(value, math.log(1.02) - value)
    total = next(n for n in range(4, 999) if stats.t.ppf(0.975, 0.6 * n - 1) * spread / math.sqrt(n) <= goal)
    assert more == total - 10


def test_a_real_difference_too_small_to_matter_is_equivalent() -> None:
    verdict = judge(ALIKE + 0.008, margin=0.02)
    assert verdict.p_differs is not None
    assert verdict.p_differs < 0.001
    assert verdict.state is State.EQUIVALENT
    assert judge(ALIKE + 0.008, margin=0.002).state is State.DIFFERS


def test_the_p_values_are_those_of_the_named_tests() -> None:
    verdict = judge(ALIKE, margin=0.02)
    assert verdict.p_differs == pytest.approx(float(p_differs(typical(ALIKE))))
    assert verdict.p_equivalent == pytest.approx(float(p_equivalent(typical(ALIKE), math.log(1.02))))
    assert verdict.p_rank == pytest.approx(float(signed_rank(ALIKE)))


def test_below_ten_blocks_the_exact_rank_test_must_agree() -> None:
    values = np.array([0.05, 0.10, 0.10, 0.15, 0.20, -0.001])
    # one sign of six differs: Yuen's test is sure, the exact test is at 2 × 2 / 64
    assert float(p_differs(typical(values))) < 0.05
    verdict = judge(values, margin=0.02)
    assert verdict.state is State.UNDETERMINED
    assert verdict.p_differs == pytest.approx(4 / 64)
    assert "rests on few blocks that do not agree (exact rank test p = 0.062)" in verdict.sentence


def test_exactly_equal_blocks_leave_the_word_to_the_rank_test() -> None:
    same = judge(np.zeros(8), margin=0.02)
    assert same.state is State.EQUIVALENT
    assert same.p_equivalent == pytest.approx(2**-8)
    other = judge(np.full(8, 0.5), margin=0.02)
    assert other.state is State.DIFFERS
    assert other.p_differs == pytest.approx(2**-7)
    assert other.estimate.low is None
    assert judge(np.full(5, 0.5), margin=0.02).state is State.UNDETERMINED


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [(0, "undetermined: no block holds both trials"), (1, "undetermined: 1 block can never reach 0.05; run 5 more")],
)
def test_too_little_data_is_undetermined_with_the_reason(blocks: int, sentence: str) -> None:
    verdict = judge(np.full(blocks, 0.3), margin=0.02)
    assert verdict.state is State.UNDETERMINED
    assert verdict.sentence.startswith(sentence)


def test_a_family_is_corrected_by_holm() -> None:
    family = {name: RNG.normal(0.01, 0.03, 12) for name in "abcdef"}
    verdicts = judge_family(family, margin=0.02, family="Figure 1(a)")
    raw = np.array([float(p_differs(typical(values))) for values in family.values()])
    assert [verdicts[name].p_differs for name in family] == pytest.approx(holm(raw).tolist())
    assert {(verdict.family, verdict.family_size) for verdict in verdicts.values()} == {("Figure 1(a)", 6)}
    assert list(verdicts) == list(family)


def test_what_differs_alone_but_not_among_many_is_undetermined_and_says_so() -> None:
    borderline = np.array([0.07, -0.01, 0.05, 0.04, -0.02, 0.08, 0.02, 0.01, 0.03, 0.03])
    assert judge(borderline, margin=0.02).state is State.DIFFERS
    among = judge_family({place: borderline if place == 0 else RNG.normal(0, 0.03, 10) for place in range(40)}, 0.02)[0]
    assert among.state is State.UNDETERMINED
    assert "excludes 1 alone, but not among 40 comparisons" in among.sentence


def test_comparisons_with_different_numbers_of_blocks_share_a_family() -> None:
    verdicts = judge_family({"many": TWICE, "few": TWICE[:3], "none": TWICE[:0], "alike": ALIKE}, margin=0.02)
    assert [verdict.state.value for verdict in verdicts.values()] == [
        "differs",
        "undetermined",
        "undetermined",
        "equivalent",
    ]


def test_judging_each_row_alone_corrects_nothing() -> None:
    table = RNG.normal(0.02, 0.03, (5, 12))
    assert judge_each(table, 0.02) == [judge(row, 0.02) for row in table]


def test_campaigns_are_compared_by_yuens_test_with_welchs_degrees_of_freedom() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.normal(1, 0.02, 9), rng.normal(1.05, 0.02, 8)
    verdict = compared(before, after)
    expected = stats.ttest_ind(after, before, equal_var=False, trim=0.2)
    interval = expected.confidence_interval(0.95)
    assert verdict.state is State.DIFFERS
    # below ten blocks the larger of both p-values speaks
    exact = stats.mannwhitneyu(before, after, method="exact").pvalue
    assert verdict.p_differs == pytest.approx(max(exact, expected.pvalue))
    assert verdict.p_rank == pytest.approx(exact)
    shift = stats.trim_mean(after, 0.2) - stats.trim_mean(before, 0.2)
    assert verdict.estimate.value == pytest.approx(math.exp(shift))
    assert (verdict.estimate.low, verdict.estimate.high) == pytest.approx(
        (math.exp(interval.low), math.exp(interval.high))
    )


def test_a_regression_beyond_the_margin_is_no_improvement() -> None:
    before = RNG.normal(0, 0.005, 12)
    worse, better = before + 0.05, before - 0.05
    assert compared(before, worse).exceeds_margin
    assert not compared(before, better).exceeds_margin
    assert not compared(before, before).exceeds_margin


def test_three_blocks_against_three_can_never_reach_five_percent() -> None:
    verdict = compared(TWICE[:3], TWICE[:3] + 1)
    assert verdict.state is State.UNDETERMINED
    assert verdict.sentence.startswith("undetermined: 3 and 3 blocks can never reach 0.05; run 1 more in each")
    assert compared(TWICE[:4], TWICE[:4] + 1).state is State.DIFFERS


def test_a_campaign_against_itself_is_equivalent_where_it_is_precise() -> None:
    cases = {"precise": (ALIKE, ALIKE), "exact": (np.zeros(6), np.zeros(6)), "absent": (ALIKE, np.empty(0))}
    verdicts = compare_family(cases, margin=0.02)
    assert [verdict.state.value for verdict in verdicts.values()] == ["equivalent", "equivalent", "undetermined"]
    assert verdicts["absent"].sentence == "undetermined: one of the campaigns has no block of this case"


@pytest.mark.parametrize(("margin", "alpha"), [(0.0, 0.05), (-0.1, 0.05), (math.nan, 0.05), (0.02, 0.0), (0.02, 0.5)])
def test_a_margin_or_alpha_that_makes_no_sense_is_refused(margin: float, alpha: float) -> None:
    with pytest.raises(UsageError):
        judge(TWICE, margin, alpha)


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (2.1, 2.049, 2.161, "2.10× native [2.05, 2.16]"),
        (1.0083, 1.0061, 1.0104, "1.008× native [1.006, 1.010]"),
        (45.2, 40.1, 50.3, "45× native [40, 50]"),
        (1234.0, 1100.0, 1400.0, "1234× native [1100, 1400]"),
        (2.104, None, None, "2.1× native"),
    ],
)
def test_a_ratio_shows_the_digits_that_its_interval_earns(
    value: float, low: float | None, high: float | None, text: str
) -> None:
    assert show_ratio(Estimate(value, low, high, 0.95, "t", 9), "native") == text


def test_a_mean_trial_that_parts_from_the_typical_one_is_shown() -> None:
    calm = np.tile([0.004, -0.004], 10)
    slow = calm.copy()
    slow[[4, 11, 17]] = math.log(1.3)
    hidden, seen = judge(calm, margin=0.02), judge(slow, margin=0.02)
    assert hidden.state is State.EQUIVALENT
    assert not hidden.estimate.mean_parts
    # three of twenty trials are trimmed from the typical one, and stand in the sentence all the same
    assert seen.state is State.EQUIVALENT
    assert seen.estimate.mean_value == pytest.approx(math.exp(slow.mean()))
    assert f"(mean trial {math.exp(slow.mean()):.3f}×)" in seen.sentence


def test_trials_that_depend_on_the_block_before_are_undetermined_and_say_so() -> None:
    walk = 0.007 + np.sin(np.arange(20) / 1.5) * 0.01 + np.random.default_rng(5).normal(0, 0.002, 20)
    steady = judge(np.random.default_rng(5).permutation(walk), margin=0.001)
    verdict = judge(walk, margin=0.001)
    assert steady.state is State.DIFFERS
    assert verdict.state is State.UNDETERMINED
    assert verdict.reason is not None
    assert ": trials are not independent (blocks resemble the one before: rank correlation 0." in verdict.reason
    worth = verdict.estimate.counts_as
    assert worth is not None
    assert f"so that 20 blocks count as {worth:.0f}" in verdict.reason


def test_a_missing_ratio_is_never_shown() -> None:
    with pytest.raises(ValueError, match="no ratio"):
        show_ratio(Estimate(None, None, None, 0.95, "t", 0))


def test_blocks_are_shown_with_what_they_count_as() -> None:
    assert show_units(Estimate(1.0, 0.9, 1.1, 0.95, "t", 20, counts_as=20.0), "block") == "20 blocks"
    assert show_units(Estimate(1.0, 0.9, 1.1, 0.95, "t", 20), "block") == "20 blocks"
    assert show_units(Estimate(1.0, 0.9, 1.1, 0.95, "t", 20, counts_as=6.2), "block") == "20 blocks, which count as 6,"
