"""From the probe's report of a job to a trial: its outcome first, then its quantities."""

from __future__ import annotations

import signal as signals
from itertools import accumulate
from typing import Any

import msgspec

from lab.campaign.goldens import Golden, Goldens, compare, decode_output
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.model import Model
from lab.core.names import Flag
from lab.core.phase import LOADING, Phase
from lab.core.plain_text import printable_line
from lab.core.probe import PhaseMark, ProbeReport
from lab.core.trial import QUANTITIES, Kind, Outcome, Trial
from lab.disk.content import sha256
from lab.engines.engine import JobResult

# What guests and runtimes print when an allocation fails before the kernel has to step in.
_OUT_OF_MEMORY_SIGNS = ("memory allocation of", "out of memory", "Cannot allocate memory", "allocate memory failed")
# A trial computes all the time: one that had the processor for less of it waited for something else.
UNDISTURBED_CPU_SHARE = 0.8
# On a shared machine some task waits for a processor for more than this share of a trial.
UNDISTURBED_PRESSURE = 0.1
# The guest's clock and the probe's are the same kernel's, but not the same call.
_CLOCK_TOLERANCE = 1.05
_CLOCK_SLACK_NS = 1_000_000
# What a terminal would obey, and line breaks of other alphabets.
_TIMED_ONCE = (*LOADING, Phase.OUTPUT)


class OutcomeWithReason(msgspec.Struct, frozen=True):
    """An outcome with the reason for it; the reason is None if all is well.

    Attributes:
        flags: of a trial that ends so without having run.
    """

    outcome: Outcome
    why: str | None = None
    flags: tuple[str, ...] = ()


def judge_exit(result: JobResult, timeout_s: float) -> OutcomeWithReason:
    """How the process ended, before anyone looks at its output."""
    report = result.report
    if result.complaint is not None:
        return OutcomeWithReason(Outcome.CRASHED, f"the engine could not run it: {_last_line(result.complaint)}")
    if report is None:
        return OutcomeWithReason(Outcome.OUT_OF_MEMORY, "the kernel killed the whole container at its memory limit")
    if report.launch_error is not None:
        return OutcomeWithReason(Outcome.CRASHED, f"could not be started: {report.launch_error}")
    if report.timed_out:
        return OutcomeWithReason(Outcome.TIMEOUT, f"ran longer than {timeout_s:g} s")
    if report.output_limited:
        return OutcomeWithReason(Outcome.CRASHED, "wrote more output than the probe takes")
    if result.oom_killed:
        return OutcomeWithReason(Outcome.OUT_OF_MEMORY, "killed at the container's memory limit")
    if report.exit_code == 0:
        return OutcomeWithReason(Outcome.OK)
    if any(sign in report.stderr_tail for sign in _OUT_OF_MEMORY_SIGNS):
        return OutcomeWithReason(Outcome.OUT_OF_MEMORY, _last_line(report.stderr_tail))
    return OutcomeWithReason(
        Outcome.CRASHED, f"{_ending(report)}: {_last_line(report.stderr_tail or report.stdout_tail)}"
    )


def judge_output(
    report: ProbeReport, goldens: Goldens, case: Case, guest_sha256: str, model: Model
) -> OutcomeWithReason:
    """Whether the output is the right one; see `lab.campaign.goldens`."""
    if report.output_sha256 is None:
        return OutcomeWithReason(Outcome.CRASHED, "exited without an output")
    if report.file_sha256 is None:
        return OutcomeWithReason(
            Outcome.CRASHED, f"its output file cannot be used: {report.file_error or 'it was not hashed'}"
        )
    if report.file_sha256 != report.output_sha256:
        return OutcomeWithReason(Outcome.WRONG_OUTPUT, "the guest claims another output than its file holds")
    if not case.arm.has_exact_output:
        return _within_tolerance(report, model, case.batch)
    target = golden_target(case.arm)
    golden: Golden | str | None = goldens.known(target, guest_sha256, model, case.batch)
    if golden is None:
        output = returned_file(report)
        if output is None:
            return OutcomeWithReason(
                Outcome.WRONG_OUTPUT, "the first output of this guest could not be read for comparison"
            )
        golden = goldens.admit(target, guest_sha256, model, case.batch, output)
    if isinstance(golden, str):
        return OutcomeWithReason(Outcome.WRONG_OUTPUT, golden)
    if golden.sha256 != report.file_sha256:
        expected, found = golden.sha256[:12], report.file_sha256[:12]
        return OutcomeWithReason(Outcome.WRONG_OUTPUT, f"output {found}… where this guest gave {expected}… before")
    goldens.confirm(target, guest_sha256, model, case.batch, golden)
    return OutcomeWithReason(Outcome.OK)


def golden_target(arm: Arm) -> str:
    """What else than guest, model and input decides an output's bits: natively, the kernels."""
    return arm.system if arm.is_native else arm.target


def _within_tolerance(report: ProbeReport, model: Model, batch: int) -> OutcomeWithReason:
    """The output is compared with TensorFlow's in every trial, where nothing says that its bits stay."""
    output = returned_file(report)
    if output is None:
        return OutcomeWithReason(Outcome.WRONG_OUTPUT, "the output could not be read for comparison")
    verdict = compare(output, model, batch)
    return (
        OutcomeWithReason(Outcome.OK)
        if isinstance(verdict, float)
        else OutcomeWithReason(Outcome.WRONG_OUTPUT, verdict)
    )


