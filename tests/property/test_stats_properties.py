"""What must hold for any data: symmetry of ratios, invariance to scale, order and block effects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lab.stats.estimate import Estimate
from lab.stats.hypotheses import holm, mann_whitney, signed_rank
from lab.stats.planning import blocks_needed
from lab.stats.ratios import by_block, overhead, paired_log_ratios
from lab.stats.typical import typical
from lab.stats.verdicts import compare_family, judge

# nanoseconds from a microsecond to an hour, as clocks give them
TIMES = st.integers(10**3, 10**12).map(float)
PAIRS = st.lists(st.tuples(TIMES, TIMES), min_size=2, max_size=15)
LOGS = st.lists(st.floats(-3, 3).map(lambda x: round(x, 6)), min_size=2, max_size=14).map(np.array)


def _arms(pairs: list[tuple[float, float]]) -> tuple[dict[int, float], dict[int, float]]:
    return {block: pair[0] for block, pair in enumerate(pairs)}, {block: pair[1] for block, pair in enumerate(pairs)}


def _logs(estimate: Estimate) -> list[float | None]:
    # log of a bound may overflow for two wild blocks: such an interval says nothing and equals itself
    ends = (estimate.value, estimate.low, estimate.high)
    return [None if end is None or end in (0, math.inf) else math.log(end) for end in ends]


def _same(a: list[float | None], b: list[float | None]) -> None:
    for left, right in zip(a, b, strict=True):
        assert (left is None) == (right is None)
        # the logarithm of a ratio of 1e9 carries 1e-15 × 20; sums and bounds lose two digits more
        assert left is None or left == pytest.approx(right, rel=1e-7, abs=1e-9)


@given(PAIRS)
def test_swapping_the_arms_inverts_the_ratio_and_its_interval(pairs: list[tuple[float, float]]) -> None:
    top, bottom = _arms(pairs)
    value, low, high = _logs(overhead(paired_log_ratios(top, bottom)))
    back, back_low, back_high = _logs(overhead(paired_log_ratios(bottom, top)))
    mirrored = [None if end is None else -end for end in (back, back_high, back_low)]
    _same([value, low, high], mirrored)


@given(PAIRS)
def test_swapping_the_arms_never_changes_the_verdict(pairs: list[tuple[float, float]]) -> None:
    ratios = paired_log_ratios(*_arms(pairs))
    forth, back = judge(ratios, 0.02), judge(-ratios, 0.02)
    assert forth.state == back.state
    assert forth.p_differs == pytest.approx(back.p_differs, nan_ok=True)
    assert forth.p_equivalent == pytest.approx(back.p_equivalent, nan_ok=True)


@given(PAIRS, st.floats(1e-3, 1e3))
def test_scaling_both_arms_changes_nothing(pairs: list[tuple[float, float]], scale: float) -> None:
    top, bottom = _arms(pairs)
    scaled = [{block: value * scale for block, value in arm.items()} for arm in (top, bottom)]
    ratios, again = paired_log_ratios(top, bottom), paired_log_ratios(*scaled)
    # rounding may turn "no spread at all" into a spread of 1e-16: another question, asked in the unit tests
    assume(np.ptp(ratios) > 1e-9)
    _same(_logs(overhead(ratios)), _logs(overhead(again)))


@given(st.lists(st.tuples(TIMES, TIMES, st.floats(0.01, 100)), min_size=2, max_size=12))
def test_an_effect_that_a_whole_block_shares_changes_nothing(blocks: list[tuple[float, float, float]]) -> None:
    plain = paired_log_ratios(*_arms([(a, b) for a, b, _ in blocks]))
    slowed = paired_log_ratios(*_arms([(a * effect, b * effect) for a, b, effect in blocks]))
    assert slowed == pytest.approx(plain, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 5), TIMES), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_trials_never_matters_within_a_block(
    trials: list[tuple[int, float]], random: st.DataObject
) -> None:
    shuffled = list(trials)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert by_block(shuffled) == by_block(trials)


@given(LOGS, st.randoms(use_true_random=False))
def test_the_order_of_blocks_matters_for_the_width_of_an_interval_alone(
    values: np.ndarray, random: st.DataObject
) -> None:
    shuffled = values.tolist()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = overhead(values), overhead(np.array(shuffled))
    assert one.value == pytest.approx(other.value, rel=1e-9)
    assert one.counts_as == other.counts_as or len(values) >= 10
    if one.counts_as == other.counts_as:
        _same(_logs(one), _logs(other))


@given(LOGS)
def test_no_series_counts_for_more_blocks_than_it_has(values: np.ndarray) -> None:
    center = typical(values)
    assert 0 < center.counts_as <= len(values)
    assert values.min() - 1e-9 <= center.value <= values.max() + 1e-9


@given(LOGS)
def test_an_interval_is_ordered_or_absent_with_a_reason(values: np.ndarray) -> None:
    estimate = overhead(values)
    if estimate.low is None or estimate.high is None:
        assert estimate.reason
        assert (estimate.low, estimate.high) == (None, None)
    else:
        assert estimate.reason is None
        assert estimate.low < estimate.high
        assert all(math.isfinite(end) for end in (estimate.low, estimate.high)) or np.ptp(values) > 1


@given(LOGS, st.floats(0.001, 0.5))
def test_every_verdict_is_one_of_three_and_agrees_with_its_interval(values: np.ndarray, margin: float) -> None:
    verdict = judge(values, margin)
    low, high = verdict.estimate.low, verdict.estimate.high
    assert verdict.state.value in ("differs", "equivalent", "undetermined")
    assert (verdict.reason is None) == (verdict.state.value != "undetermined")
    if verdict.state.value == "differs" and low is not None and high is not None:
        assert not low <= 1 <= high
    if verdict.state.value == "equivalent":
        assert verdict.estimate.value is not None
        assert 1 / (1 + margin) < verdict.estimate.value < 1 + margin


@given(LOGS, LOGS)
def test_swapping_two_campaigns_inverts_their_ratio(a: np.ndarray, b: np.ndarray) -> None:
    forth, back = (compare_family({0: pair}, 0.02)[0] for pair in ((a, b), (b, a)))
    assert forth.state == back.state
    assert forth.estimate.value is not None
    assert back.estimate.value is not None
    assert forth.estimate.value * back.estimate.value == pytest.approx(1)
    assert forth.p_differs == pytest.approx(back.p_differs, rel=1e-6, abs=1e-12)
    assert forth.p_rank == pytest.approx(back.p_rank, rel=1e-6, abs=1e-12)


@given(LOGS)
def test_rank_tests_give_probabilities(values: np.ndarray) -> None:
    for p in (float(signed_rank(values)), float(mann_whitney(values, values + 0.1)[0])):
        assert 0 < p <= 1
    sides = float(signed_rank(values, "less")), float(signed_rank(values, "greater"))
    assert sum(sides) >= 1 - 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    p = np.array(p_values)
    adjusted = holm(p)
    assert (adjusted >= p - 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= -1e-12).all()


@given(LOGS, st.floats(0.005, 0.2), st.floats(1.1, 4))
def test_more_precision_never_needs_fewer_blocks(values: np.ndarray, half_width: float, factor: float) -> None:
    fine, coarse = blocks_needed(values, half_width), blocks_needed(values, half_width * factor)
    assert coarse is not None or fine is None
    assert fine is None or coarse is None or fine >= coarse
