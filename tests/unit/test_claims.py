from __future__ import annotations

import json

import msgspec
import pytest

from lab.core.arm import GuestProfile
from lab.core.manifest import RuntimeFingerprint
from lab.core.trial import Outcome, Trial
from lab.report.claims.claim_file import Cause, Claim, ClaimQuantity, Over, Pick, Relation
from lab.report.claims.judge import judge, judge_all
from lab.report.claims.verdict import Finding, Verdict, claims_json, tally
from lab.report.results import Results
from lab.report.sections.claims_table import claims_section
from tests.claims_support import failed, ran, results, times

WASMTIME, NATIVE, WAVM = "wasmtime-jit-cranelift", "native", "wavm-jit-llvm"
SMALL, LARGE = "yunet", "vgg_16"


def claim(quantity: ClaimQuantity = ClaimQuantity.TIME_RATIO, **changes: object) -> Claim:
    fields: dict[str, object] = {
        "id": "c",
        "place": "somewhere",
        "says": "something",
        "quantity": quantity,
        "paper": 2.0,
        "printed": "2x",
        "tolerance": 0.5,
        "systems": (WASMTIME,),
        "models": (SMALL,),
        "over": Over(systems=(NATIVE,)),
        **changes,
    }
    return Claim(**fields)  # type: ignore[arg-type]


def on_paper(a_claim: Claim, campaign: Results) -> Finding:
    """The finding on the claim's first guest level."""
    return judge(a_claim, campaign).first


def wasmtime_over_native(*ratios: float, guest: str = "o0", model: str = SMALL) -> dict[str, tuple[float, ...]]:
    """Wasmtime's times over native ones that drift from block to block."""
    native = tuple(1.0 + 0.3 * block for block in range(len(ratios)))
    slower = tuple(ratio * seconds for ratio, seconds in zip(ratios, native, strict=True))
    return {f"{WASMTIME}@{guest} {model} b1": slower, f"native@{guest} {model} b1": native}


def test_an_interval_within_the_tolerance_reproduces_the_claim() -> None:
    found = on_paper(claim(), results(times(wasmtime_over_native(2.0, 2.02, 1.98, 2.01))))
    assert found.verdict is Verdict.REPRODUCED
    assert found.ours == pytest.approx(2.0025, rel=1e-3)
    assert found.interval is not None
    assert found.interval[0] < 2.0025 < found.interval[1]
    assert found.guest is GuestProfile.O0


def test_an_interval_outside_refutes_it_and_says_on_which_side_and_what_else_differs() -> None:
    found = on_paper(claim(), results(times(wasmtime_over_native(5.0, 5.02, 4.98))))
    assert found.verdict is Verdict.NOT_REPRODUCED
    assert "ours lies above" in found.why
    assert "Wasmtime 1.2.3" in found.why
    assert "Toy CPU 3000" in found.why


def test_an_interval_across_the_tolerances_edge_decides_nothing() -> None:
    found = on_paper(claim(), results(times(wasmtime_over_native(2.2, 2.9, 2.4))))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "both sides" in found.why


def test_one_block_decides_nothing_however_near_it_is() -> None:
    found = on_paper(claim(), results(times(wasmtime_over_native(2.0))))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.ours == pytest.approx(2.0)
    assert found.interval is None
    assert "one block" in found.why


def test_a_block_that_slows_everything_down_changes_nothing() -> None:
    calm = on_paper(claim(), results(times(wasmtime_over_native(2.0, 2.02, 1.98))))
    rows = {text: (row[0], row[1] * 7, row[2]) for text, row in wasmtime_over_native(2.0, 2.02, 1.98).items()}
    shaken = on_paper(claim(), results(times(rows)))
    assert shaken.ours == pytest.approx(calm.ours)
    assert shaken.interval == pytest.approx(calm.interval)


