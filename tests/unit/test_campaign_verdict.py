from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.campaign.goldens import Goldens
from lab.campaign.outcome import OutcomeWithReason, judge_exit, judge_marks, judge_output, trial_of
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.probe import PROBE_SCHEMA, CgroupFigures, PhaseMark, ProbeReport, Rusage
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import JobResult
from tests.fakes import make_models

FINE_SO_FAR = OutcomeWithReason(Outcome.OK)
CASE = Case(Arm.parse("wasmtime-jit-cranelift@o3"), "tiny", 1)
FINE = ProbeReport(
    schema=PROBE_SCHEMA,
    exit_code=0,
    signal=None,
    timed_out=False,
    output_limited=False,
    total_ns=2_000_000_000,
    marks=(
        PhaseMark("start", 1_000, None, 5),
        PhaseMark("read", 2_000, 11, 9),
        PhaseMark("decode", 3_000, 12, 8),
        PhaseMark("build", 4_000, 13, 7),
        PhaseMark("optimise", 5_000, 14, 6),
        PhaseMark("infer", 6_000, 300, 20),
        PhaseMark("infer", 7_000, 100, 30),
        PhaseMark("infer", 8_000, 200, 10),
        PhaseMark("output", 9_000, 15, None),
    ),
    rusage=Rusage(40, 1_900_000_000, 2, 3, 0, 5, 6),
    rss_peak_bytes=50,
    cgroup=CgroupFigures(1, 60, 61, 62, 0, 63, 0),
    linear_memory_bytes=70,
    output_sha256="ab" * 32,
    file_sha256="ab" * 32,
)


def exit_of(**changes: object) -> OutcomeWithReason:
    oom_killed = bool(changes.pop("oom_killed", False))
    return judge_exit(JobResult(msgspec.structs.replace(FINE, **changes), oom_killed), 90.0)


def write_down(report: ProbeReport | None, judged: OutcomeWithReason = FINE_SO_FAR) -> Trial:
    return trial_of(JobResult(report, False), judged, CASE, kind=Kind.RUN, block=2, started_at="now")


def test_a_clean_exit_is_ok_until_its_output_is_looked_at() -> None:
    assert exit_of() == OutcomeWithReason(Outcome.OK)


@pytest.mark.parametrize(
    ("changes", "outcome", "why"),
    [
        ({"launch_error": "No such file"}, Outcome.CRASHED, "could not be started: No such file"),
        ({"timed_out": True, "signal": 9, "exit_code": None}, Outcome.TIMEOUT, "ran longer than 90 s"),
        ({"output_limited": True, "signal": 9, "exit_code": None}, Outcome.CRASHED, "wrote more output"),
        ({"oom_killed": True, "signal": 9, "exit_code": None}, Outcome.OUT_OF_MEMORY, "memory limit"),
        ({"signal": 11, "exit_code": None}, Outcome.CRASHED, "killed by SIGSEGV: nothing was printed"),
        ({"signal": 250, "exit_code": None}, Outcome.CRASHED, "killed by signal 250"),
        (
            {"exit_code": 3, "stderr_tail": "warning\nerror: bad graph\n\n"},
            Outcome.CRASHED,
            "exit code 3: error: bad graph",
        ),
        ({"exit_code": 1, "stdout_tail": "usage"}, Outcome.CRASHED, "exit code 1: usage"),
    ],
)
def test_how_a_process_ended_decides_its_outcome(changes: dict[str, object], outcome: Outcome, why: str) -> None:
    judged = exit_of(**changes)
    assert judged.outcome is outcome
    assert why in (judged.why or "")


@pytest.mark.parametrize(
    "said",
    ["memory allocation of 553648128 bytes failed", "wasm trap: out of memory", "mmap: Cannot allocate memory"],
)
def test_a_runtime_that_says_it_got_no_memory_ran_out_of_memory(said: str) -> None:
    judged = exit_of(exit_code=134, stderr_tail=f"thread main\n{said}\n")
    assert judged == OutcomeWithReason(Outcome.OUT_OF_MEMORY, said)


def test_a_container_killed_with_its_probe_ran_out_of_memory() -> None:
    assert judge_exit(JobResult(None, oom_killed=True), 1.0).outcome is Outcome.OUT_OF_MEMORY


