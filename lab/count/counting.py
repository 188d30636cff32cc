"""Counts of guests on models: each repeat a run of one inference and a longer one, in containers of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lab.campaign.goldens import compare
from lab.campaign.job import compile_job, run_job
from lab.campaign.materials import Materials
from lab.campaign.modules.making import make_module
from lab.campaign.outcome import judge_exit, judge_marks, returned_file
from lab.campaign.patience import run_patiently
from lab.campaign.program import AS_IT_IS, TrialProgram
from lab.core.arm import NATIVE_RUNTIME, Arm, Mode
from lab.core.case import Case
from lab.core.errors import NothingToReport, UsageError
from lab.core.experiment import Experiment, Limits, Matrix, Measure, Tier
from lab.core.guest import GuestId
from lab.core.names import Target
from lab.core.probe import ProbeReport
from lab.core.trial import Kind, Outcome
from lab.count.jobs import fuel_in, fuel_job, fuel_module_job, instructions_in, instructions_job
from lab.count.record import CountUnit, GuestCount
from lab.disk.whole import write_whole
from lab.engines.engine import Engine, Job
from lab.runtimes.wasmtime import Wasmtime

LABEL = "count"
TIER = "count"
_SEE = "`lab run` measures the same case, and its report names the reason; see also docs/comparing.md"


def arm_of(guest: GuestId) -> Arm:
    """The arm that a guest is counted as: native, or Wasmtime ahead of time.

    Raises:
        UsageError: the guest is prepared; its model was loaded by another process.
    """
    if guest.profile.is_prepared:
        raise UsageError(
            f"a prepared guest such as {guest.id} cannot be counted", f"count the guest itself: {guest.plain.id}"
        )
    if guest.target is Target.NATIVE:
        return Arm(NATIVE_RUNTIME, Mode.NATIVE, None, guest.profile)
    return Arm(Wasmtime.name, Mode.AOT, "cranelift", guest.profile)


def experiment(guests: tuple[GuestId, ...], models: tuple[str, ...], batch: int) -> Experiment:
    """What is counted as an experiment, for the parts of the lab that want one."""
    return Experiment(
        name="count",
        question="How many instructions does an inference take?",
        matrix=(Matrix(arms=tuple(arm_of(guest).id for guest in guests), models=models, batches=(batch,)),),
        tiers={TIER: Tier(budget="24h", cell_budget="24h")},
        # valgrind takes some forty times as long
        measure=Measure(timeout="2h", compile_timeout="30m", memory="6GiB"),
    )


class _Counted(NamedTuple):
    number: int
    counter: str


class Counting:
    """Counts guests on models.

    Args:
        materials: what is run.
        engine: where.
        image: in which guests are counted.
        limits: of every job.
        progress: called with each job before it runs.
    """

    def __init__(
        self, materials: Materials, engine: Engine, image: str, limits: Limits, progress: Callable[[str], object]
    ) -> None:
        self._materials, self._engine, self._image, self._limits = materials, engine, image, limits
        self._progress = progress

    def count(self, guest: GuestId, model: str, batch: int, *, repeat: int, further: int) -> GuestCount:
        """The counts of one guest on one model.

        Args:
            guest: which build; not a prepared one.
            model: its name.
            batch: images per inference.
            repeat: how often everything is counted.
            further: inferences of the longer run beside the first.

        Raises:
            NothingToReport: a run failed, gave a wrong output, or nothing was counted in it.
            EngineFailed, EngineMissing: from the engine.
        """
        case = Case(arm_of(guest), model, batch)
        with tempfile.TemporaryDirectory() as directory:
            program = AS_IT_IS if guest.target is Target.NATIVE else self._counting_module(case, Path(directory))
            first, longer = [], []
            for _ in range(repeat):
                first.append(self._run(case, program, 1))
                longer.append(self._run(case, program, 1 + further))
        if any(more.number <= least.number for least, more in zip(first, longer, strict=True)):
            raise _uncounted(case, f"{further} further inferences took nothing")
        build, graph_sha256 = self._materials.guest(case.arm), self._materials.models[model].graph_sha256
        return GuestCount(
            guest=guest.id,
            guest_sha256=build.sha256,
            model=model,
            graph_sha256=graph_sha256,
            batch=batch,
            unit=CountUnit.INSTRUCTIONS if guest.target is Target.NATIVE else CountUnit.FUEL,
            counter=first[0].counter,
            further=further,
            process=tuple(run.number for run in first),
            inference=tuple((more.number - least.number) / further for least, more in zip(first, longer, strict=True)),
        )

    def _counting_module(self, case: Case, directory: Path) -> TrialProgram:
        """The guest, precompiled so that it counts its fuel."""
        self._progress(f"compiling {GuestId.of(case.arm).id} with fuel")
        job = compile_job(case.module, self._materials, self._limits, campaign=LABEL)
        job = fuel_module_job(job, self._image)
        made, module = make_module(self._engine, job, case.module, Kind.COMPILE, "")
        if module is None:
            raise _uncounted(case, made.why)
        path = directory / self._materials.runtime(case.arm).guest_file
        write_whole(path, module)
        directory.chmod(0o755)  # for the container's user
        return TrialProgram(module=path)

    def _run(self, case: Case, program: TrialProgram, iterations: int) -> _Counted:
        self._progress(f"counting {case.id}, {iterations} {'inference' if iterations == 1 else 'inferences'}")
        job = run_job(
            case,
            self._materials,
            self._limits,
            campaign=LABEL,
            iterations=iterations,
            return_output=True,
            program=program,
        )
        is_native = case.arm.is_native
        if is_native:
            job = instructions_job(job, self._image)
        else:
            job = fuel_job(job, self._image, self._materials.runtime(case.arm).guest_file)
        report = self._judged(case, job, iterations)
        counted = instructions_in(report) if is_native else fuel_in(report)
        if counted is None:
            raise _uncounted(case, "no count was printed")
        return _Counted(*counted)

    def _judged(self, case: Case, job: Job, iterations: int) -> ProbeReport:
        """The report of a run that ended well with the right output: a wrong answer is worth no count."""
        result = run_patiently(self._engine, job)
        judged, report = judge_exit(result, job.timeout_s), result.report
        if judged.outcome is Outcome.OK and report is not None:
            judged = judge_marks(report, iterations)
        if judged.outcome is not Outcome.OK or report is None:
            raise _uncounted(case, judged.why)
        output = returned_file(report)
        if output is None:
            raise _uncounted(case, "its output could not be read")
        verdict = compare(output, self._materials.models[case.model], case.batch)
        if isinstance(verdict, str):
            raise _uncounted(case, verdict)
        return report


def _uncounted(case: Case, why: str | None) -> NothingToReport:
    return NothingToReport(f"{case.id} cannot be counted: {why}", _SEE)
