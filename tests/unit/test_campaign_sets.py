"""Sets of cases: what a question lacks, which sets a budget buys, and what the plan is worth by simulation."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lab.campaign.schedule import case_progress
from lab.campaign.sets.measurements import MIN_BLOCKS, Measurements
from lab.campaign.sets.purchase import Purchase, purchase
from lab.core.arm import Arm, GuestProfile
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial
from lab.core.want import Want
from lab.report.claims.claim_file import load_claims
from lab.report.claims.wants import ORDERING_HALF_WIDTH, want_of, wants_of
from lab.stats.simulate import binomial_band
from tests.plan_simulation import Disturbance, rates, simulate

NATIVE, JIT, SLOW = (
    Case(Arm.parse(arm), "yunet", 1) for arm in ("native@o3", "wasmtime-jit-cranelift@o3", "wasmedge-interpreter@o3")
)
CLAIMS = load_claims(Path(__file__).parents[2] / "experiments" / "paper" / "claims.toml")
COSTS = {NATIVE: 1.0, JIT: 5.0, SLOW: 100.0}


def trial(case: Case, block: int, seconds: float = 1.0, outcome: Outcome = Outcome.OK) -> Trial:
    return Trial.of(case, block=block, kind=Kind.RUN, started_at="now", outcome=outcome, total_ns=round(seconds * 1e9))


def want(name: str, above: Case, *below: Case, width: float | None = 0.1, value: float = 1.0) -> Want:
    return Want(name=name, above=(above,), below=below, quantity="single_total_ns", half_width=width, value=value)


def buy(wants: list[Want], trials: list[Trial], left_s: float) -> Purchase:
    cases = [NATIVE, JIT, SLOW]
    return purchase(wants, Measurements(trials), case_progress(cases, trials, 0.0), COSTS.__getitem__, left_s, 30)


def test_the_cheapest_set_is_bought_first_and_pays_for_what_others_share() -> None:
    cheap, expensive = want("cheap", JIT, NATIVE), want("expensive", SLOW, NATIVE)
    assert [each.name for each in buy([expensive, cheap], [], 1000.0).wants] == ["cheap", "expensive"]
    assert [each.name for each in buy([expensive, cheap], [], 3 * 6.0).wants] == ["cheap"]
    both = buy([expensive, cheap], [], 3 * 106.0)
    assert both.cost_s == 3 * 106.0, "native is paid for once"
    assert both.blocks == {NATIVE: 3, JIT: 3, SLOW: 3}


def test_a_greater_value_comes_first_at_the_same_price() -> None:
    shipped, papers = want("a", JIT, value=0.5), want("b", JIT, NATIVE)
    assert [each.name for each in buy([shipped, papers], [], 3 * 5.5).wants] == ["a"]
    assert buy([shipped, papers], [], 1000.0).wants[0].name == "b"


def test_a_set_is_measured_in_blocks_that_hold_all_of_it() -> None:
    apart = [trial(JIT, block, 1 + block / 1000) for block in (0, 1, 2)]
    apart += [trial(NATIVE, block, 1 - block / 1000) for block in (2, 3, 4)]
    assert Measurements(apart).lacks(want("q", JIT, NATIVE)) == MIN_BLOCKS - 1
    together = [trial(case, block, 1 + block / 1000) for block in range(3) for case in (JIT, NATIVE)]
    assert Measurements(together).lacks(want("q", JIT, NATIVE)) == 0


def test_noise_asks_for_more_blocks_where_a_narrow_interval_is_wanted() -> None:
    noisy = [trial(JIT, block, 1 + 0.05 * (-1) ** block) for block in range(4)]
    noisy += [trial(NATIVE, block) for block in range(4)]
    assert Measurements(noisy).lacks(want("q", JIT, NATIVE, width=0.02)) > 20
    assert Measurements(noisy).lacks(want("q", JIT, NATIVE, width=1.0)) == 0


def test_a_set_with_a_case_that_fails_for_good_is_never_bought() -> None:
    dead = [trial(SLOW, 0, outcome=Outcome.OUT_OF_MEMORY)]
    assert buy([want("q", SLOW, NATIVE)], dead, 1e6).wants == ()
    memory = Want(name="m", above=(SLOW,), quantity="rss_peak_bytes", half_width=0.1)
    cut = [trial(SLOW, 0, 60.0, Outcome.TIMEOUT)]
    assert buy([memory], cut, 1e6).wants == (), "a cut trial bounds a time, not a size"


def test_a_case_that_was_cut_at_its_limit_is_a_bound_and_need_not_run_again() -> None:
    cut = [trial(SLOW, 0, 60.0, Outcome.TIMEOUT)]
    found = buy([want("q", SLOW, NATIVE)], cut, 1e6)
    assert found.blocks == {NATIVE: 3}
    over = [trial(SLOW, 0, outcome=Outcome.OVER_BUDGET)]
    assert set(buy([want("q", SLOW, NATIVE)], over, 1e6).blocks) == {NATIVE, SLOW}, "a prediction bounds nothing"


def test_a_question_of_an_outcome_is_answered_by_one_trial() -> None:
    asked = Want(name="o", above=(SLOW,), quantity=None, half_width=None)
    assert buy([asked], [], 1e6).blocks == {SLOW: 1}
    assert buy([asked], [trial(SLOW, 0, outcome=Outcome.CRASHED)], 1e6).wants == ()


def test_no_case_is_bought_beyond_the_most_blocks() -> None:
    many = [trial(JIT, block, 1 + 0.05 * (-1) ** block) for block in range(30)]
    assert buy([want("q", JIT, width=0.001)], many, 1e9).wants == ()


def test_every_claim_that_can_be_decided_wants_its_cases_on_each_of_its_levels() -> None:
    wants = {each.name: each for each in wants_of(CLAIMS)}
    decidable = [claim for claim in CLAIMS if not claim.constant]
    assert len(wants) == sum(len(claim.guests) for claim in decidable)
    for claim in decidable:
        mine = wants[f"{claim.id}@o0"]
        assert {case.arm.guest for case in mine.cases} == {GuestProfile.O0}
        assert {case.model for case in mine.cases} == {*claim.models, *claim.over.models}
        assert not set(mine.above) & set(mine.below)


def test_the_width_wanted_follows_from_the_tolerance_alone() -> None:
    by_id = {claim.id: claim for claim in CLAIMS}
    ordering = want_of(by_id["4a-wasmtime-beats-wavm"], GuestProfile.O0)
    assert ordering.half_width == ORDERING_HALF_WIDTH
    about = want_of(by_id["4c-aot-gain-wavm"], GuestProfile.O0)
    low, high = by_id["4c-aot-gain-wavm"].accepted
    assert about.half_width == pytest.approx(math.sqrt(math.sqrt(high / low)) - 1)
    quotient = want_of(by_id["4e-batch-memory-as-native-wavm"], GuestProfile.O0)
    assert {(case.arm.runtime, case.batch) for case in quotient.above} == {("wavm", 3), ("native", 1)}


@pytest.mark.parametrize("noise", [Disturbance.EVEN, Disturbance.HEAVY])
def test_intervals_of_adaptive_campaigns_hold_and_false_verdicts_stay_rare(noise: Disturbance) -> None:
    found = rates(list(simulate(60, noise)))
    assert found.answers > 1000
    # questions of one campaign share cases, so that the band is that of a quarter as many independent ones
    assert found.covered >= binomial_band(0.95, found.answers // 4)[0]
    assert found.false_yes <= binomial_band(0.025, found.answers // 4)[1]
