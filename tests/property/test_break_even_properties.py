"""What must hold for any two arms: symmetry, invariance, agreement with the totals at every number of inferences."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lab.stats.break_even import Ahead, BreakEven, Runs, break_even
from lab.stats.estimate import Floats
from lab.stats.fronts import lower_envelope, pareto_front
from lab.stats.ratios import overhead

# milliseconds; an inference takes from a hundredth to a hundred times what its arm's start takes
STARTS = st.floats(1.0, 1000.0).map(lambda value: round(value, 3))
# a root takes as many steps as it takes, and a machine may be busy
TIMELESS = settings(deadline=None)
OTHER = {Ahead.FIRST: Ahead.SECOND, Ahead.SECOND: Ahead.FIRST, None: None}


@st.composite
def arms(draw: st.DrawFn) -> tuple[Runs, Runs]:
    """Two arms of 4 to 14 blocks with noise of up to 10 %."""
    blocks, seed = draw(st.integers(4, 14)), draw(st.integers(0, 2**32 - 1))
    noise = draw(st.sampled_from((0.002, 0.02, 0.1)))
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        start, steady = draw(STARTS), draw(STARTS)
        steady_ms = steady * np.exp(rng.normal(0, noise, blocks))
        found.append(Runs(start * np.exp(rng.normal(0, noise, blocks)) + steady_ms, steady_ms))
    return found[0], found[1]


def ends(found: BreakEven) -> list[float]:
    return [math.nan if end is None else math.log(end) for end in (found.value, found.low, found.high)]


def scaled_by(pair: tuple[Runs, Runs], factor: float | Floats) -> tuple[Runs, Runs]:
    first, second = (Runs(runs.cold * factor, runs.steady * factor) for runs in pair)
    return first, second


@TIMELESS
@given(arms())
def test_swapping_the_arms_changes_who_and_never_when(pair: tuple[Runs, Runs]) -> None:
    forth, back = break_even(*pair), break_even(*pair[::-1])
    assert ends(forth) == pytest.approx(ends(back), rel=1e-6, abs=1e-6, nan_ok=True)
    assert (forth.few, forth.many) == (OTHER[back.few], OTHER[back.many])


@TIMELESS
@given(arms(), st.floats(1e-3, 1e3))
def test_the_unit_of_time_changes_nothing(pair: tuple[Runs, Runs], scale: float) -> None:
    plain, scaled = break_even(*pair), break_even(*scaled_by(pair, scale))
    assert ends(plain) == pytest.approx(ends(scaled), rel=1e-6, abs=1e-6, nan_ok=True)
    assert (plain.few, plain.many) == (scaled.few, scaled.many)


@TIMELESS
@given(arms(), st.integers(0, 2**32 - 1))
def test_what_slows_a_whole_block_changes_nothing(pair: tuple[Runs, Runs], seed: int) -> None:
    slow = np.exp(np.random.default_rng(seed).normal(0, 0.5, pair[0].cold.shape))
    plain, slowed = break_even(*pair), break_even(*scaled_by(pair, slow))
    assert ends(plain) == pytest.approx(ends(slowed), rel=1e-6, abs=1e-6, nan_ok=True)


@TIMELESS
@given(arms())
def test_an_interval_holds_its_value_and_begins_with_one_inference(pair: tuple[Runs, Runs]) -> None:
    found = break_even(*pair)
    if found.always is not None:
        assert (found.value, found.low, found.high) == (None, None, None)
        return
    assert found.low is not None
    assert found.high is not None
    assert 1 <= found.low < found.high
    assert (found.few is None) == (found.low == 1)
    assert (found.many is None) == (found.high == math.inf)
    assert found.value is None or found.low <= found.value <= found.high


@TIMELESS
@given(arms(), st.floats(0, 14))
def test_who_is_ahead_is_who_takes_less_at_that_number(pair: tuple[Runs, Runs], exponent: float) -> None:
    found, number = break_even(*pair), math.exp(exponent)
    total = overhead(np.log(pair[0].total(number)) - np.log(pair[1].total(number)))
    assert total.low is not None
    assert total.high is not None
    # who is always ahead has no number to be before or after
    assume(found.always is None)
    if found.low is not None and number < found.low * 0.999:
        assert (total.high < 1) == (found.few is Ahead.FIRST)
    if found.high is not None and number > found.high * 1.001:
        assert (total.low > 1) == (found.many is Ahead.SECOND)


@TIMELESS
@given(arms())
def test_an_arm_that_is_always_ahead_is_so_at_the_first_inference_and_for_ever(pair: tuple[Runs, Runs]) -> None:
    found = break_even(*pair)
    cold = overhead(np.log(pair[0].cold) - np.log(pair[1].cold))
    steady = overhead(np.log(pair[0].steady) - np.log(pair[1].steady))
    ahead = [_ahead(cold.low, cold.high), _ahead(steady.low, steady.high)]
    assert [found.few, found.many] == ahead


def _ahead(low: float | None, high: float | None) -> Ahead | None:
    if low is None or high is None:
        return None
    return Ahead.FIRST if high < 1 else Ahead.SECOND if low > 1 else None


@TIMELESS
@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.tuples(STARTS, STARTS), min_size=1, max_size=8))
def test_the_envelope_is_lowest_at_every_number_of_inferences(lines: dict[str, tuple[float, float]]) -> None:
    envelope = lower_envelope(lines)
    starts = [number for _, number in envelope]
    assert starts[0] == 1
    assert starts == sorted(starts)

    def total(key: str, number: float) -> Fraction:
        cold, steady = map(Fraction, lines[key])
        return cold + (Fraction(number) - 1) * steady

    for place, (key, number) in enumerate(envelope):
        end = starts[place + 1] if place + 1 < len(envelope) else 10 * number + 10
        middle = (number + end) / 2
        least = min(total(other, middle) for other in lines)
        assert float(total(key, middle)) == pytest.approx(float(least), rel=1e-9)


@TIMELESS
@given(st.dictionaries(st.integers(), st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12))
def test_the_front_is_what_nothing_beats(costs: dict[int, tuple[float, float]]) -> None:
    def beaten(mine: tuple[float, float]) -> bool:
        return any(x <= mine[0] and y <= mine[1] and (x, y) != mine for x, y in costs.values())

    front = pareto_front(costs)
    assert set(front) == {key for key, mine in costs.items() if not beaten(mine)}
    assert [costs[key] for key in front] == sorted(costs[key] for key in front)
