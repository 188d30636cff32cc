"""Laws of buying sets: blind to where figures lie, within what is left, the same in any order, whole after a resume."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.campaign.schedule import case_progress
from lab.campaign.sets.measurements import MIN_BLOCKS, Measurements
from lab.campaign.sets.purchase import Purchase, purchase
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want
from tests.stage import Stage, experiment, happenings

SYSTEMS = ("native", "wasmtime-jit-cranelift", "wamr-interpreter-fast")
CASES = tuple(Case(Arm.parse(f"{system}@o3"), model, 1) for system in SYSTEMS for model in ("tiny", "small"))
SECONDS = st.floats(0.5, 20.0)


@st.composite
def wants(draw: st.DrawFn) -> tuple[Want, ...]:
    sides = st.lists(st.sampled_from(CASES), min_size=1, max_size=3, unique=True)
    found = []
    for number in range(draw(st.integers(1, 8))):
        above = draw(sides)
        below = [case for case in draw(sides) if case not in above]
        width = draw(st.sampled_from([0.01, 0.05, 0.3]))
        value = draw(st.sampled_from([0.5, 1.0]))
        found.append(
            Want(
                name=f"q{number}",
                above=tuple(above),
                below=tuple(below),
                quantity="single_total_ns",
                half_width=width,
                value=value,
            )
        )
    return tuple(found)


@st.composite
def journals(draw: st.DrawFn) -> list[Trial]:
    """Some blocks of some cases; a case may be cut at its limit instead."""
    found = []
    for case in CASES:
        is_cut = draw(st.integers(0, 9)) == 0
        outcome = Outcome.TIMEOUT if is_cut else Outcome.OK
        blocks = sorted(draw(st.sets(st.integers(0, 5), max_size=1 if is_cut else 6)))
        found += [trial(case, block, draw(SECONDS), outcome) for block in blocks]
    return found


def trial(case: Case, block: int, seconds: float, outcome: Outcome = Outcome.OK) -> Trial:
    return Trial.of(case, block=block, kind=Kind.RUN, started_at="now", outcome=outcome, total_ns=round(seconds * 1e9))


def buy(asked: tuple[Want, ...], trials: list[Trial], left_s: float, cost_s: dict[Case, float]) -> Purchase:
    progress = case_progress(CASES, trials, 0.0)
    return purchase(asked, Measurements(trials), progress, cost_s.__getitem__, left_s, 30)


COSTS = st.fixed_dictionaries(dict.fromkeys(CASES, st.floats(0.1, 50.0) | st.just(math.inf)))


@settings(deadline=None)
@given(wants(), journals(), st.floats(0, 2000), COSTS, st.dictionaries(st.sampled_from(CASES), st.integers(2, 9)))
def test_where_figures_lie_decides_nothing(
    asked: tuple[Want, ...], trials: list[Trial], left_s: float, cost_s: dict[Case, float], slower: dict[Case, int]
) -> None:
    moved = [
        trial(each.case, each.block, (each.total_ns or 0) / 1e9 * slower.get(each.case, 1), each.outcome)
        for each in trials
    ]
    assert buy(asked, trials, left_s, cost_s) == buy(asked, moved, left_s, cost_s)


@settings(deadline=None)
@given(wants(), journals(), st.floats(0, 2000), COSTS)
def test_no_more_is_bought_than_is_left_and_every_set_whole(
    asked: tuple[Want, ...], trials: list[Trial], left_s: float, cost_s: dict[Case, float]
) -> None:
    found = buy(asked, trials, left_s, cost_s)
    spent_s = sum(blocks * cost_s[case] for case, blocks in found.blocks.items())
    assert spent_s <= left_s * (1 + 1e-9) + 1e-9
    assert math.isclose(spent_s, found.cost_s, rel_tol=1e-9, abs_tol=1e-9)
    measured = Measurements(trials)
    for want in found.wants:
        lacks = measured.lacks(want)
        assert all(found.blocks[case] >= lacks for case in measured.running(want))


@settings(deadline=None)
@given(wants(), journals(), st.floats(0, 2000), COSTS)
def test_the_order_of_questions_and_trials_changes_nothing(
    asked: tuple[Want, ...], trials: list[Trial], left_s: float, cost_s: dict[Case, float]
) -> None:
    there, back = buy(asked, trials, left_s, cost_s), buy(asked[::-1], trials[::-1], left_s, cost_s)
    assert there.blocks == back.blocks
    assert {want.name for want in there.wants} == {want.name for want in back.wants}


@settings(deadline=None)
@given(wants(), journals())
def test_with_enough_time_every_question_that_can_be_answered_is_bought(
    asked: tuple[Want, ...], trials: list[Trial]
) -> None:
    found = buy(asked, trials, 1e18, dict.fromkeys(CASES, 1.0))
    measured = Measurements(trials)
    open_wants = {want.name for want in asked if measured.lacks(want)}
    assert {want.name for want in found.wants} == open_wants


@settings(deadline=None)
@given(st.lists(st.floats(0.9, 1.1), min_size=2, max_size=30))
def test_a_set_is_enough_only_with_the_blocks_that_its_width_asks_for(ratios: list[float]) -> None:
    native, wasm = CASES[0], CASES[2]
    trials = [trial(native, block, 10.0) for block in range(len(ratios))]
    trials += [trial(wasm, block, 10.0 * ratio) for block, ratio in enumerate(ratios)]
    want = Want(name="q", above=(wasm,), below=(native,), quantity="single_total_ns", half_width=0.02)
    lacks = Measurements(trials).lacks(want)
    assert lacks > 0 or len(ratios) >= MIN_BLOCKS
    if max(ratios) == min(ratios) and len(ratios) >= MIN_BLOCKS:
        assert lacks == 0
    wider = Want(name="q", above=(wasm,), below=(native,), quantity="single_total_ns", half_width=0.2)
    assert Measurements(trials).lacks(wider) <= lacks


def campaign_wants() -> tuple[Want, ...]:
    native, _, wasmtime, _, wamr, _ = CASES
    return (
        Want(name="a", above=(wasmtime,), below=(native,), quantity="single_total_ns", half_width=0.02),
        Want(name="b", above=(wamr, wasmtime), below=(native,), quantity="single_total_ns", half_width=0.3),
        Want(name="c", above=(CASES[5],), quantity=None, half_width=None),
    )


def stage(directory: str, budget: str) -> Stage:
    arms = tuple(f"{system}@o3" for system in SYSTEMS)
    tier = Tier(budget, 3, 12, "1h")
    return Stage(Path(directory), experiment(arms, ("tiny", "small"), tier=tier, precision="2%"), campaign_wants())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["30s", "90s", "10m", "100h"]), st.data())
def test_a_campaign_that_buys_sets_resumes_where_it_stopped(budget: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scene = stage(directory, budget)
        whole = scene.play()
        kept = whole[: data.draw(st.integers(0, len(whole)), label="trials kept")]
        resumed = scene.resume_from(kept)
    assert resumed[: len(kept)] == kept
    assert set(happenings(resumed).values()) <= {1}
    assert {each.case for each in resumed} == {each.case for each in whole}
    if budget == "100h":
        assert happenings(resumed) == happenings(whole)


def test_a_campaign_answers_its_questions_before_it_goes_on_to_single_cases() -> None:
    with tempfile.TemporaryDirectory() as directory:
        trials = stage(directory, "100h").play()
    asked = campaign_wants()
    assert {each.case for each in trials if each.block == 0} == set(CASES), "block 0 visits every case"
    assert [Measurements(trials).lacks(want) for want in asked] == [0, 0, 0]
    of_sets = {case for want in asked[:2] for case in want.cases}
    second = {each.case for each in trials if each.block == 1}
    assert second == of_sets
