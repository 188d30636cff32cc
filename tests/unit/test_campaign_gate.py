"""The quiet gate, and the repeat of trials that were disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from lab.campaign.noise.gate import (
    LONGEST_WAIT_S,
    SHARE_OF_WAITING,
    WINDOW_S,
    QuietGate,
    Waited,
    is_quiet,
    longest_wait_s,
)
from lab.campaign.noise.repeats import MOST_REPEATS, is_disturbed
from lab.campaign.session import Session, spent_s
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Measure
from lab.core.names import Flag
from lab.core.probe import ProbeReport
from lab.core.trial import Trial, counted, replaced
from lab.engines.activity import Activity, read_activity
from lab.engines.engine import Job, JobResult
from lab.stats.simulate import binomial_band
from lab.stats.typical import interval, typical
from lab.store.columns import table_of
from lab.store.journal import Journal
from tests.fakes import FakeEngine, LoggingObserver, make_materials

CASE = Case(Arm.parse("native@o3"), "tiny", 1)
QUIET = Activity(0.0, 0.0, 0.0, 0.0)


class Machine:
    """A machine whose processors others use for a while; time passes only while someone waits."""

    def __init__(self, busy_until_s: float = 0.0, steal: float = 0.0) -> None:
        self.now_s, self.computing_s, self.steal_s, self.waiting_s = 0.0, 0.0, 0.0, 0.0
        self.busy_until_s, self.steal = busy_until_s, steal

    def pause(self, seconds: float) -> None:
        busy_s = max(0.0, min(self.busy_until_s - self.now_s, seconds))
        self.computing_s += 2 * busy_s
        self.waiting_s += 0.5 * busy_s
        self.steal_s += self.steal * seconds
        self.now_s += seconds

    def read(self) -> Activity:
        return Activity(self.now_s, self.computing_s, self.steal_s, self.waiting_s)

    @property
    def gate(self) -> QuietGate:
        return QuietGate(self.read, self.pause)


def test_a_quiet_machine_is_waited_for_no_longer_than_one_window() -> None:
    assert Machine().gate.wait(10.0) == Waited(WINDOW_S, is_quiet=True)


def test_a_busy_machine_is_waited_for_until_it_is_quiet() -> None:
    waited = Machine(busy_until_s=2.0).gate.wait(10.0)
    assert waited.is_quiet
    assert 2.0 <= waited.seconds <= 2.0 + 2 * WINDOW_S


def test_the_wait_for_a_machine_that_stays_busy_ends_and_says_so() -> None:
    waited = Machine(busy_until_s=1000).gate.wait(3.0)
    assert not waited.is_quiet
    assert waited.seconds <= 3.0


@pytest.mark.parametrize("busy", [Activity(0.1, 0.05), Activity(0.1, steal_s=0.01), Activity(0.1, waiting_s=0.01)])
def test_each_signal_alone_makes_a_machine_busy(busy: Activity) -> None:
    assert not is_quiet(QUIET, busy)


def test_a_kernel_that_counts_nothing_is_taken_for_quiet() -> None:
    assert is_quiet(Activity(0.0), Activity(0.1))


def test_all_waits_together_are_bounded_by_a_share_of_the_time_measured() -> None:
    measured = waited = 0.0
    for _ in range(200):
        waited += Machine(busy_until_s=1e9).gate.wait(longest_wait_s(measured, waited)).seconds
        measured += 1.0
    # each trial's look at the machine is not counted against it
    assert waited <= LONGEST_WAIT_S + SHARE_OF_WAITING * measured + 200 * WINDOW_S


def test_the_kernels_counters_are_read_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "cpu").write_text("some avg10=1.00 avg60=0.00 avg300=0.00 total=2500000\nfull total=7\n")
    (tmp_path / "stat").write_text("cpu  100 200 300 4000 50 6 7 800 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    found = read_activity(tmp_path)
    assert (found.computing_s, found.steal_s, found.waiting_s) == pytest.approx((6.13, 8.0, 2.5))
    assert read_activity(tmp_path / "absent").computing_s is None
    assert (read_activity().computing_s or 0) > 0


def _trial(**rest: object) -> Trial:
    facts: dict[str, object] = {"block": 1, "kind": "run", "started_at": "", "outcome": "ok", "total_ns": 10**9}
    return msgspec.convert(
        {**msgspec.to_builtins(Trial.of(CASE, **{**facts, **rest})), "schema": 1}, Trial, strict=False
    )


def test_steal_and_a_machine_still_busy_disturb_a_trial_and_pressure_does_not() -> None:
    quiet, busy = Waited(0.1, is_quiet=True), Waited(10.0, is_quiet=False)
    assert not is_disturbed(_trial(pressure_ns=10**9, steal_ns=19 * 10**6), quiet, processors=2)
    assert is_disturbed(_trial(steal_ns=21 * 10**6), quiet, processors=2)
    assert is_disturbed(_trial(), busy, processors=2)


def _at(number: int, *flags: str, block: int = 1, outcome: str = "ok") -> Trial:
    return _trial(number=number, flags=flags, block=block, outcome=outcome)


def test_a_repeat_stands_for_the_disturbed_trial_of_its_block_and_for_no_other() -> None:
    trials = [
        _at(0, Flag.DISTURBED, block=1),
        _at(1, Flag.DISTURBED, block=2),
        _at(2, Flag.REPEAT, Flag.DISTURBED, block=2),
        _at(3, Flag.DISTURBED, block=3),
        _at(4, Flag.REPEAT, block=3, outcome="timeout"),
        _at(5),
    ]
    # of block 1 there is no repeat, and that of block 3 failed: their trials count
    assert replaced(trials) == {1}
    assert [trial.number for trial in counted(trials)] == [0, 2, 3, 4, 5]
    assert table_of([trials[:2], trials[2:]]).is_replaced.tolist() == [False, True, False, False, False, False]
    assert table_of([trials]).ok().tolist() == [True, False, True, True, False, True]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    materials = make_materials(tmp_path)
    journals: list[Journal] = []

    def make(gate: QuietGate, steal_ns: int = 0, busy: bool = True) -> Session:
        def answer(_: Job, report: ProbeReport) -> JobResult:
            return JobResult(msgspec.structs.replace(report, steal_ns=steal_ns), oom_killed=False)

        journals.append(Journal(tmp_path / "trials.jsonl"))
        limits = msgspec.structs.replace(Measure().limits, gate=busy)
        return Session(
            name="gated",
            materials=materials,
            limits=limits,
            engine=FakeEngine(materials, misbehaves={CASE.id: answer}),
            journal=journals[-1],
            trials=(),
            home=tmp_path,
            observer=LoggingObserver([]),
            gate=gate,
        )

    yield make
    for journal in journals:
        journal.close()


def _run(session: Session, blocks: int) -> list[Trial]:
    for block in range(blocks):
        session.run(CASE, block=block, iterations=2, left_s=1.0)
    return session.trials


def test_a_gated_trial_carries_its_wait_and_the_wait_is_paid_from_the_budget(session: Callable[..., Session]) -> None:
    trials = _run(session(Machine(busy_until_s=1.0).gate), 2)
    assert [round((trial.gate_wait_ns or 0) / 1e9, 1) for trial in trials] == [1.1, 0.1]
    without = [msgspec.structs.replace(trial, gate_wait_ns=None) for trial in trials]
    assert spent_s(trials) - spent_s(without) == pytest.approx(1.2)
    assert not any(trial.flags for trial in trials)


def test_without_a_gate_nothing_is_waited_for_repeated_or_written(session: Callable[..., Session]) -> None:
    trials = _run(session(Machine(busy_until_s=1e9).gate, steal_ns=10**12, busy=False), 3)
    assert len(trials) == 3
    assert all(trial.gate_wait_ns is None and Flag.DISTURBED not in trial.flags for trial in trials)


def test_a_disturbed_trial_is_repeated_at_once_and_both_stay_in_the_journal(session: Callable[..., Session]) -> None:
    trials = _run(session(Machine().gate, steal_ns=10**12), 1)
    assert [trial.flags for trial in trials] == [(Flag.DISTURBED,), (Flag.DISTURBED, Flag.REPEAT)]
    assert [trial.number for trial in counted(trials)] == [1]


def test_where_every_trial_is_disturbed_only_a_share_of_them_is_repeated(session: Callable[..., Session]) -> None:
    trials = _run(session(Machine().gate, steal_ns=10**12), 50)
    repeats = sum(Flag.REPEAT in trial.flags for trial in trials)
    assert repeats <= MOST_REPEATS * len(trials) + 1
    assert {trial.block for trial in counted(trials)} == set(range(50))


# -- does repeating by this rule bias what is measured? --


class Simulated(NamedTuple):
    """Of arms that are the same, and of a ratio of 1.05: what intervals cover, and their mean."""

    covered: float
    false: float
    bias: float


def _log_times(rng: np.random.Generator, shape: tuple[int, ...], is_gated: bool, struck: float) -> np.ndarray:
    """Log times under interference that lasts beyond a trial and lengthens it, seen before and during it at times.

    Signals see interference in 70 of 100 struck trials, and 5 of 100 others are flagged for nothing.
    """

    def draw() -> tuple[np.ndarray, np.ndarray]:
        hit = rng.random(shape) < struck
        slower = np.where(hit, np.log1p(rng.exponential(0.3, shape)), 0.0)
        flagged = rng.random(shape) < np.where(hit, 0.7, 0.05)
        return rng.normal(0, 0.01, shape) + slower, flagged

    first, flagged = draw()
    second, _ = draw()
    return np.where(flagged, second, first) if is_gated else first


def _simulated(is_gated: bool, blocks: int = 20, campaigns: int = 2000) -> Simulated:
    rng, shape = np.random.default_rng(11), (2000, blocks)
    same = typical(_log_times(rng, shape, is_gated, 0.08) - _log_times(rng, shape, is_gated, 0.08))
    low, high = interval(same, 0.95)
    covered = float(((low <= 0) & (high >= 0)).mean())
    return Simulated(covered, 1 - covered, float(same.value.mean()))


def test_repeats_chosen_blind_to_the_duration_bias_nothing_and_narrow_intervals() -> None:
    with_gate, without = _simulated(True), _simulated(False)
    assert with_gate.false <= binomial_band(0.05, 2000)[1]
    assert abs(with_gate.bias) < 0.0005
    rng = np.random.default_rng(12)
    errors = [
        float(typical(_log_times(rng, (500, 20), gated, 0.08) - _log_times(rng, (500, 20), gated, 0.08)).error.mean())
        for gated in (True, False)
    ]
    assert errors[0] < 0.9 * errors[1]
    assert without.false <= binomial_band(0.05, 2000)[1]


def test_a_longer_arm_that_is_struck_more_often_is_not_favoured_by_its_repeats() -> None:
    # the longer arm meets interference twice as often; the typical trial of both stays where it is without interference
    rng = np.random.default_rng(13)
    longer, shorter = _log_times(rng, (2000, 20), True, 0.16), _log_times(rng, (2000, 20), True, 0.08)
    gated = float(typical(longer - shorter).value.mean())
    longer, shorter = _log_times(rng, (2000, 20), False, 0.16), _log_times(rng, (2000, 20), False, 0.08)
    assert abs(gated) < abs(float(typical(longer - shorter).value.mean()))


def test_choosing_by_the_duration_itself_would_bias_what_the_rule_does_not() -> None:
    # the arm with the longer tail would be cut down by "repeat what was slow": the tail is its own
    rng, shape = np.random.default_rng(14), (2000, 20)
    own = rng.exponential(0.03, shape)
    again = rng.exponential(0.03, shape)
    even = np.zeros(shape)
    by_duration = np.where(own > 0.05, again, own)
    by_signal = np.where(rng.random(shape) < 0.08, again, own)
    truth = float(typical(own - even).value.mean())
    assert float(typical(by_signal - even).value.mean()) == pytest.approx(truth, abs=0.0005)
    assert float(typical(by_duration - even).value.mean()) < truth - 0.002
