"""Rank tests and their correction against enumeration, scipy and statsmodels."""

from __future__ import annotations

from itertools import combinations, product
from typing import Literal

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from lab.stats.hypotheses import (
    blocks_to_reach,
    brunner_munzel,
    can_reach,
    holm,
    mann_whitney,
    signed_rank,
    signed_rank_tost,
)

Side = Literal["two-sided", "less", "greater"]
SIDES: tuple[Side, ...] = ("two-sided", "less", "greater")
RNG = np.random.default_rng(5)


def _tail(null: np.ndarray, seen: float, side: Side) -> float:
    less, greater = float((null <= seen + 1e-9).mean()), float((null >= seen - 1e-9).mean())
    return {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[side]


def _enumerated_signed_rank(values: np.ndarray, side: Side) -> float:
    ranks = stats.rankdata(np.abs(values))
    ranks[values == 0] = 0
    signs = np.array(list(product([0, 1], repeat=len(values))))
    return _tail(signs @ ranks, float(ranks[values > 0].sum()), side)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "values",
    [[0.3], [0.1, -0.2], [0.5, 0.1, 0.4, -0.2, 0.9, 0.3], [1, 1, -1, 2, 3, 3, 3], [0, 1, 2, -2, 4, 5, 0, 7], [2] * 6],
    ids=["one", "two", "no ties", "ties", "zeros and ties", "all the same"],
)
def test_signed_rank_is_the_enumeration_of_all_signs(values: list[float], side: Side) -> None:
    ours = float(signed_rank(np.array(values, dtype=float), side))
    # both are exact counts over 2^n
    assert ours == pytest.approx(_enumerated_signed_rank(np.array(values, dtype=float), side), abs=1e-12)


def test_signed_rank_of_nothing_but_zeros_says_one() -> None:
    assert float(signed_rank(np.zeros(7))) == 1


def test_signed_rank_of_many_rows_is_scipys_row_by_row() -> None:
    table = RNG.normal(0.2, 1, (40, 17))
    expected = [stats.wilcoxon(row, method="exact").pvalue for row in table]
    assert signed_rank(table) == pytest.approx(np.array(expected), rel=1e-12)


def test_signed_rank_with_ties_joins_the_normal_approximation_at_fifty_blocks() -> None:
    row = np.round(RNG.normal(0.3, 1, 50), 1)
    approximation = stats.wilcoxon(row, zero_method="pratt", method="approx").pvalue
    # scipy's normal approximation is good to a few thousandths at n = 50; ours is exact there and the same above
    assert float(signed_rank(row)) == pytest.approx(approximation, abs=0.005)
    longer = np.append(row, 0.3)
    assert float(signed_rank(longer)) == stats.wilcoxon(longer, zero_method="pratt", method="approx").pvalue


def test_tost_by_ranks_is_the_worse_of_two_enumerations() -> None:
    values = RNG.normal(0.003, 0.01, 8)
    expected = max(_enumerated_signed_rank(values + 0.02, "greater"), _enumerated_signed_rank(values - 0.02, "less"))
    assert float(signed_rank_tost(values, 0.02)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_mann_whitney_is_the_enumeration_of_all_splits(side: Side) -> None:
    a, b = RNG.normal(0, 1, 5), RNG.normal(0.7, 1, 4)
    everything = np.concatenate([a, b])
    ranks = stats.rankdata(everything)
    null = np.array([ranks[list(chosen)].sum() for chosen in combinations(range(9), 4)])
    assert float(mann_whitney(a, b, side)[0]) == pytest.approx(_tail(null, ranks[5:].sum(), side), abs=1e-12)


def test_mann_whitney_with_ties_is_the_enumeration_too() -> None:
    a, b = np.array([1.0, 1, 2, 2, 3]), np.array([2.0, 3, 3, 4, 4])
    null = np.array([stats.rankdata([*a, *b])[list(chosen)].sum() for chosen in combinations(range(10), 5)])
    assert float(mann_whitney(a, b)[0]) == pytest.approx(_tail(null, stats.rankdata([*a, *b])[5:].sum(), "two-sided"))


def test_identical_campaigns_are_never_distinguished() -> None:
    same = np.full(12, 0.3)
    assert float(mann_whitney(same, same)[0]) == 1
    assert float(brunner_munzel(same, same)[0]) == 1


def test_brunner_munzel_is_scipys_from_ten_values_on() -> None:
    a, b = RNG.normal(0, 1, (3, 12)), RNG.normal(0.5, 3, (3, 10))
    expected = [stats.brunnermunzel(left, right).pvalue for left, right in zip(a, b, strict=True)]
    assert brunner_munzel(a, b) == pytest.approx(np.array(expected), rel=1e-10)


def test_brunner_munzel_leaves_few_or_separate_values_to_the_exact_test() -> None:
    few, many = RNG.normal(0, 1, 7), RNG.normal(0, 1, 15)
    assert brunner_munzel(few, many) == mann_whitney(few, many)
    apart = brunner_munzel(many, many + 100)
    assert np.isfinite(apart).all()
    assert apart == mann_whitney(many, many + 100)


def test_holm_steps_down_as_published() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005])
    # sorted: .005×4, .01×3, .03×2, .04×1, made monotone
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holms_correction_is_that_of_statsmodels() -> None:
    for size in (1, 2, 23):
        p = RNG.uniform(0, 0.3, size) ** 2
        # the same few multiplications
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_a_test_that_could_not_be_made_is_no_member_of_its_family() -> None:
    adjusted = holm(np.array([0.01, np.nan, 0.02]))
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.02])
    assert np.isnan(holm(np.array([np.nan]))).all()


@pytest.mark.parametrize(("alpha", "blocks"), [(0.05, 6), (0.01, 8), (0.1, 5), (0.125, 4)])
def test_the_fewest_blocks_are_where_the_exact_test_first_reaches_alpha(alpha: float, blocks: int) -> None:
    assert blocks_to_reach(alpha) == blocks
    steps = np.arange(1.0, blocks + 1)
    assert float(signed_rank(steps)) <= alpha < float(signed_rank(steps[:-1]))


@pytest.mark.parametrize(
    ("n", "m", "reached"), [(3, 3, False), (4, 4, True), (2, 7, False), (2, 8, True), (1, 38, False)]
)
def test_the_fewest_blocks_of_two_campaigns_are_those_of_the_exact_test(n: int, m: int, *, reached: bool) -> None:
    assert can_reach(n, m, 0.05) is reached
    assert (float(mann_whitney(np.arange(0.0, n) - 100, np.arange(0.0, m))[0]) <= 0.05) is reached


def test_tests_without_data_give_no_p_value() -> None:
    assert np.isnan(signed_rank(np.empty(0)))