def test_a_time_out_is_a_time_out_even_if_memory_ran_short_on_the_way() -> None:
    assert exit_of(oom_killed=True, timed_out=True, exit_code=None, signal=9).outcome is Outcome.TIMEOUT


def test_every_quantity_of_the_report_has_its_place_in_the_trial() -> None:
    trial = write_down(FINE)
    assert (trial.block, trial.case, trial.kind) == (2, CASE, Kind.RUN)
    assert (trial.total_ns, trial.startup_ns) == (2_000_000_000, 1_000)
    assert (trial.read_ns, trial.decode_ns, trial.build_ns, trial.optimise_ns) == (11, 12, 13, 14)
    assert (trial.infer_ns, trial.output_ns) == ((300, 100, 200), 15)
    assert (trial.user_ns, trial.system_ns, trial.minor_faults, trial.major_faults) == (1_900_000_000, 2, 3, 0)
    assert (trial.voluntary_switches, trial.involuntary_switches, trial.throttled_ns) == (5, 6, 0)
    assert (trial.rss_peak_bytes, trial.linear_memory_bytes) == (50, 70)
    assert (trial.cgroup_peak_bytes, trial.cgroup_anon_bytes, trial.cgroup_file_bytes) == (60, 61, 62)
    assert trial.output_sha256 == "ab" * 32


@given(
    startup=st.integers(1, 10**9),
    phases=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**7)), max_size=9),
    lags=st.lists(st.integers(0, 10**7), min_size=10, max_size=10),
    ending=st.integers(0, 10**7),
)
def test_late_marks_make_no_start_up_too_short_and_no_phases_longer_than_the_whole(
    startup: int, phases: list[tuple[int, int]], lags: list[int], ending: int
) -> None:
    now, marks = startup, [PhaseMark("start", startup + lags[0])]
    for (length, gap), lag in zip(phases, lags[1:], strict=False):
        now += gap + length
        marks.append(PhaseMark("infer", now + lag, length))
    trial = write_down(msgspec.structs.replace(FINE, marks=tuple(marks), total_ns=now + ending))
    assert trial.startup_ns is not None
    assert startup <= trial.startup_ns <= marks[0].seen_ns
    assert trial.startup_ns + sum(length for length, _ in phases) <= now + ending


def test_a_repeated_phase_keeps_its_largest_peak_and_an_unread_one_is_absent() -> None:
    assert write_down(FINE).phase_rss_peak_bytes == {
        "start": 5,
        "read": 9,
        "decode": 8,
        "build": 7,
        "optimise": 6,
        "infer": 30,
    }


def test_what_the_kernel_does_not_report_is_absent_and_not_zero() -> None:
    trial = write_down(msgspec.structs.replace(FINE, rusage=None, cgroup=None, rss_peak_bytes=None, marks=()))
    absent = (trial.user_ns, trial.major_faults, trial.cgroup_peak_bytes, trial.rss_peak_bytes, trial.startup_ns)
    assert absent == (None,) * 5
    assert trial.phase_rss_peak_bytes is None


@pytest.mark.parametrize("report", [None, msgspec.structs.replace(FINE, launch_error="no such file")])
def test_what_never_ran_has_no_quantities(report: ProbeReport | None) -> None:
    trial = write_down(report, OutcomeWithReason(Outcome.CRASHED, "so"))
    assert (trial.total_ns, trial.infer_ns, trial.rss_peak_bytes, trial.output_sha256) == (None, (), None, None)
    assert (trial.outcome, trial.why) == (Outcome.CRASHED, "so")


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, ()),
        ({"cgroup": CgroupFigures(2, throttled_ns=1)}, ("throttled",)),
        ({"rusage": Rusage(40, 1_500_000_000, 99_999_999, 3, 0, 5, 6)}, ("cpu-contended",)),
        ({"rusage": Rusage(40, 1_500_000_000, 100_000_000, 3, 0, 5, 6)}, ()),
    ],
)
def test_interference_is_flagged(changes: dict[str, object], flags: tuple[str, ...]) -> None:
    trial = write_down(msgspec.structs.replace(FINE, **changes))
    assert trial.flags == flags
    assert trial.outcome is Outcome.OK, "a flagged trial is kept"


@pytest.fixture
def goldens(tmp_path: Path) -> Goldens:
    return Goldens(tmp_path / "goldens", "this cpu")