def test_no_guest_level_stands_in_for_another() -> None:
    own = times(wasmtime_over_native(2.0, 2.02, 1.98, guest="o0"))
    other = times(wasmtime_over_native(9.0, 9.02, 8.98, guest="o3"))
    both = judge(claim(), results([*own, *other])).findings
    assert [finding.guest for finding in both] == [GuestProfile.O0, GuestProfile.O3]
    assert [finding.verdict for finding in both] == [Verdict.REPRODUCED, Verdict.NOT_REPRODUCED]
    lone = judge(claim(), results(other))
    assert lone.verdict is Verdict.NOT_RUN
    assert [finding.verdict for finding in lone.findings] == [Verdict.NOT_RUN, Verdict.NOT_REPRODUCED]
    alone = on_paper(claim(guests=(GuestProfile.O0,)), results(other))
    assert alone.verdict is Verdict.NOT_RUN


def test_networks_that_were_not_measured_keep_a_claim_open_and_are_named() -> None:
    trials = times(wasmtime_over_native(2.0, 2.02, 1.98))
    expensive = failed(f"{WASMTIME}@o0 {LARGE} b1", Outcome.OVER_BUDGET, "predicted to take 2 h")
    found = on_paper(claim(models=(SMALL, LARGE)), results([*trials, expensive]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.ours == pytest.approx(2.0, rel=1e-2)
    assert "2 of 4 cases measured" in found.why
    assert "over-budget, predicted to take 2 h" in found.why


def test_a_claim_of_which_nothing_was_measured_is_not_run() -> None:
    found = on_paper(claim(), results([ran(f"native@o3 {LARGE} b1")]))
    assert found.verdict is Verdict.NOT_RUN
    assert found.ours is None
    assert f"{WASMTIME}@o0 {SMALL} b1: not yet run" in found.why


def test_an_ordering_holds_if_the_whole_interval_lies_on_its_side() -> None:
    faster = claim(relation=Relation.BELOW, paper=1.0, tolerance=0.0, over=Over(systems=(WAVM,)))
    rows = {f"{WASMTIME}@o0 {SMALL} b1": (1.0, 1.1, 0.9), f"{WAVM}@o0 {SMALL} b1": (8.0, 8.5, 7.6)}
    assert on_paper(faster, results(times(rows))).verdict is Verdict.REPRODUCED
    swapped = {f"{WASMTIME}@o0 {SMALL} b1": (8.0, 8.5, 7.6), f"{WAVM}@o0 {SMALL} b1": (1.0, 1.1, 0.9)}
    assert on_paper(faster, results(times(swapped))).verdict is Verdict.NOT_REPRODUCED


def test_over_10x_asks_for_no_upper_end() -> None:
    over = claim(relation=Relation.ABOVE, paper=10.0, tolerance=5.0)
    assert on_paper(over, results(times(wasmtime_over_native(90.0, 91.0, 92.0)))).verdict is Verdict.REPRODUCED
    assert on_paper(over, results(times(wasmtime_over_native(3.0, 3.1, 3.05)))).verdict is Verdict.NOT_REPRODUCED


def test_several_networks_are_averaged_by_the_geometric_mean_of_their_ratios() -> None:
    rows = wasmtime_over_native(2.0, 2.02, 1.98) | wasmtime_over_native(8.0, 8.08, 7.92, model=LARGE)
    found = on_paper(claim(models=(SMALL, LARGE)), results(times(rows)))
    assert found.ours == pytest.approx(4.0, rel=1e-3)


def test_being_the_best_means_the_worst_of_one_side_against_the_best_of_the_other() -> None:
    rows = {
        f"{WAVM}@o0 {SMALL} b1": (2.0, 2.02, 1.98),
        f"{WASMTIME}@o0 {SMALL} b1": (4.0, 4.1, 3.9),
        f"native@o0 {SMALL} b1": (1.0, 1.02, 0.98),
    }
    first = claim(systems=(WAVM,), over=Over(systems=(WASMTIME, NATIVE)), relation=Relation.BELOW, paper=1.0)
    mean = on_paper(first, results(times(rows)))
    extremes = on_paper(msgspec.structs.replace(first, pick=Pick.EXTREMES), results(times(rows)))
    assert mean.ours == pytest.approx(1.0, rel=1e-2)
    assert extremes.ours == pytest.approx(2.0, rel=1e-2)


def test_table_3_is_a_ratio_of_averages_so_that_the_largest_network_decides() -> None:
    rows = {
        f"{WASMTIME}@o0 {SMALL} b1": (1.0, 1.01, 0.99),
        f"{WASMTIME}@o0 {SMALL} b3": (3.0, 3.03, 2.97),
        f"{WASMTIME}@o0 {LARGE} b1": (99.0, 99.5, 98.5),
        f"{WASMTIME}@o0 {LARGE} b3": (99.0, 99.9, 98.1),
    }
    batch = claim(
        ClaimQuantity.BATCH_TIME_RATIO, models=(SMALL, LARGE), batch=3, over=Over(), paper=1.02, tolerance=0.1
    )
    found = on_paper(batch, results(times(rows)))
    assert found.ours == pytest.approx(102 / 100, rel=1e-2)
    assert found.verdict is Verdict.REPRODUCED


def test_two_runtimes_batch_ratios_can_be_compared() -> None:
    rows = {
        f"{WASMTIME}@o0 {SMALL} b1": (1.0, 1.01, 0.99),
        f"{WASMTIME}@o0 {SMALL} b3": (3.0, 3.03, 2.97),
        f"{WAVM}@o0 {SMALL} b1": (10.0, 10.2, 9.8),
        f"{WAVM}@o0 {SMALL} b3": (12.0, 12.3, 11.7),
    }
    batch = claim(ClaimQuantity.BATCH_TIME_RATIO, batch=3, over=Over(systems=(WAVM,)))
    assert on_paper(batch, results(times(rows))).ours == pytest.approx(3.0 / 1.2, rel=1e-2)


def test_shares_are_percentages_and_their_differences_points() -> None:
    trials = [
        ran(text, block, share=share + 0.01 * block)
        for text, share in ((f"{WASMTIME}@o0 {SMALL} b1", 0.6), (f"native@o0 {SMALL} b1", 0.2))
        for block in range(3)
    ]
    share = claim(ClaimQuantity.INFERENCE_SHARE, over=Over(), paper=55.0, tolerance=10.0)
    assert on_paper(share, results(trials)).ours == pytest.approx(61.0)
    assert on_paper(share, results(trials)).verdict is Verdict.REPRODUCED
    gap = claim(ClaimQuantity.SHARE_DIFFERENCE, paper=0.0, tolerance=0.0, relation=Relation.BELOW)
    assert on_paper(gap, results(trials)).ours == pytest.approx(40.0)


def test_memory_is_said_in_decimal_gigabytes() -> None:
    trials = [ran(f"{WASMTIME}@o0 {LARGE} b1", block, gb=2.4 + 0.01 * block) for block in range(3)]
    found = on_paper(
        claim(ClaimQuantity.RSS_PEAK_GB, models=(LARGE,), over=Over(), paper=2.5, tolerance=0.25), results(trials)
    )
    assert found.ours == pytest.approx(2.41, rel=1e-3)
    assert found.verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.TIMEOUT, Verdict.REPRODUCED),
        (Outcome.OUT_OF_MEMORY, Verdict.REPRODUCED),
        (Outcome.CRASHED, Verdict.REPRODUCED),
        (Outcome.OVER_BUDGET, Verdict.INCONCLUSIVE),
        (Outcome.UNSUPPORTED, Verdict.INCONCLUSIVE),
    ],
)
def test_a_failure_of_the_papers_is_reproduced_only_by_a_cell_that_was_tried(
    outcome: Outcome, verdict: Verdict
) -> None:
    cell = claim(ClaimQuantity.OUTCOME, paper="failed", over=Over())
    found = on_paper(cell, results([failed(f"{WASMTIME}@o0 {SMALL} b1", outcome, "the reason")]))
    assert found.verdict is verdict
    assert found.ours == outcome.value
    assert "the reason" in found.why


