from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.stats.decomposition import Decomposition, decompose

TIMES = st.floats(1e-3, 1e12)


@st.composite
def chains(draw: st.DrawFn) -> list[dict[int, float]]:
    """Up to seven values per block; some blocks lack some of them."""
    length = draw(st.integers(2, 7))
    blocks = draw(st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True))
    whole = blocks[0]
    found = []
    for _ in range(length):
        here = [whole, *(block for block in blocks[1:] if draw(st.integers(0, 4)))]
        found.append({block: draw(TIMES) for block in here})
    return found


def taken_apart(chain: list[dict[int, float]]) -> Decomposition:
    found = decompose(chain[0], [(str(place), values) for place, values in enumerate(chain[1:])])
    assert found is not None
    return found


def value(of: Decomposition, name: str | None = None) -> float:
    found = (of.total if name is None else of.factors[name]).value
    assert found is not None
    return found


@given(chains())
def test_the_factors_multiply_to_the_total(chain: list[dict[int, float]]) -> None:
    found = taken_apart(chain)
    product = math.fsum(math.log(value(found, name)) for name in found.factors)
    assert product == pytest.approx(math.log(value(found)), abs=1e-9)


@given(chains())
def test_the_total_is_the_last_value_over_the_first_whatever_lies_between(chain: list[dict[int, float]]) -> None:
    common = set.intersection(*map(set, chain))
    wanted = math.fsum(math.log(chain[-1][block] / chain[0][block]) for block in common) / len(common)
    found = taken_apart(chain)
    assert math.log(value(found)) == pytest.approx(wanted, abs=1e-9)
    assert found.total.n == len(common)


@given(chains(), st.data(), st.floats(1.01, 100))
def test_a_slower_link_raises_its_own_factor_and_lowers_the_next_by_as_much(
    chain: list[dict[int, float]], data: st.DataObject, slower: float
) -> None:
    place = data.draw(st.integers(1, len(chain) - 1))
    before = taken_apart(chain)
    chain[place] = {block: slower * time for block, time in chain[place].items()}
    after = taken_apart(chain)
    for name in before.factors:
        change = slower if name == str(place - 1) else 1 / slower if name == str(place) else 1.0
        assert value(after, name) / value(before, name) == pytest.approx(change, rel=1e-9)


@given(chains(), st.floats(1e-3, 1e3))
def test_the_unit_and_what_slows_a_whole_block_down_change_nothing(chain: list[dict[int, float]], unit: float) -> None:
    scaled = [{block: time * unit * (1 + block) for block, time in values.items()} for values in chain]
    before, after = taken_apart(chain), taken_apart(scaled)
    for name in before.factors:
        assert value(after, name) == pytest.approx(value(before, name), rel=1e-9)


@given(chains())
def test_an_interval_holds_its_factor_and_is_absent_with_one_block(chain: list[dict[int, float]]) -> None:
    found = taken_apart(chain)
    for factor in (found.total, *found.factors.values()):
        if found.total.n == 1:
            assert factor.low is None
            assert factor.reason
        elif factor.low is not None:
            assert factor.high is not None
            assert factor.value is not None
            assert factor.low <= factor.value <= factor.high


def test_without_a_block_that_holds_the_whole_chain_nothing_is_taken_apart() -> None:
    assert decompose({0: 1.0, 1: 1.0}, [("a", {0: 2.0}), ("b", {1: 3.0})]) is None
