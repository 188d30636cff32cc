"""Laws of the schedule: pairs, budgets, no repeats, and resumes that change nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.campaign.prediction import CONTAINER_S
from lab.campaign.schedule import CaseProgress, next_block, pilot_next
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.runtimes import registry
from tests.fakes import Answer, FakeEngine, answer_wrongly, crash, run_out_of_memory, time_out
from tests.stage import Stage, experiment, happenings

CASES = st.builds(
    Case, st.sampled_from(registry.all_arms()), st.sampled_from(["yunet", "vgg_16"]), st.sampled_from([1, 3])
)
STANDINGS = st.builds(
    CaseProgress,
    blocks=st.sets(st.integers(0, 12), max_size=8),
    failures=st.integers(0, 3),
    last=st.none() | st.sampled_from(Outcome),
    cost_s=st.none() | st.floats(0.01, 1000),
)


@st.composite
def known(draw: st.DrawFn) -> dict[Case, CaseProgress]:
    """Progress of some cases, most of them with their baselines."""
    found = draw(st.dictionaries(CASES, STANDINGS, max_size=12))
    for case in list(found):
        if draw(st.integers(0, 4)):
            found.setdefault(case.baseline, draw(STANDINGS))
    return found


TIERS = st.builds(lambda least, more: Tier("1h", least, least + more), st.integers(1, 6), st.integers(0, 10))
BLOCK = st.integers(1, 15)


@given(BLOCK, known(), TIERS, st.floats(-10, 5000), st.sets(CASES), st.integers())
def test_every_block_pairs_its_cases_with_their_baseline_and_holds_none_twice(
    block: int, known: dict[Case, CaseProgress], tier: Tier, remaining_s: float, precise: set[Case], seed: int
) -> None:
    chosen = next_block(block, known, tier, remaining_s, precise.__contains__, seed)
    assert len(set(chosen)) == len(chosen)
    for case in chosen:
        assert known[case].alive
        if case.baseline in known and known[case.baseline].alive:
            assert case.baseline in chosen


@given(BLOCK, known(), TIERS, st.floats(-10, 5000), st.integers())
def test_a_block_never_costs_more_than_is_left(
    block: int, known: dict[Case, CaseProgress], tier: Tier, remaining_s: float, seed: int
) -> None:
    chosen = next_block(block, known, tier, remaining_s, lambda _case: False, seed)
    cost_s = sum(known[case].cost_s or 0.0 for case in chosen)
    assert cost_s <= max(0.0, remaining_s) + 1e-6
    if block < tier.min_blocks:
        assert cost_s * (tier.min_blocks - block) <= max(0.0, remaining_s) + 1e-6, "later blocks have their share"


@given(BLOCK, known(), TIERS, st.integers())
def test_a_block_does_not_depend_on_the_order_in_which_cases_are_known(
    block: int, known: dict[Case, CaseProgress], tier: Tier, seed: int
) -> None:
    backwards = dict(reversed(known.items()))
    first, second = (next_block(block, them, tier, 500.0, lambda _case: False, seed) for them in (known, backwards))
    assert first == second


@given(BLOCK, known(), TIERS, st.integers())
def test_with_all_the_time_in_the_world_every_living_case_gets_its_minimum(
    block: int, known: dict[Case, CaseProgress], tier: Tier, seed: int
) -> None:
    chosen = next_block(block, known, tier, 1e9, lambda _case: True, seed)
    owed = {case for case, progress in known.items() if progress.alive and len(progress.blocks) < tier.min_blocks}
    assert owed <= set(chosen)
    assert set(chosen) <= owed | {case.baseline for case in owed}


@given(st.dictionaries(CASES, st.floats(0, 1e5), min_size=1), st.integers())
def test_the_pilots_next_case_costs_less_than_twice_the_cheapest(costs: dict[Case, float], seed: int) -> None:
    assert costs[pilot_next(costs, seed)] <= max(2 * min(costs.values()), 2e-3)


MISBEHAVIOURS = st.sampled_from([crash, time_out, run_out_of_memory, answer_wrongly])
ARM_SETS = st.sets(
    st.sampled_from(
        [
            "wasmtime-jit-cranelift@o3",
            "wasmtime-aot-cranelift@o3",
            "wamr-interpreter-fast@o0",
            "wasmer-jit-singlepass@o3-simd",
            "wavm-jit-llvm@o3",
        ]
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def plays(draw: st.DrawFn) -> tuple[tuple[str, ...], Tier, str, dict[str, Answer]]:
    """Arms, tier, precision, and which cases misbehave how."""
    arms = ("native@o0", "native@o3", *sorted(draw(ARM_SETS)))
    least = draw(st.integers(1, 3))
    budget = draw(st.sampled_from(["0s", "20s", "90s", "10m", "100h"]))
    cell_budget = draw(st.sampled_from(["2s", "60s", "1h"]))
    tier = Tier(budget, least, least + draw(st.integers(0, 3)), cell_budget)
    cases = [Case(Arm.parse(arm), model, 1).id for arm in arms for model in ("tiny", "small")]
    behaviours = draw(st.dictionaries(st.sampled_from([*cases, *arms]), MISBEHAVIOURS, max_size=3))
    return arms, tier, draw(st.sampled_from(["0.1%", "2%", "50%"])), behaviours


def stage(directory: str, play: tuple[tuple[str, ...], Tier, str, dict[str, Answer]]) -> Stage:
    arms, tier, precision, _ = play
    return Stage(Path(directory), experiment(arms, ("tiny", "small"), tier=tier, precision=precision))


def runs(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.kind is Kind.RUN]


WHOLE_CAMPAIGNS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@WHOLE_CAMPAIGNS
@given(plays())
def test_a_campaign_visits_every_cell_repeats_none_in_a_block_and_keeps_its_limits(
    play: tuple[tuple[str, ...], Tier, str, dict[str, Answer]],
) -> None:
    _, tier, _, behaviours = play
    with tempfile.TemporaryDirectory() as directory:
        scene = stage(directory, play)
        trials = scene.play(FakeEngine(scene.materials, misbehaves=behaviours))
    ran = [trial for trial in runs(trials) if trial.outcome is not Outcome.OVER_BUDGET]
    over_budget = [trial for trial in trials if trial.outcome is Outcome.OVER_BUDGET]
    assert {trial.case for trial in runs(trials)} == set(scene.experiment.cases("t"))
    assert set(Counter((trial.case, trial.block) for trial in ran).values()) <= {1}
    assert set(Counter(trial.case for trial in over_budget).values()) <= {1}, "over-budget is recorded once"
    assert all(trial.predicted_ns and trial.why for trial in over_budget)
    assert set(Counter(trial.arm for trial in trials if trial.kind is Kind.COMPILE).values()) <= {1}
    assert max((trial.block for trial in trials), default=0) < tier.max_blocks
    assert [trial.number for trial in trials] == list(range(len(trials)))


@WHOLE_CAMPAIGNS
@given(plays())
def test_a_case_that_fails_for_good_is_not_run_a_third_time(
    play: tuple[tuple[str, ...], Tier, str, dict[str, Answer]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scene = stage(directory, play)
        trials = runs(scene.play(FakeEngine(scene.materials, misbehaves=play[3])))
    good = {trial.case for trial in trials if trial.outcome is Outcome.OK}
    bad = Counter(trial.case for trial in trials if trial.case not in good and trial.outcome is not Outcome.OVER_BUDGET)
    assert all(count <= 2 for count in bad.values())


@WHOLE_CAMPAIGNS
@given(plays(), st.data())
def test_a_resume_after_any_trial_loses_nothing_and_repeats_nothing(
    play: tuple[tuple[str, ...], Tier, str, dict[str, Answer]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scene = stage(directory, play)
        whole = scene.play()
        kept = whole[: data.draw(st.integers(0, len(whole)), label="trials kept")]
        resumed = scene.resume_from(kept)
    assert resumed[: len(kept)] == kept
    assert set(happenings(resumed).values()) <= {1}
    assert {trial.case for trial in runs(resumed)} == {trial.case for trial in runs(whole)}
    if scene.experiment.tier("t").budget == "100h":
        assert happenings(resumed) == happenings(whole)


@WHOLE_CAMPAIGNS
@given(plays())
def test_what_is_measured_stays_within_the_budget_but_for_the_guesses_of_block_0(
    play: tuple[tuple[str, ...], Tier, str, dict[str, Answer]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scene = stage(directory, play)
        trials = scene.play()
    later_s = sum((trial.total_ns or 0) / 1e9 + CONTAINER_S for trial in trials if trial.block > 0)
    spent_s = sum((trial.total_ns or 0) / 1e9 + CONTAINER_S for trial in trials if trial.total_ns is not None)
    noise = 1.1
    if later_s:
        assert spent_s <= scene.experiment.tier("t").budget_s * noise
