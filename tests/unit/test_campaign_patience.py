"""What becomes of a job when the engine fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.campaign.patience import LONGEST_ABSENCE_S, run_patiently
from lab.core.errors import EngineFailed, EngineMissing, LabError
from lab.core.trial import Outcome
from lab.engines.engine import EngineUnfit, Job, JobResult
from tests.fakes import FakeEngine, make_materials
from tests.stage import Stage, experiment

JOB = Job(image="i", argv=("a",), mounts=(), timeout_s=1.0, memory_bytes=1 << 30, campaign="c")


class FailingEngine(FakeEngine):
    """Fails as often as it is asked to, then works again; `pings` is what it says when it is asked whether it lives."""

    def __init__(self, directory: Path, failures: Iterator[LabError], pings: Iterator[bool]) -> None:
        super().__init__(make_materials(directory))
        self._failures, self._pings = failures, pings

    def run(self, job: Job) -> JobResult:
        if (failure := next(self._failures, None)) is not None:
            raise failure
        return JobResult(None, oom_killed=True) if job is JOB else super().run(job)

    def ping(self) -> bool:
        return next(self._pings, True)


def failures(count: int) -> Iterator[LabError]:
    return iter([EngineFailed("device or resource busy", "wait") for _ in range(count)])


def absences(count: int) -> Iterator[LabError]:
    return iter([EngineMissing("no engine answers", "start it") for _ in range(count)])


def test_a_job_that_the_engine_failed_once_is_run_again(tmp_path: Path) -> None:
    assert run_patiently(FailingEngine(tmp_path, failures(1), iter(())), JOB).oom_killed


def test_a_job_that_fails_twice_on_a_healthy_engine_has_a_result(tmp_path: Path) -> None:
    result = run_patiently(FailingEngine(tmp_path, failures(2), iter(())), JOB)
    assert (result.report, result.complaint) == (None, "device or resource busy")


def test_an_engine_that_restarts_is_waited_for(tmp_path: Path) -> None:
    pauses: list[float] = []
    engine = FailingEngine(tmp_path, absences(1), iter([False] * 3))
    assert run_patiently(engine, JOB, pauses.append).oom_killed
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_an_engine_that_stays_away_ends_the_run_after_five_minutes(tmp_path: Path) -> None:
    pauses: list[float] = []
    with pytest.raises(EngineMissing):
        run_patiently(FailingEngine(tmp_path, absences(1), iter([False] * 99)), JOB, pauses.append)
    assert LONGEST_ABSENCE_S <= sum(pauses) < 2 * LONGEST_ABSENCE_S


def test_a_restart_of_the_engine_takes_no_attempt_from_the_job(tmp_path: Path) -> None:
    # a daemon that ends kills its containers first, then refuses connections
    ended = iter([*failures(1), *absences(2)])
    assert run_patiently(FailingEngine(tmp_path, ended, iter([False])), JOB, lambda _: None).complaint is None


def test_an_engine_that_goes_away_time_and_again_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing):
        run_patiently(FailingEngine(tmp_path, absences(99), iter(())), JOB, lambda _: None)


def test_an_engine_that_drops_a_limit_is_not_asked_twice(tmp_path: Path) -> None:
    with pytest.raises(EngineUnfit):
        run_patiently(FailingEngine(tmp_path, iter([EngineUnfit("no Memory", "add it")]), iter(())), JOB)


def test_a_job_that_cannot_be_run_does_not_block_its_campaign(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment())
    trials = stage.play(FailingEngine(tmp_path / "again", failures(2), iter(())))
    assert [trial.outcome for trial in trials].count(Outcome.CRASHED) == 1
    assert {trial.block for trial in trials if trial.outcome is Outcome.OK} == {0, 1, 2}
    assert "device or resource busy" in (trials[0].why or "")