def test_a_cell_that_runs_refutes_the_papers_failure() -> None:
    cell = claim(ClaimQuantity.OUTCOME, paper="failed", over=Over())
    assert on_paper(cell, results([ran(f"{WASMTIME}@o0 {SMALL} b1")])).verdict is Verdict.NOT_REPRODUCED
    good = claim(ClaimQuantity.OUTCOME, paper="ok", over=Over())
    assert on_paper(good, results([ran(f"{WASMTIME}@o0 {SMALL} b1")])).verdict is Verdict.REPRODUCED


def test_a_graph_is_counted_not_measured() -> None:
    campaign = results([ran(f"native@o0 {SMALL} b1")])
    exact = claim(ClaimQuantity.PARAMETERS, systems=(), over=Over(), paper=0.075856, tolerance=5e-7)
    assert on_paper(exact, campaign).verdict is Verdict.REPRODUCED
    off = claim(ClaimQuantity.PARAMETERS, systems=(), over=Over(), paper=0.08, tolerance=5e-4, note="counted so")
    assert on_paper(off, campaign).verdict is Verdict.NOT_REPRODUCED
    assert on_paper(off, campaign).why.startswith("ours lies below; trainable scalars")
    assert on_paper(off, campaign).why.endswith("counted so")


def test_claims_json_is_a_list_with_all_that_a_reader_needs() -> None:
    campaign = results(times(wasmtime_over_native(2.0, 2.02, 1.98)))
    judged = judge_all([claim(), claim(ClaimQuantity.OUTCOME, id="d", paper="failed", over=Over())], campaign)
    entries = json.loads(claims_json(judged))
    assert [entry["id"] for entry in entries] == ["c", "d"]
    assert all({"id", "place", "paper", "ours", "interval", "verdict", "why"} <= entry.keys() for entry in entries)
    assert tally(judged) == {
        Verdict.REPRODUCED: 1,
        Verdict.NOT_REPRODUCED: 1,
        Verdict.INCONCLUSIVE: 0,
        Verdict.NOT_RUN: 0,
    }


