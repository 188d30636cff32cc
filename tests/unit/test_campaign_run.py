"""Campaigns on a fake engine: what is written down, in which order, and what a resume does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from lab.campaign.job import OUTPUT_FILE
from lab.core.arm import Arm
from lab.core.experiment import Experiment, Tier
from lab.core.probe import ProbeReport
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import Job, JobResult
from tests.fakes import Answer, FakeEngine, answer_wrongly, crash, run_out_of_memory, time_out
from tests.stage import Stage, experiment

WASMTIME = "wasmtime-jit-cranelift@o3 tiny b1"
AOT = "wasmtime-aot-cranelift@o3"


def runs(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.kind is Kind.RUN]


def of(trials: list[Trial], case: str) -> list[Trial]:
    return [trial for trial in runs(trials) if trial.case.id == case]


def test_every_case_runs_once_in_every_block(tmp_path: Path) -> None:
    trials = Stage(tmp_path, experiment(models=("tiny", "small"), batches=(1, 3))).play()
    assert {trial.outcome for trial in trials} == {Outcome.OK}
    assert Counter(trial.block for trial in trials) == {0: 12, 1: 12, 2: 12}
    assert set(Counter((trial.case, trial.block) for trial in trials).values()) == {1}


def test_a_trial_starts_is_run_and_is_written_before_the_next_one_starts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT), tier=Tier("1h", min_blocks=2, max_blocks=2)))
    engine = FakeEngine(stage.materials)
    stage.play(engine)
    assert engine.log[:9] == [
        "remove leftovers of toy-t-20250301T101500Z",
        "starts native@o3 tiny b1 in block 0",
        "run native@o3 tiny b1",
        "ends 0 run ok",
        f"starts {AOT} precompilation in block 0",
        f"compile {AOT}",
        "ends 1 compile ok",
        f"starts {AOT} tiny b1 in block 0",
        f"run {AOT} tiny b1",
    ]
    assert engine.log[-1] == "block 1 ends, the last"
    assert engine.log.count("block 0 ends") == engine.log.count("block 1 ends") == 1


def test_leftovers_are_removed_before_anything_runs_and_after_everything_has(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment())
    engine = FakeEngine(stage.materials)
    stage.play(engine)
    assert engine.log[0].startswith("remove leftovers of toy-t-")
    assert engine.log[-2] == engine.log[0]
    assert sum(line.startswith("remove leftovers of") for line in engine.log) == 2


def test_a_precompilation_is_made_once_and_its_artifact_serves_every_trial(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT), models=("tiny", "small")))
    engine = FakeEngine(stage.materials)
    compiled = [trial for trial in stage.play(engine) if trial.kind is Kind.COMPILE]
    assert [(trial.arm.id, trial.model, trial.batch, trial.flags) for trial in compiled] == [(AOT, "", 0, ())]
    assert compiled[0].compile_ns == compiled[0].total_ns == 8_000_000_000
    assert compiled[0].artifact_bytes == len(b"machine code")
    assert engine.log.count(f"compile {AOT}") == 1


def test_an_artifact_of_an_earlier_campaign_is_used_and_flagged(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT)))
    first = stage.play()
    engine = stage.rewind([])
    second = [trial for trial in stage.play(engine) if trial.kind is Kind.COMPILE]
    assert f"compile {AOT}" not in engine.log
    assert [trial.flags for trial in second] == [("from-cache",)]
    assert second[0].compile_ns == next(trial.compile_ns for trial in first if trial.kind is Kind.COMPILE)


def test_a_truncated_artifact_is_made_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT)))
    stage.play()
    artifact = next((stage.home / "artifacts").glob("*/guest.cwasm"))
    artifact.write_bytes(b"mach")
    engine = stage.rewind([])
    stage.play(engine)
    assert engine.log.count(f"compile {AOT}") == 1
    assert artifact.read_bytes() == b"machine code"


def test_an_arm_that_cannot_be_precompiled_is_recorded_with_why_and_not_retried(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT), models=("tiny", "small")))
    engine = FakeEngine(stage.materials, misbehaves={AOT: crash})
    trials = stage.play(engine)
    failed = [trial for trial in runs(trials) if trial.arm.id == AOT]
    assert sorted(trial.case.id for trial in failed) == [f"{AOT} small b1", f"{AOT} tiny b1"]
    assert {(trial.outcome, trial.why) for trial in failed} == {
        (Outcome.CRASHED, "precompilation: killed by SIGABRT: it broke")
    }
    assert engine.log.count(f"compile {AOT}") == 1


@pytest.mark.parametrize(("failing", "outcomes"), [(1, "eoo"), (2, "eeo"), (9, "eee")])
def test_a_baseline_that_the_engine_failed_is_tried_again_in_later_blocks(
    tmp_path: Path, failing: int, outcomes: str
) -> None:
    stage = Stage(tmp_path, experiment(tier=Tier(budget="100h", min_blocks=3, max_blocks=5, cell_budget="10h")))
    left = iter(range(failing))

    def fail(_job: Job, report: ProbeReport) -> JobResult:
        if next(left, None) is None:
            return JobResult(report, oom_killed=False)
        return JobResult(None, oom_killed=False, complaint="the daemon was restarted")

    trials = runs(stage.play(FakeEngine(stage.materials, misbehaves={"native@o3 tiny b1": fail})))
    native = [trial for trial in trials if trial.arm.is_native][:3]
    assert "".join("e" if "engine-failure" in trial.flags else "o" for trial in native) == outcomes
    assert [trial.block for trial in native] == [0, 1, 2]
    assert {trial.why for trial in native if trial.flags} == {"the engine could not run it: the daemon was restarted"}
    if failing == 9:
        assert len([trial for trial in trials if trial.arm.is_native]) == 3, "then it is left alone"


def test_a_precompilation_that_the_engine_failed_is_tried_again_in_later_blocks(tmp_path: Path) -> None:
    tier = Tier(budget="100h", min_blocks=3, max_blocks=4, cell_budget="10h")
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT), tier=tier))
    left = iter(range(1))

    def fail(_job: Job, report: ProbeReport) -> JobResult:
        if next(left, None) is None:
            return JobResult(report, oom_killed=False)
        return JobResult(None, oom_killed=False, complaint="the daemon was restarted")

    trials = stage.play(FakeEngine(stage.materials, misbehaves={AOT: fail}))
    compiled = [trial.outcome for trial in trials if trial.kind is Kind.COMPILE]
    assert compiled == [Outcome.CRASHED, Outcome.OK]
    measured = [(trial.block, trial.outcome) for trial in runs(trials) if trial.arm.id == AOT]
    assert measured[:3] == [(0, Outcome.CRASHED), (1, Outcome.OK), (2, Outcome.OK)]


def test_a_compiler_that_ends_well_without_an_artifact_has_failed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT)))

    def leave_nothing(_job: Job, report: ProbeReport) -> JobResult:
        nothing = {"output_base64": None, "file_sha256": None, "file_bytes": None, "file_error": "no such file"}
        return JobResult(msgspec.structs.replace(report, **nothing), oom_killed=False)

    engine = FakeEngine(stage.materials, misbehaves={AOT: leave_nothing})
    compiled = next(trial for trial in stage.play(engine) if trial.kind is Kind.COMPILE)
    assert (compiled.outcome, compiled.artifact_bytes, compiled.compile_ns) == (Outcome.CRASHED, None, None)


def test_an_unsupported_arm_is_recorded_once_with_its_reason_and_never_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", "wasmer-jit-singlepass@o3-simd")))
    engine = FakeEngine(stage.materials)
    refused = [trial for trial in stage.play(engine) if not trial.arm.is_native]
    assert [trial.outcome for trial in refused] == [Outcome.UNSUPPORTED]
    assert "singlepass" in (refused[0].why or "")
    assert not any("singlepass" in line for line in engine.log if line.startswith("run"))


@pytest.mark.parametrize(
    ("behaviour", "outcome", "times"),
    [
        (crash, Outcome.CRASHED, 2),
        (answer_wrongly, Outcome.WRONG_OUTPUT, 2),
        (time_out, Outcome.TIMEOUT, 1),
        (run_out_of_memory, Outcome.OUT_OF_MEMORY, 1),
    ],
)
def test_a_failure_is_recorded_and_repeated_once_where_a_repeat_may_cure_it(
    tmp_path: Path, behaviour: Answer, outcome: Outcome, times: int
) -> None:
    stage = Stage(tmp_path, experiment())
    trials = stage.play(FakeEngine(stage.materials, misbehaves={WASMTIME: behaviour}))
    assert [trial.outcome for trial in of(trials, WASMTIME)] == [outcome] * times
    assert all(trial.why for trial in of(trials, WASMTIME))
    assert all(trial.outcome is Outcome.OK for trial in trials if trial.case.id != WASMTIME)


def test_a_wrong_output_neither_becomes_golden_nor_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment())
    trials = stage.play(FakeEngine(stage.materials, misbehaves={WASMTIME: answer_wrongly}))
    right = {trial.output_sha256 for trial in trials if trial.outcome is Outcome.OK}
    wrong = {trial.output_sha256 for trial in trials if trial.outcome is Outcome.WRONG_OUTPUT}
    assert len(right) == len(wrong) == 1
    assert right != wrong


def test_the_output_is_asked_for_until_a_golden_is_there_and_then_no_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment())
    engine = FakeEngine(stage.materials)
    stage.play(engine)
    asked = [
        job.argv[0].rpartition("/")[2] for job in engine.jobs if job.return_file and job.output_file == OUTPUT_FILE
    ]
    assert len(asked) == 2, "one native guest and one wasm guest have a golden each"
    assert "guest" in asked


def test_a_case_too_expensive_for_its_tier_is_recorded_once_with_its_predicted_cost(tmp_path: Path) -> None:
    expensive = "wamr-interpreter-fast@o3 large b1"
    stage = Stage(tmp_path, experiment(models=("tiny", "large"), tier=Tier("10h", 3, 3, cell_budget="60s")))
    trials = of(stage.play(), expensive)
    assert [trial.outcome for trial in trials] == [Outcome.OVER_BUDGET]
    assert trials[0].predicted_ns is not None
    assert 100e9 < trials[0].predicted_ns < 300e9, "5 G multiply-accumulates at the 30 s per G of its tiny sibling"
    assert "wamr-interpreter-fast@o3's speed on tiny b1" in (trials[0].why or "")
    assert trials[0].total_ns is None


def test_a_first_visit_records_its_prediction_and_later_ones_do_not(tmp_path: Path) -> None:
    trials = Stage(tmp_path, experiment(models=("tiny", "small"), batches=(1, 3))).play()
    assert all((trial.predicted_ns is not None) == (trial.block == 0) for trial in runs(trials))
    # the toy engine is linear in operations, as the model of costs is: what rests on a measured speed is nearly right
    seen: set[Arm] = set()
    for trial in [trial for trial in runs(trials) if trial.block == 0]:
        assert trial.predicted_ns is not None
        assert trial.total_ns is not None
        if trial.arm in seen:
            assert trial.predicted_ns == pytest.approx(trial.total_ns, rel=0.15, abs=5e6)
        seen.add(trial.arm)
    assert len(seen) == 3


def test_the_prediction_of_a_precompiled_run_is_without_its_precompilation(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", AOT)))
    compiled, ran = [trial for trial in stage.play() if trial.arm.id == AOT][:2]
    assert (compiled.kind, compiled.predicted_ns) == (Kind.COMPILE, None)
    assert ran.predicted_ns is not None
    assert ran.predicted_ns < 1e9, "the precompilation alone is predicted to take ten seconds"


def test_a_campaign_without_time_visits_every_cell_all_the_same(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(models=("tiny", "small"), tier=Tier("1s", 3, 3)))
    engine = FakeEngine(stage.materials)
    trials = stage.play(engine)
    assert Counter(trial.outcome for trial in trials)[Outcome.OVER_BUDGET] >= 5
    assert len({trial.case for trial in trials}) == 6


def test_what_block_0_could_not_afford_is_run_from_what_is_left_over(tmp_path: Path) -> None:
    # Guessed at 40 s per G, 5 G take 200 s: more than block 0's share of the budget, less than the whole.
    case = "wamr-interpreter-fast@o3 large b1"
    what = experiment(arms=("native@o3", "wamr-interpreter-fast@o3"), models=("large",), iterations=1)
    spare = msgspec.structs.replace(what, tiers={"t": Tier("240s", 3, 3, cell_budget="1h")})
    trials = of(Stage(tmp_path, spare).play(), case)
    assert [trial.outcome for trial in trials][:2] == [Outcome.OVER_BUDGET, Outcome.OK]
    assert trials[1].block == 0


def test_blocks_are_added_until_the_overhead_is_precise_and_then_no_more(tmp_path: Path) -> None:
    tier = Tier("100h", min_blocks=2, max_blocks=30)
    coarse = Stage(tmp_path / "coarse", experiment(tier=tier, precision="20%")).play()
    fine = Stage(tmp_path / "fine", experiment(tier=tier, precision="1%")).play()
    assert 2 <= max(trial.block for trial in coarse) + 1 < max(trial.block for trial in fine) + 1 <= 30


def test_blocks_are_added_until_the_budget_is_spent_and_no_further(tmp_path: Path) -> None:
    trials = Stage(tmp_path, experiment(tier=Tier("60s", 2, 1000), precision="0.001%")).play()
    spent_s = sum((trial.total_ns or 0) / 1e9 + 0.7 for trial in trials)
    assert 45 < spent_s <= 61


def test_a_long_inference_runs_once_and_all_trials_of_a_case_run_equally_often(tmp_path: Path) -> None:
    what = experiment(models=("tiny", "large"), iterations=5)
    trials = Stage(tmp_path, what).play()
    lengths = {trial.case.id: len(trial.infer_ns) for trial in trials}
    assert lengths["wamr-interpreter-fast@o3 large b1"] == 1
    assert lengths["native@o3 large b1"] == 5
    assert all(len({len(trial.infer_ns) for trial in of(trials, case)}) == 1 for case in lengths)


def test_an_interrupt_loses_only_the_trial_in_flight(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment())
    engine = FakeEngine(stage.materials, interrupt_at=5)
    assert len(stage.play(engine)) == 5
    assert engine.log[-1].startswith("starts "), "the sixth had been started"


@pytest.mark.parametrize("arms", [("native@o3", "wasmtime-jit-cranelift@o3", AOT), ("native@o3", "wavm-jit-llvm@o3")])
def test_resuming_after_any_trial_leads_to_the_same_trials(tmp_path: Path, arms: tuple[str, ...]) -> None:
    what = experiment(arms=arms, models=("tiny", "small"), tier=Tier("100h", 2, 4), precision="1%")
    stage = Stage(tmp_path, what)
    whole = stage.play()
    for length in range(len(whole)):
        resumed = stage.play(stage.rewind(whole[:length]))
        assert resumed[:length] == whole[:length], "what was measured stays as it is"
        assert _cells(resumed) == _cells(whole), f"after {length} trials"


def _cells(trials: list[Trial]) -> Counter[tuple[str, str, int]]:
    return Counter((trial.kind.value, trial.case.id, trial.block) for trial in trials)


def test_a_block_cut_short_still_pairs_its_cases_with_their_baseline(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path,
        experiment(arms=("native@o3", WASMTIME.split(maxsplit=1)[0]), tier=Tier("1h", 2, 3), precision="0.01%"),
    )
    whole = stage.play()
    first_of_last_block = next(n for n, trial in enumerate(whole) if trial.block == 2)
    resumed = stage.play(stage.rewind(whole[: first_of_last_block + 1]))
    assert {trial.arm for trial in resumed if trial.block == 2} == {
        Arm.parse("native@o3"),
        Arm.parse("wasmtime-jit-cranelift@o3"),
    }


def test_a_finished_campaign_measures_nothing_when_it_is_run_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment())
    whole = stage.play()
    engine = FakeEngine(stage.materials)
    assert stage.play(engine) == whole
    assert engine.jobs == []


def test_a_larger_budget_goes_on_where_the_smaller_one_ended(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(models=("tiny", "large"), tier=Tier("100s", 2, 2, cell_budget="1h")))
    short = stage.play()
    assert any(trial.outcome is Outcome.OVER_BUDGET for trial in short)
    stage.experiment = _with_budget(stage.experiment, "10h")
    longer = stage.play(stage.rewind(short))
    assert longer[: len(short)] == short
    visited = {trial.case for trial in longer if trial.outcome is Outcome.OK}
    assert len(visited) == 6


def test_what_was_over_budget_is_no_reason_to_know_a_system_on_a_network(tmp_path: Path) -> None:
    # Written down as over budget, every pair would look known, and none would be worth a detour.
    stage = Stage(tmp_path, experiment(models=("tiny", "large"), tier=Tier("1ms", 1, 1, cell_budget="1h")))
    short = stage.play()
    assert {trial.outcome for trial in short} == {Outcome.OVER_BUDGET}
    fresh = Stage(tmp_path / "fresh", _with_budget(stage.experiment, "10h")).play()
    stage.experiment = _with_budget(stage.experiment, "10h")
    longer = stage.play(stage.rewind(short))[len(short) :]
    assert [trial.case for trial in longer] == [trial.case for trial in fresh]


def _with_budget(what: Experiment, budget: str) -> Experiment:
    tier = msgspec.structs.replace(what.tier("t"), budget=budget)
    return msgspec.structs.replace(what, tiers={"t": tier})
