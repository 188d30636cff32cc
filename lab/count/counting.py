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
from lab.count.jobs import fuel_in, fuel_job, fuel_module_job, instructions_in, instructions_job, valgrind_in
from lab.count.record import GuestCount, Unit
from lab.disk.whole import write_whole
from lab.engines.engine import Engine, Job
from lab.runtimes.wasmtime import Wasmtime

LABEL = "count"
TIER = "count"
# Where the search begins: about what MobileNetV1 takes. Further off, it has a few more runs.
_FUEL_PER_MAC = 12
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
        # valgrind takes some forty times as long, the search for fuel some forty runs
        measure=Measure(timeout="2h", compile_timeout="30m", memory="6GiB"),
    )


class _Counted(NamedTuple):
    count: int
    counter: str


class Counting:
    """Counts guests on models.

    Args:
        materials: what is run.
        engine: where.
        valgrind: image in which native guests are counted.
        limits: of every job.
        progress: called with each job before it runs.
    """

    def __init__(
        self, materials: Materials, engine: Engine, valgrind: str, limits: Limits, progress: Callable[[str], object]
    ) -> None:
        self._materials, self._engine, self._valgrind, self._limits = materials, engine, valgrind, limits
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
            guesses = self._first_guesses(case, further)
            for _ in range(repeat):
                first.append(self._run(case, program, 1, guesses[0]))
                longer.append(self._run(case, program, 1 + further, guesses[1]))
                # found again, not taken: a search that begins there ends there only if that is the count
                guesses = first[-1].count, longer[-1].count
        if any(more.count <= least.count for least, more in zip(first, longer, strict=True)):
            raise _uncounted(case, f"{further} further inferences took nothing")
        build, graph_sha256 = self._materials.guest(case.arm), self._materials.models[model].graph_sha256
        return GuestCount(
            guest=guest.id,
            guest_sha256=build.sha256,
            model=model,
            graph_sha256=graph_sha256,
            batch=batch,
            unit=Unit.INSTRUCTIONS if guest.target is Target.NATIVE else Unit.FUEL,
            counter=first[0].counter,
            further=further,
            process=tuple(run.count for run in first),
            inference=tuple((more.count - least.count) / further for least, more in zip(first, longer, strict=True)),
        )

    def _first_guesses(self, case: Case, further: int) -> tuple[int, int]:
        inference = max(1, _FUEL_PER_MAC * self._materials.models[case.model].macs * case.batch)
        return 2 * inference, (2 + further) * inference

    def _counting_module(self, case: Case, directory: Path) -> TrialProgram:
        """The guest, precompiled so that it counts its fuel."""
        self._progress(f"compiling {GuestId.of(case.arm).id} with fuel")
        job = fuel_module_job(compile_job(case.module, self._materials, self._limits, campaign=LABEL))
        made, module = make_module(self._engine, job, case.module, Kind.COMPILE, "")
        if module is None:
            raise _uncounted(case, made.why)
        path = directory / self._materials.runtime(case.arm).guest_file
        write_whole(path, module)
        directory.chmod(0o755)  # for the container's user
        return TrialProgram(module=path)

    def _run(self, case: Case, program: TrialProgram, iterations: int, guess: int) -> _Counted:
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
        job = instructions_job(job, self._valgrind) if is_native else fuel_job(job, guess)
        report = self._judged(case, job, iterations)
        count = instructions_in(report) if is_native else fuel_in(report)
        if not count:
            raise _uncounted(case, "no count was printed")
        counter = valgrind_in(report) if is_native else f"wasmtime {self._materials.image(case.arm).version}"
        return _Counted(count, counter)

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