def test_the_section_shows_each_claim_once_with_both_figures() -> None:
    campaign = results(times(wasmtime_over_native(2.0, 2.02, 1.98)))
    failure = claim(ClaimQuantity.OUTCOME, id="d", paper="failed", printed="failed", over=Over())
    section = claims_section(judge_all([claim(), failure, claim(id="e", models=(LARGE,))], campaign), "current")
    shown = section.markdown()
    assert "| reproduced     | 1" in shown
    assert "2× [" in shown
    assert "| failed  | ok" in shown
    assert section.detail is not None
    rows = section.detail.csv().splitlines()
    assert len(rows) == 4
    assert rows[0].startswith("id,place,says")


def test_a_case_over_budget_is_not_tried_and_decides_nothing() -> None:
    cell = claim(ClaimQuantity.OUTCOME, paper="failed", over=Over())
    trials = [
        failed(f"{WASMTIME}@o0 {SMALL} b1", Outcome.OVER_BUDGET, "predicted to take 2 h"),
        failed(f"{WASMTIME}@o3 {SMALL} b1", Outcome.OUT_OF_MEMORY, "memory allocation of 9 bytes failed"),
    ]
    found = judge(cell, results(trials)).findings
    assert [finding.verdict for finding in found] == [Verdict.INCONCLUSIVE, Verdict.REPRODUCED]