def returned_file(report: ProbeReport) -> bytes | None:
    """The output file's bytes; None if they were not returned, or are not what the probe hashed."""
    content = None if report.output_base64 is None else decode_output(report.output_base64)
    return content if content is None or sha256(content) == report.file_sha256 else None


def judge_marks(report: ProbeReport, iterations: int, *, is_prepared: bool = False) -> OutcomeWithReason:
    """Whether the guest's marks can be true: complete, in order, and within the run that the probe timed.

    Args:
        report: of a run that exited with 0.
        iterations: how many inferences were asked for.
        is_prepared: whether the guest had its model already: it reads its input, and nothing more.
    """
    loading = (Phase.READ,) if is_prepared else LOADING
    wanted = [Phase.START, *loading, *[Phase.INFER] * iterations, Phase.OUTPUT]
    names = [mark.name for mark in report.marks]
    if names != wanted:
        return _nonsense(f"{len(names)} of {len(wanted)} are as expected" if names else "there are none")
    spans = [mark.guest_ns for mark in report.marks[1:]]
    if any(span is None or not 0 <= span <= report.total_ns for span in spans):
        return _nonsense("a phase is longer than the whole run, or has no length")
    if sum(span or 0 for span in spans) > report.total_ns * _CLOCK_TOLERANCE + _CLOCK_SLACK_NS:
        return _nonsense("the phases together are longer than the whole run")
    seen = [mark.seen_ns for mark in report.marks]
    if seen != sorted(seen) or seen[-1] > report.total_ns:
        return _nonsense("a mark was seen after the end")
    return OutcomeWithReason(Outcome.OK)


def _nonsense(what: str) -> OutcomeWithReason:
    return OutcomeWithReason(Outcome.CRASHED, f"its marks do not make sense: {what}")


def trial_of(  # every part of a trial meets here, and only here
    result: JobResult, judged: OutcomeWithReason, case: Case, *, kind: Kind, block: int, started_at: str
) -> Trial:
    """The trial to write down."""
    quantities = {} if result.report is None or result.report.launch_error else _quantities(result.report)
    if result.complaint is not None:
        quantities["flags"] = (Flag.ENGINE_FAILURE,)
    return Trial.of(
        case,
        number=0,  # the journal numbers trials
        block=block,
        kind=kind,
        started_at=started_at,
        outcome=judged.outcome,
        why=judged.why,
        **quantities,
    )


def _quantities(report: ProbeReport) -> dict[str, Any]:
    phases = {mark.name: mark.guest_ns for mark in report.marks if mark.name in _TIMED_ONCE}
    infer = tuple(mark.guest_ns for mark in report.marks if mark.name == "infer" and mark.guest_ns is not None)
    measured = {name: _reported(report, quantity.probe) for name, quantity in QUANTITIES.items() if quantity.probe}
    return {
        **measured,
        "startup_ns": _startup_ns(report),
        "pressure_ns": None if report.psi_cpu_us is None else report.psi_cpu_us * 1000,
        "infer_ns": infer,
        "output_sha256": report.output_sha256,
        "phase_rss_peak_bytes": _phase_peaks(report.marks) or None,
        "flags": _flags(report),
        **{f"{name}_ns": length for name, length in phases.items()},
    }


def _reported(report: ProbeReport, path: str) -> Any:
    """What the report holds under a dotted path; None where a part of it is absent."""
    value: Any = report
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    return value


def _startup_ns(report: ProbeReport) -> int | None:
    """Exec to the guest's first instruction: the least that any mark, or the exit, leaves for it.

    The probe sees a mark later than it was printed, by as long as it waited for a processor: a tenth of a native
    start-up. Each later mark, less the phases that the guest had timed by then, is another such upper bound.
    """
    if not any(mark.name == "start" for mark in report.marks):
        return None
    phases_ns = list(accumulate(mark.guest_ns or 0 for mark in report.marks))
    bounds = [mark.seen_ns - phases for mark, phases in zip(report.marks, phases_ns, strict=True)]
    bounds.append(report.total_ns - phases_ns[-1])
    # no negative time, should a guest's clock be fast
    return min((bound for bound in bounds if bound > 0), default=None)


def _phase_peaks(marks: tuple[PhaseMark, ...]) -> dict[str, int]:
    peaks: dict[str, int] = {}
    for mark in marks:
        if mark.rss_peak_bytes is not None:
            peaks[mark.name] = max(peaks.get(mark.name, 0), mark.rss_peak_bytes)
    return peaks


def _flags(report: ProbeReport) -> tuple[str, ...]:
    flags = []
    if report.cgroup is not None and report.cgroup.throttled_ns:
        flags.append(Flag.THROTTLED)
    usage = report.rusage
    if usage is not None and usage.user_ns + usage.system_ns < UNDISTURBED_CPU_SHARE * report.total_ns:
        flags.append(Flag.CPU_CONTENDED)
    if report.psi_cpu_us is not None and report.psi_cpu_us * 1000 > UNDISTURBED_PRESSURE * report.total_ns:
        flags.append(Flag.SHARED_MACHINE)
    return tuple(flags)


def _ending(report: ProbeReport) -> str:
    if report.signal is not None:
        try:
            return f"killed by {signals.Signals(report.signal).name}"
        except ValueError:
            return f"killed by signal {report.signal}"
    return f"exit code {report.exit_code}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return printable_line(lines[-1])[:300] if lines else "nothing was printed"
