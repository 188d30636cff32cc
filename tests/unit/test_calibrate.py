"""Calibrations on a fake engine: what is run, what is written, and what a resume does."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from lab.calibrate.assess import judge_calibration
from lab.calibrate.calibrator import Begun, Calibrator, begin, fingerprint_of, label_of
from lab.calibrate.settings import SLOWED, WARM_UP, Settings, checked
from lab.campaign.job import GUEST_SLOWDOWN_OPTION
from lab.campaign.session import Session
from lab.core.errors import NothingToReport, UsageError
from lab.core.trial import Kind, Trial
from lab.engines.engine import Job, JobResult
from lab.store.journal import JOURNAL_NAME, Journal, read_trials
from tests.fakes import FakeEngine, LoggingObserver, answer_wrongly, crash, make_materials

SETTINGS = Settings(arm="wasmtime-aot-cranelift@o3", model="tiny", blocks=4, aa_arms=2, slowdown=0.05, iterations=3)


class SlowingEngine(FakeEngine):
    """A fake engine whose guests obey ``--slowdown``."""

    def run(self, job: Job) -> JobResult:
        result = super().run(job)
        if GUEST_SLOWDOWN_OPTION not in job.argv or result.report is None:
            return result
        factor = 1 + int(job.argv[job.argv.index(GUEST_SLOWDOWN_OPTION) + 1]) / 1000
        marks = tuple(
            msgspec.structs.replace(mark, guest_ns=round((mark.guest_ns or 0) * factor))
            if mark.name == "infer"
            else mark
            for mark in result.report.marks
        )
        return JobResult(msgspec.structs.replace(result.report, marks=marks), oom_killed=False)


def play(directory: Path, engine: FakeEngine, settings: Settings = SETTINGS) -> list[Trial]:
    """Run, or go on with, a calibration until it ends or its engine is interrupted; the trials then written."""
    path = directory / JOURNAL_NAME
    with Journal(path) as journal, contextlib.suppress(KeyboardInterrupt):
        session = Session(
            name="calibration-toy",
            materials=engine.materials,
            limits=settings.experiment.measure.limits,
            engine=engine,
            journal=journal,
            trials=read_trials(path),
            home=directory / "home",
            observer=LoggingObserver(engine.log),
        )
        Calibrator(session, settings).run()
    return [trial for trial in read_trials(path) if trial.kind is Kind.RUN]


def test_every_label_runs_once_in_every_block_after_one_warm_up(tmp_path: Path) -> None:
    trials = play(tmp_path, FakeEngine(make_materials(tmp_path)))
    assert (trials[0].block, label_of(trials[0])) == (0, WARM_UP)
    counts = Counter((trial.block, label_of(trial)) for trial in trials[1:])
    labels = ("aa-1", "aa-2", SLOWED)
    assert counts == {(block, label): 1 for block in (1, 2, 3, 4) for label in labels}


def test_the_order_within_blocks_is_seeded_and_changes_from_block_to_block() -> None:
    orders = [SETTINGS.order(block) for block in range(1, 30)]
    assert orders == [SETTINGS.order(block) for block in range(1, 30)]
    firsts = Counter(order[0] for order in orders)
    assert set(firsts) == {"aa-1", "aa-2", SLOWED}
    assert orders != [msgspec.structs.replace(SETTINGS, seed=2).order(block) for block in range(1, 30)]


def test_only_the_slowed_label_is_given_a_slowdown(tmp_path: Path) -> None:
    engine = FakeEngine(make_materials(tmp_path))
    trials = play(tmp_path, engine)
    runs = [job for job in engine.jobs if "--iterations" in job.argv]
    for job, trial in zip(runs, trials, strict=True):
        assert (job.argv[-2:] == (GUEST_SLOWDOWN_OPTION, "50")) == (label_of(trial) == SLOWED)


def test_an_arm_that_needs_it_is_precompiled_first_and_once(tmp_path: Path) -> None:
    engine = FakeEngine(make_materials(tmp_path))
    play(tmp_path, engine)
    assert [line for line in engine.log if line.startswith("compile")] == ["compile wasmtime-aot-cranelift@o3"]
    assert engine.log[0] == "remove leftovers of calibration-toy"


def test_native_can_be_calibrated_and_is_not_precompiled(tmp_path: Path) -> None:
    engine = FakeEngine(make_materials(tmp_path))
    trials = play(tmp_path, engine, msgspec.structs.replace(SETTINGS, arm="native@o3"))
    assert len(trials) == 13
    assert not [line for line in engine.log if line.startswith("compile")]


@pytest.mark.parametrize("interrupted_after", [1, 2, 6])
def test_an_interrupted_calibration_runs_only_what_is_missing(tmp_path: Path, interrupted_after: int) -> None:
    materials = make_materials(tmp_path)
    before = play(tmp_path, FakeEngine(materials, interrupt_at=interrupted_after))
    assert len(before) == interrupted_after - 1  # the first job is the precompilation
    engine = FakeEngine(materials)
    trials = play(tmp_path, engine)
    assert trials[: len(before)] == before
    assert len(trials) == 13
    assert len(engine.jobs) == 13 - len(before)
    assert len({(trial.block, label_of(trial)) for trial in trials}) == 13


@pytest.mark.parametrize("answer", [crash, answer_wrongly])
def test_a_case_that_does_not_run_here_is_an_error_after_one_trial(tmp_path: Path, answer: object) -> None:
    materials = make_materials(tmp_path)
    engine = FakeEngine(materials, misbehaves={SETTINGS.case.id: answer})  # type: ignore[dict-item]
    with pytest.raises(NothingToReport, match="tiny b1 ended as"):
        play(tmp_path, engine)
    assert sum(engine.ran.values()) == 1


def test_an_arm_whose_precompilation_fails_is_an_error(tmp_path: Path) -> None:
    engine = FakeEngine(make_materials(tmp_path), misbehaves={SETTINGS.arm: crash})
    with pytest.raises(NothingToReport, match="crashed, precompilation: "):
        play(tmp_path, engine)


def test_an_unfinished_calibration_of_the_same_kind_is_resumed_and_others_are_not(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    engine, results = FakeEngine(materials), tmp_path / "results"
    begun = Begun(2, SETTINGS, fingerprint_of(SETTINGS, materials, engine))
    first, resumed = begin(results, begun, new=False)
    assert not resumed
    assert begin(results, begun, new=False) == (first, True)
    more = msgspec.structs.replace(begun, settings=msgspec.structs.replace(SETTINGS, blocks=5))
    assert not _resumes(results, more, first)
    (first / "calibration.json").write_text("{}")
    assert not _resumes(results, begun, first)


def _resumes(results: Path, begun: Begun, directory: Path) -> bool:
    try:
        return begin(results, begun, new=False) == (directory, True)
    except FileExistsError:  # within the same second a fresh one has the same name
        return False


def test_a_slowdown_that_the_guest_obeys_is_found_from_end_to_end(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    settings = msgspec.structs.replace(SETTINGS, blocks=10)
    engine = SlowingEngine(materials)
    trials = play(tmp_path, engine, settings)
    found = judge_calibration(Begun(2, settings, fingerprint_of(settings, materials, engine)), trials, simulations=100)
    assert found.problems == ()
    assert [effect.covers for effect in found.slowdown if effect.truth is not None] == [True, True]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"slowdown": 0.0005}, "cannot be given"),
        ({"slowdown": 0.051}, None),
        ({"slowdown": 0.05055}, "cannot be given"),
        ({"slowdown": 0.02}, "within the margin"),
        ({"margin": 0.0}, "margin of 0 %"),
        ({"aa_arms": 1}, "two trials of the same"),
        ({"iterations": 1}, "steady inference"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(change: dict[str, float], complaint: str | None) -> None:
    settings = msgspec.structs.replace(Settings(), **change)
    if complaint is None:
        assert checked(settings) is settings
    else:
        with pytest.raises(UsageError, match=complaint):
            checked(settings)
