"""What many hosts finish when: the simulation against what can be counted by hand, and against a played campaign."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from lab.campaign import plan_hosts
from lab.campaign.plan_estimate import CaseEstimate, PlanEstimate
from lab.campaign.plan_hosts import CaseCost, Simulated, estimate_hosts, simulate
from tests.command import lab

COSTS = [CaseCost(1.0), CaseCost(2.0), CaseCost(3.0)]


@pytest.fixture
def even(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that are all alike, and never fail."""
    for name in ("STRAGGLERS", "SPREAD_OF_HOSTS", "SPREAD_OF_TRIALS"):
        monkeypatch.setattr(plan_hosts, name, 0.0)
    monkeypatch.setattr(plan_hosts, "BETWEEN_FAILURES_S", 1e15)


def played(hosts: int, costs: list[CaseCost], blocks: int, round_trip_s: float = 0.0, seed: int = 1) -> Simulated:
    return simulate(hosts, costs, blocks, round_trip_s, random.Random(seed))  # noqa: S311 - a simulation, not a secret


@pytest.mark.parametrize(("hosts", "expected"), [(1, 24.0), (2, 12.0), (3, 12.0), (4, 6.0), (100, 6.0)])
def test_blocks_stay_whole(even: None, hosts: int, expected: float) -> None:
    assert played(hosts, COSTS, blocks=4).seconds == pytest.approx(expected)


def test_each_host_precompiles_an_arm_once(even: None) -> None:
    costs = [CaseCost(1.0, "aot", 10.0), CaseCost(1.0, "aot", 10.0)]
    assert played(1, costs, blocks=4).seconds == pytest.approx(10 + 8)
    assert played(2, costs, blocks=4).seconds == pytest.approx(10 + 4)


def test_the_scheduler_answers_one_question_at_a_time(even: None) -> None:
    found = played(100, [CaseCost(0.0)], blocks=100, round_trip_s=0.5)
    assert found.seconds == pytest.approx(50)
    assert found.scheduler == pytest.approx(1.0)


def test_what_a_failed_host_had_is_run_again() -> None:
    found = played(3, [CaseCost(3600.0)] * 10, blocks=100)
    assert found.failures > 0
    assert found.trials == 1000 + found.failures


def plan_of(*seconds: float | None) -> PlanEstimate:
    cases = tuple(
        CaseEstimate(f"native@o3 yunet b{batch}", each, "", None, None) for batch, each in enumerate(seconds, start=1)
    )
    return PlanEstimate(cases, 3, 6, 0.0, 3600.0, (), 0, 0)


def test_the_plan_is_of_one_host_up_to_the_number_asked_for() -> None:
    found = estimate_hosts(plan_of(10.0, 20.0, None, 9999.0), hosts=6, cell_budget_s=600)
    assert [each.hosts for each in found] == [1, 2, 4, 6]
    # 3 blocks of 30 s, on a host that is 5 % faster or slower, or half as fast
    assert 75 < found[0].minimum_s < 200
    assert found[0].maximum_s == pytest.approx(2 * found[0].minimum_s, rel=0.1)
    assert found[2].minimum_s < found[0].minimum_s / 2
    assert estimate_hosts(plan_of(None), hosts=6, cell_budget_s=600) == ()


def test_the_command_shows_it_and_says_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    words = ("plan", "experiments/paper.toml", "--tier", "smoke", "--hosts", "3")
    ran = lab(*words)
    assert ran.code == 0, ran.err
    assert "lab models prepare" in ran.out
    assert json.loads(lab(*words, "--json").out) == []
    assert lab(*words[:-1], "0").code == 2
