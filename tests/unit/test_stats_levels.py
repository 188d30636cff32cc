"""Levels above the trial: intervals hold where arms carry noise of their own from world to world."""

from __future__ import annotations

import numpy as np
import pytest

from lab.core.errors import LabError
from lab.stats.iterations import Components
from lab.stats.levels import by_world, split_levels
from lab.stats.planning import precise_enough
from lab.stats.simulate import binomial_band
from lab.stats.typical import interval, typical
from lab.stats.verdicts import State, judge_family

CAMPAIGNS = 1000
OWN = 0.02
"""Spread of what an arm is in one world and not in another, beside trials that scatter by 1 %."""


def campaigns(worlds: int, blocks: int, own: float = OWN, bursts: float = 0.0, seed: int = 3) -> np.ndarray:
    """Log-ratios of two equal arms, (campaigns, worlds, blocks of a world): each arm has noise of its own per world."""
    rng = np.random.default_rng([seed, worlds, blocks])
    shape = (CAMPAIGNS, worlds, blocks)
    arms = []
    for _ in range(2):
        slow = np.where(rng.random(shape) < bursts, np.log1p(rng.exponential(0.3, shape)), 0.0)
        arms.append(rng.normal(0, own, (*shape[:2], 1)) + rng.normal(0, 0.01, shape) + slow)
    return np.asarray(arms[0] - arms[1])


def covered(values: np.ndarray) -> float:
    low, high = interval(typical(values), 0.95)
    return float(((low <= 0) & (high >= 0)).mean())


@pytest.mark.parametrize(("worlds", "blocks"), [(6, 4), (10, 2), (10, 4), (20, 2)])
@pytest.mark.parametrize("bursts", [0.0, 0.08])
def test_intervals_over_worlds_cover_where_arms_carry_noise_of_their_own(
    worlds: int, blocks: int, bursts: float
) -> None:
    drawn = campaigns(worlds, blocks, bursts=bursts)
    over_worlds = covered(np.median(drawn, axis=-1))
    # with fewer than ten units a verdict asks the exact rank test, too
    assert over_worlds >= binomial_band(0.95 if worlds >= 10 else 0.93, CAMPAIGNS)[0]
    # blocks of all worlds, which run by turns, taken for independent
    over_blocks = covered(drawn.swapaxes(1, 2).reshape(CAMPAIGNS, -1))
    assert over_blocks < (0.9 if blocks == 4 else over_worlds)


def test_a_campaign_of_one_world_does_not_cover_the_arms_of_another_at_all() -> None:
    assert covered(campaigns(1, 24)[:, 0]) < 0.3


def test_where_worlds_do_not_differ_they_cost_width_and_no_coverage() -> None:
    drawn = campaigns(10, 2, own=0.0)
    assert covered(np.median(drawn, axis=-1)) >= binomial_band(0.95, CAMPAIGNS)[0]
    width = typical(np.median(drawn, axis=-1)).error.mean() / typical(drawn.reshape(CAMPAIGNS, -1)).error.mean()
    assert 0.7 < width < 1.2


def test_a_world_counts_once_by_the_median_of_its_blocks() -> None:
    values, worlds = np.array([1.0, 5.0, 2.0, 6.0, 90.0]), np.array([0, 1, 0, 1, 1])
    assert by_world(values, worlds).tolist() == [1.5, 6.0]


def test_variance_is_split_by_level_as_it_was_put_in() -> None:
    rng, worlds = np.random.default_rng(4), np.repeat(np.arange(400), 5)
    values = rng.normal(0, 0.03, 400)[worlds] + rng.normal(0, 0.01, 2000) + rng.normal(0, 0.004 / np.sqrt(4), 2000)
    found = split_levels(values, worlds, Components(0.0, 0.004**2, 4))
    assert found is not None
    assert found.between_worlds**0.5 == pytest.approx(0.03, rel=0.1)
    assert found.between_blocks**0.5 == pytest.approx(0.01, rel=0.05)
    assert found.within_trials == 0.004**2


@pytest.mark.parametrize(
    ("own", "trial", "inference", "buy"),
    [(0.05, 0.01, 0.01, "worlds"), (0.0, 0.05, 0.01, "blocks"), (0.0, 0.001, 0.3, "inferences")],
)
def test_the_level_to_buy_is_the_one_that_widens_the_interval_most(
    own: float, trial: float, inference: float, buy: str
) -> None:
    rng, worlds, iterations = np.random.default_rng(6), np.tile(np.arange(6), 20), 3
    noise = rng.normal(0, trial, 120) + rng.normal(0, inference, (120, iterations)).mean(axis=1)
    found = split_levels(rng.normal(0, own, 6)[worlds] + noise, worlds, Components(0.0, inference**2, iterations))
    assert found is not None
    assert found.buy == buy


@pytest.mark.parametrize("worlds", [[0, 0, 0], [0, 1, 2], [0]])
def test_levels_need_two_worlds_and_a_second_block_in_one_of_them(worlds: list[int]) -> None:
    assert split_levels(np.arange(float(len(worlds))), np.array(worlds), None) is None


def test_verdicts_of_worlds_speak_of_worlds() -> None:
    few = judge_family({"a": np.array([0.1, 0.2, 0.3])}, 0.02, unit="world")["a"]
    assert few.state is State.UNDETERMINED
    assert "3 worlds can never reach 0.05; run 3 more" in str(few.reason)
    wide = judge_family({"a": np.linspace(-0.3, 0.31, 12)}, 0.02, unit="world")["a"]
    assert "more worlds would settle it" in str(wide.reason)


def test_the_stop_rule_waits_for_worlds_to_agree_and_not_for_blocks() -> None:
    rng, worlds = np.random.default_rng(8), np.tile(np.arange(6), 8)
    values = rng.normal(0, 0.05, 6)[worlds] + rng.normal(0, 0.001, 48)
    assert precise_enough(values, 0.03)
    assert not precise_enough(values, 0.03, worlds=worlds)
    assert precise_enough(rng.normal(0, 0.001, 48), 0.03, worlds=worlds)
    with pytest.raises(LabError):
        precise_enough(values, 0.0, worlds=worlds)