@pytest.mark.parametrize(
    ("outcome", "cause", "verdict"),
    [
        (Outcome.OUT_OF_MEMORY, Cause.MEMORY, Verdict.REPRODUCED),
        (Outcome.TIMEOUT, Cause.TIME, Verdict.REPRODUCED),
        (Outcome.TIMEOUT, Cause.MEMORY, Verdict.INCONCLUSIVE),
        (Outcome.CRASHED, Cause.TIME, Verdict.INCONCLUSIVE),
        (Outcome.WRONG_OUTPUT, None, Verdict.INCONCLUSIVE),
    ],
)
def test_a_failure_reproduces_a_failure_of_the_cause_that_the_paper_states(
    outcome: Outcome, cause: Cause | None, verdict: Verdict
) -> None:
    cell = claim(ClaimQuantity.OUTCOME, paper="failed", over=Over(), cause=cause)
    found = on_paper(cell, results([failed(f"{WASMTIME}@o0 {SMALL} b1", outcome, "the reason")]))
    assert found.verdict is verdict


def test_claims_that_no_measurement_can_change_are_left_out_of_the_tally() -> None:
    campaign = results(times(wasmtime_over_native(2.0, 2.02, 1.98, 2.01)))
    judged = judge_all([claim(), claim(id="d", constant=True)], campaign)
    assert [finding.verdict for finding in judged] == [Verdict.REPRODUCED] * 2
    assert tally(judged)[Verdict.REPRODUCED] == 1


def test_the_least_of_several_systems_is_what_denies_that_any_of_them_is_near_native() -> None:
    seconds: dict[str, tuple[float, ...]] = {f"{NATIVE}@o0 {SMALL} b1": (1.0, 1.3, 1.6, 1.1)}
    seconds[f"{WASMTIME}@o0 {SMALL} b1"] = tuple(1.05 * time for time in seconds[f"{NATIVE}@o0 {SMALL} b1"])
    seconds[f"{WAVM}@o0 {SMALL} b1"] = tuple(9.0 * time for time in seconds[f"{NATIVE}@o0 {SMALL} b1"])
    denial = claim(
        paper=1.1, tolerance=0.0, relation=Relation.ABOVE, systems=(WASMTIME, WAVM), pick=Pick.LEAST, printed="not near"
    )
    assert on_paper(denial, results(times(seconds))).ours == pytest.approx(1.05)