def test_a_run_without_an_output_has_crashed_whatever_its_exit_code(tmp_path: Path, goldens: Goldens) -> None:
    model = make_models(tmp_path)["tiny"]
    report = msgspec.structs.replace(FINE, output_sha256=None)
    assert judge_output(report, goldens, CASE, "guest", model) == OutcomeWithReason(
        Outcome.CRASHED, "exited without an output"
    )


def test_a_first_output_that_was_not_returned_or_is_garbled_is_wrong(tmp_path: Path, goldens: Goldens) -> None:
    model = make_models(tmp_path)["tiny"]
    for shipped in (None, "not base64!"):
        report = msgspec.structs.replace(FINE, output_base64=shipped)
        assert judge_output(report, goldens, CASE, "guest", model).outcome is Outcome.WRONG_OUTPUT
    assert goldens.known("wasm", "guest", model, 1) is None


def test_a_hash_that_is_not_of_the_returned_bytes_is_wrong(tmp_path: Path, goldens: Goldens) -> None:
    model = make_models(tmp_path)["tiny"]
    right = base64.b64encode(model.input_for(1).reference_path.read_bytes()).decode()
    judged = judge_output(msgspec.structs.replace(FINE, output_base64=right), goldens, CASE, "guest", model)
    assert judged.outcome is Outcome.WRONG_OUTPUT
    assert goldens.known("wasm", "guest", model, 1) is None


def test_a_guest_that_claims_another_output_than_its_file_holds_is_wrong(tmp_path: Path, goldens: Goldens) -> None:
    model = make_models(tmp_path)["tiny"]
    judged = judge_output(msgspec.structs.replace(FINE, file_sha256="cd" * 32), goldens, CASE, "guest", model)
    assert judged == OutcomeWithReason(Outcome.WRONG_OUTPUT, "the guest claims another output than its file holds")


def test_an_output_file_that_cannot_be_hashed_is_no_output(tmp_path: Path, goldens: Goldens) -> None:
    model = make_models(tmp_path)["tiny"]
    linked = msgspec.structs.replace(FINE, file_sha256=None, file_error="a link")
    judged = judge_output(linked, goldens, CASE, "guest", model)
    assert judged == OutcomeWithReason(Outcome.CRASHED, "its output file cannot be used: a link")


def marks_with(**changes: object) -> OutcomeWithReason:
    return judge_marks(msgspec.structs.replace(FINE, **changes), iterations=3)


def test_marks_that_can_be_true_are_taken() -> None:
    assert marks_with() == OutcomeWithReason(Outcome.OK)


@pytest.mark.parametrize(
    "marks",
    [
        (),
        FINE.marks[1:],
        FINE.marks[:-1],
        (*FINE.marks[:5], *FINE.marks[6:]),
        (*FINE.marks, FINE.marks[-1]),
        (FINE.marks[0], *reversed(FINE.marks[1:])),
        (*FINE.marks[:5], PhaseMark("infer", 6_000, 2**64 - 1, 20), *FINE.marks[6:]),
        (*FINE.marks[:5], PhaseMark("infer", 6_000, -1, 20), *FINE.marks[6:]),
        (*FINE.marks[:5], PhaseMark("infer", 6_000, None, 20), *FINE.marks[6:]),
        tuple(msgspec.structs.replace(mark, guest_ns=900_000_000) for mark in FINE.marks),
        (*FINE.marks[:-1], PhaseMark("output", 3_000_000_000, 15, None)),
    ],
    ids=[
        *("none", "no start", "no output", "an inference less", "two outputs", "out of order", "a span of 2^64-1 ns"),
        *("a negative span", "no span", "more than the whole", "seen after the end"),
    ],
)
def test_marks_that_cannot_be_true_fail_the_trial(marks: tuple[PhaseMark, ...]) -> None:
    judged = marks_with(marks=marks)
    assert judged.outcome is Outcome.CRASHED
    assert "do not make sense" in (judged.why or "")


def test_a_trial_during_which_others_waited_for_a_processor_is_flagged() -> None:
    assert write_down(msgspec.structs.replace(FINE, psi_cpu_us=300_000)).flags == ("shared-machine",)
    assert write_down(msgspec.structs.replace(FINE, psi_cpu_us=100_000)).flags == ()
