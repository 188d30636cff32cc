"""Arms ranked on given models by their blocks: ranks, pairs that differ, groups of those that do not."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lab.stats.tournament import Times, alike_groups, tournament

MODELS = {"small": 1.0, "middle": 8.0, "large": 60.0}
ARMS = [f"arm{place}" for place in range(7)]


def times(speeds: dict[str, float], blocks: int = 12, noise: float = 0.01, seed: int = 1) -> Times:
    """Each arm's speed on every model, with noise of blocks (shared by all) and of trials."""
    rng = np.random.default_rng(seed)
    slow = {(model, block): rng.normal(0, 0.3) for model in MODELS for block in range(blocks)}
    return {
        arm: {
            model: {
                block: size * speed * float(np.exp(slow[model, block] + rng.normal(0, noise)))
                for block in range(blocks)
            }
            for model, size in MODELS.items()
        }
        for arm, speed in speeds.items()
    }


def test_arms_far_apart_are_all_separated_however_many_they_are() -> None:
    found = tournament(times({arm: 1.3**place for place, arm in enumerate(ARMS)}, blocks=6), 0.02)
    assert list(found.mean_ranks) == ARMS
    assert list(found.mean_ranks.values()) == pytest.approx(range(1, 8))
    assert found.groups == ()
    assert found.pairs == 21
    assert found.p is not None
    assert found.p < 1e-4
    last = found.over_best["arm6"]
    assert last is not None
    assert last.value == pytest.approx(1.3**6, rel=0.02)


def test_equal_arms_make_one_group() -> None:
    found = tournament(times(dict.fromkeys(ARMS, 1.0), noise=0.05), 0.02)
    assert [set(group) for group in found.groups] == [set(ARMS)]


def test_two_equal_arms_among_others_share_a_group_of_their_own() -> None:
    speeds = {"a": 1.0, "b": 1.5, "c": 1.5, "d": 2.5}
    found = tournament(times(speeds, noise=0.02), 0.02)
    assert [set(group) for group in found.groups] == [{"b", "c"}]


def test_mean_ranks_of_complete_blocks_are_those_of_each_block_and_model() -> None:
    data = times({arm: 1 + place / 100 for place, arm in enumerate(ARMS)}, noise=0.02)
    table = np.array([[[data[arm][m][b] for arm in ARMS] for m in MODELS] for b in range(12)])
    expected = stats.rankdata(table, axis=-1).mean(axis=(0, 1))
    found = tournament(data, 0.02)
    assert [found.mean_ranks[arm] for arm in ARMS] == pytest.approx(expected)


def test_an_arm_with_few_blocks_costs_the_others_none() -> None:
    speeds = {"a": 1.0, "b": 1.2, "slow": 100.0}
    data = {arm: {m: dict(blocks) for m, blocks in of_arm.items()} for arm, of_arm in times(speeds).items()}
    data["slow"] = {model: {0: blocks[0], 1: blocks[1]} for model, blocks in data["slow"].items()}
    found = tournament(data, 0.02)
    assert found.blocks == 2
    assert list(found.mean_ranks) == ["a", "b", "slow"]
    groups = [set(group) for group in found.groups]
    assert {"a", "b"} not in groups, "twelve blocks separate them"
    assert groups == [{"a", "slow"}, {"b", "slow"}], "two blocks separate nothing"


def test_one_block_ranks_and_separates_nothing() -> None:
    found = tournament(times({"a": 1.0, "b": 2.0, "c": 4.0}, blocks=1), 0.02)
    assert list(found.mean_ranks) == ["a", "b", "c"]
    assert (found.blocks, found.p) == (1, None)
    assert [set(group) for group in found.groups] == [{"a", "b", "c"}]


def test_equal_arms_are_separated_in_at_most_5_of_100_tournaments() -> None:
    campaigns, arms = 200, ARMS[:5]
    found = [tournament(times(dict.fromkeys(arms, 1.0), noise=0.02, seed=seed), 1e-6) for seed in range(campaigns)]
    false = sum([set(group) for group in each.groups] != [set(arms)] for each in found)
    assert false <= stats.binom.ppf(0.995, campaigns, 0.05)


PAIRS = st.sets(st.sampled_from(list(combinations(ARMS, 2))))


@settings(deadline=None)
@given(PAIRS)
def test_groups_hold_every_pair_that_does_not_differ_and_no_other(
    differing: set[tuple[str, str]],
) -> None:
    groups = alike_groups(ARMS, differing)
    runs = len(groups) > 0 and all(_is_run(group) for group in groups)
    together = {pair for group in groups for pair in combinations(group, 2)}
    assert set(combinations(ARMS, 2)) - differing <= together
    assert not together & differing or runs
    assert not any(set(a) < set(b) for a in groups for b in groups)


def _is_run(group: tuple[str, ...]) -> bool:
    start = ARMS.index(group[0])
    return list(group) == ARMS[start : start + len(group)]


def test_chance_that_makes_far_too_many_groups_is_shown_as_runs() -> None:
    many = [f"arm{place:02}" for place in range(30)]
    # ten triples in which all differ: 3 ** 10 largest sets without such a pair
    differing = {pair for start in range(0, 30, 3) for pair in combinations(many[start : start + 3], 2)}
    groups = alike_groups(many, differing)
    assert 0 < len(groups) <= 30
    together = {pair for group in groups for pair in combinations(group, 2)}
    assert set(combinations(many, 2)) - differing <= together