def cut(text: str, seconds: float, block: int = 0, inferences: int = 0) -> Trial:
    """A trial that was killed at its time limit after so many inferences."""
    trial = failed(text, Outcome.TIMEOUT, f"ran longer than {seconds:g} s")
    total_ns = round(seconds * 1e9)
    infer_ns = (total_ns // 3,) * inferences
    return msgspec.structs.replace(trial, block=block, total_ns=total_ns, infer_ns=infer_ns)


def test_a_cut_trial_counts_as_at_least_its_time_and_can_decide_longer_than() -> None:
    native = times({f"{NATIVE}@o0 {SMALL} b1": (1.0, 1.02, 0.98, 1.0)})
    campaign = results([*native, cut(f"{WASMTIME}@o0 {SMALL} b1", 20.0)])
    longer = on_paper(claim(relation=Relation.ABOVE, paper=10.0, tolerance=0.0), campaign)
    assert longer.verdict is Verdict.REPRODUCED
    assert longer.ours == pytest.approx(0.8 * 20.0, rel=0.01)
    assert longer.interval is not None
    assert longer.interval[1] == float("inf")
    assert "was cut: at least 20" in longer.why
    assert (
        on_paper(claim(relation=Relation.BELOW, paper=10.0, tolerance=0.0), campaign).verdict is Verdict.NOT_REPRODUCED
    )
    assert on_paper(claim(paper=2.0), campaign).verdict is Verdict.NOT_REPRODUCED
    assert on_paper(claim(relation=Relation.ABOVE, paper=18.0), campaign).verdict is Verdict.INCONCLUSIVE
    assert on_paper(claim(paper=100.0, tolerance=10.0), campaign).verdict is Verdict.INCONCLUSIVE


def test_a_cut_trial_below_the_line_bounds_from_the_other_side() -> None:
    fast = times({f"{WASMTIME}@o0 {SMALL} b1": (1.0, 1.02, 0.98, 1.0)})
    beaten = claim(relation=Relation.BELOW, paper=1.0, tolerance=0.0, over=Over(systems=(WAVM,)))
    found = on_paper(beaten, results([*fast, cut(f"{WAVM}@o0 {SMALL} b1", 20.0)]))
    assert found.verdict is Verdict.REPRODUCED
    assert found.interval is not None
    assert found.interval[0] == float("-inf")


def test_cut_trials_on_both_sides_bound_nothing() -> None:
    both = [cut(f"{WASMTIME}@o0 {SMALL} b1", 20.0), cut(f"{NATIVE}@o0 {SMALL} b1", 20.0)]
    rows = wasmtime_over_native(2.0, 2.02, 1.98, 2.01, model=LARGE)
    found = on_paper(claim(models=(SMALL, LARGE), relation=Relation.ABOVE), results([*times(rows), *both]))
    assert found.verdict is Verdict.INCONCLUSIVE


def test_neither_a_predicted_time_nor_a_trial_cut_after_inference_bounds_anything() -> None:
    native = times({f"{NATIVE}@o0 {SMALL} b1": (1.0, 1.02, 0.98, 1.0)})
    longer = claim(relation=Relation.ABOVE, paper=10.0, tolerance=0.0)
    for other in (
        failed(f"{WASMTIME}@o0 {SMALL} b1", Outcome.OVER_BUDGET, "predicted to take 2 h"),
        cut(f"{WASMTIME}@o0 {SMALL} b1", 20.0, inferences=1),
    ):
        found = on_paper(longer, results([*native, other]))
        assert not found.verdict.decides, other.outcome


def test_weight_of_evidence_is_counted_by_level_and_blocks() -> None:
    few = times(wasmtime_over_native(2.0, 2.02, 1.98))
    many = times(wasmtime_over_native(2.0, 2.02, 1.98, 2.01, 1.99, 2.0, guest="o3"))
    judged = judge_all([claim()], results([*few, *many]))
    assert tally(judged, GuestProfile.O0)[Verdict.REPRODUCED] == 1
    assert tally(judged, GuestProfile.O0, only_firm=True)[Verdict.REPRODUCED] == 0
    assert tally(judged, GuestProfile.O3, only_firm=True)[Verdict.REPRODUCED] == 1


def test_a_verdict_names_what_stands_in_for_the_papers_runtimes() -> None:
    campaign = results(times({f"{WAVM}@o0 {SMALL} b1": (2.0, 2.02, 1.98), f"{NATIVE}@o0 {SMALL} b1": (1.0, 1.01, 1.0)}))
    old = RuntimeFingerprint("0.1.0", "registry", "0" * 64, "sha256:0", "Debian bullseye, in place of ubuntu:20.04")
    campaign.manifest.runtimes["wavm"] = old
    found = on_paper(claim(systems=(WAVM,)), campaign)
    assert found.verdict is Verdict.REPRODUCED
    assert "WAVM is a patched source tree of November 2019" in found.why
    assert "in place of ubuntu:20.04" in found.why


def test_parameters_are_counted_as_published_with_trainable_scalars_beside() -> None:
    campaign = results([ran(f"native@o0 {SMALL} b1")])
    facts = campaign.manifest.models[SMALL]
    campaign.manifest.models[SMALL] = msgspec.structs.replace(facts, published_parameters=80_000)
    found = on_paper(claim(ClaimQuantity.PARAMETERS, systems=(), over=Over(), paper=0.08, tolerance=5e-4), campaign)
    assert found.verdict is Verdict.REPRODUCED
    assert "0.075856 M trainable scalars" in found.why
