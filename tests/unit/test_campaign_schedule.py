from __future__ import annotations

from lab.campaign.schedule import CaseProgress, case_progress, next_block, pilot_next
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Tier
from lab.core.trial import Kind, Outcome, Trial

NATIVE = Case(Arm.parse("native@o3"), "yunet", 1)
JIT = Case(Arm.parse("wasmtime-jit-cranelift@o3"), "yunet", 1)
SLOW = Case(Arm.parse("wasmedge-interpreter@o3"), "yunet", 1)
TIER = Tier("1h", min_blocks=3, max_blocks=10)


def trial(case: Case, block: int, outcome: Outcome = Outcome.OK, total_s: float | None = 2.0) -> Trial:
    return Trial.of(
        case,
        number=0,
        block=block,
        kind=Kind.RUN,
        started_at="now",
        outcome=outcome,
        total_ns=None if total_s is None else round(total_s * 1e9),
    )


def standing(case: Case, *trials: Trial) -> CaseProgress:
    return case_progress([case], trials, container_s=1.0)[case]


def never(_case: Case) -> bool:
    return False


def always(_case: Case) -> bool:
    return True


def test_a_case_nothing_is_known_of_is_neither_visited_nor_alive() -> None:
    fresh = standing(JIT, trial(NATIVE, 0))
    assert not fresh.visited
    assert not fresh.alive
    assert fresh.cost_s is None


def test_a_case_costs_its_mean_wall_time_with_its_container() -> None:
    assert standing(JIT, trial(JIT, 0, total_s=2.0), trial(JIT, 1, total_s=4.0)).cost_s == 4.0


def test_a_crash_is_repeated_once() -> None:
    once, twice = [trial(JIT, 0, Outcome.CRASHED)], [trial(JIT, 0, Outcome.CRASHED), trial(JIT, 1, Outcome.CRASHED)]
    assert standing(JIT, *once).alive
    assert not standing(JIT, *twice).alive
    assert standing(JIT, *once, trial(JIT, 1)).alive


def test_what_would_only_be_met_again_is_not_repeated() -> None:
    for outcome in (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.UNSUPPORTED, Outcome.OVER_BUDGET):
        assert not standing(JIT, trial(JIT, 0, outcome)).alive, outcome
    assert not standing(JIT, trial(JIT, 0, Outcome.CRASHED, total_s=None)).alive, "it could not even be started"


def test_having_been_over_budget_is_no_failure() -> None:
    cured = standing(JIT, trial(JIT, 0, Outcome.OVER_BUDGET, None), trial(JIT, 0, Outcome.CRASHED))
    assert cured.failures == 1
    assert cured.alive


def test_one_late_failure_does_not_end_a_case_that_has_run() -> None:
    assert standing(JIT, trial(JIT, 0), trial(JIT, 1, Outcome.TIMEOUT)).alive


def test_precompilations_are_no_trials_of_a_case() -> None:
    compiled = Trial(
        **{name: getattr(trial(JIT, 0), name) for name in Trial.__struct_fields__ if name != "kind"}, kind=Kind.COMPILE
    )
    assert not standing(JIT, compiled).visited


def test_the_pilot_takes_the_cheapest_and_leaves_about_equal_ones_to_chance() -> None:
    costs = {NATIVE: 1.0, JIT: 8.0, SLOW: 9.0}
    assert {pilot_next(costs, seed) for seed in range(20)} == {NATIVE}
    del costs[NATIVE]
    assert {pilot_next(costs, seed) for seed in range(20)} == {JIT, SLOW}, "within a factor of two"


def test_the_pilot_meets_an_arm_by_its_cheapest_case_and_well_before_its_turn() -> None:
    again, slower = Case(JIT.arm, "vgg_16", 1), Case(SLOW.arm, "vgg_16", 1)
    costs = {again: 60.0, SLOW: 500.0, slower: 501.0}
    tried = [JIT, Case(JIT.arm, "vgg_16", 3)]
    assert {pilot_next(costs, seed, tried) for seed in range(20)} == {SLOW}
    assert pilot_next(costs, 1, [*tried, SLOW]) == again
    costs[SLOW] = 5000.0
    assert pilot_next(costs, 1, tried) == slower
    costs[slower] = 6000.0
    assert pilot_next(costs, 1, tried) == again, "a new arm is worth much, not everything"


def test_the_pilot_takes_a_new_pair_of_system_and_model_before_more_of_a_known_pair() -> None:
    large = Case(JIT.arm, "vgg_16", 1)
    unoptimised = Case(Arm.parse(f"{JIT.arm.system}@o0"), JIT.model, JIT.batch)
    thrice = Case(JIT.arm, JIT.model, 3)
    tried = [JIT, Case(unoptimised.arm, "yunet", 1)]
    costs = {large: 30.0, unoptimised: 10.0, thrice: 10.0}
    assert {pilot_next(costs, seed, tried) for seed in range(20)} == {large}
    assert pilot_next(costs, 1, [*tried, Case(large.arm, large.model, 3)]) != large, "that pair is known"
    costs[large] = 100.0
    assert pilot_next(costs, 1, tried) != large, "a new pair is worth something, not everything"


def test_a_block_holds_every_living_case_in_an_order_of_its_own() -> None:
    known = case_progress([NATIVE, JIT, SLOW], [trial(case, 0) for case in (NATIVE, JIT, SLOW)], 1.0)
    orders = [tuple(next_block(block, known, TIER, 1e6, never, seed=1)) for block in range(1, 30)]
    assert {frozenset(order) for order in orders} == {frozenset({NATIVE, JIT, SLOW})}
    assert len(set(orders)) == 6, "every order turns up"
    assert orders[0] == tuple(next_block(1, known, TIER, 1e6, never, seed=1)), "the seed decides"


def test_a_precise_case_leaves_and_its_baseline_with_it_unless_another_needs_it() -> None:
    done = [trial(case, block) for block in range(3) for case in (NATIVE, JIT, SLOW)]
    known = case_progress([NATIVE, JIT, SLOW], done, 1.0)
    assert next_block(3, known, TIER, 1e6, always, 1) == []
    assert set(next_block(3, known, TIER, 1e6, lambda case: case != SLOW, 1)) == {NATIVE, SLOW}


def test_no_case_exceeds_the_most_blocks() -> None:
    known = case_progress([JIT], [trial(JIT, block) for block in range(10)], 1.0)
    assert next_block(10, known, TIER, 1e6, never, 1) == []


def test_cheap_cases_get_blocks_that_expensive_ones_cannot_afford() -> None:
    done = [trial(NATIVE, 0, total_s=1.0), trial(JIT, 0, total_s=5.0), trial(SLOW, 0, total_s=500.0)]
    known = case_progress([NATIVE, JIT, SLOW], done, 0.0)
    assert set(next_block(3, known, TIER, 100.0, never, 1)) == {NATIVE, JIT}
    assert set(next_block(3, known, TIER, 1000.0, never, 1)) == {NATIVE, JIT, SLOW}


def test_the_first_blocks_share_what_is_left_so_that_each_can_be_had() -> None:
    known = case_progress([JIT], [trial(JIT, 0, total_s=60.0)], 0.0)
    assert next_block(1, known, TIER, 100.0, never, 1) == [], "two more are wanted, and 100 s do not hold two of 60 s"
    assert next_block(2, known, TIER, 100.0, never, 1) == [JIT]
