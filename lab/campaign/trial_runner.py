"""One trial from case to record: launched, ended, its output compared with the right one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.campaign.copies import with_writable_copies
from lab.campaign.goldens import Goldens
from lab.campaign.job import run_job
from lab.campaign.materials import Materials
from lab.campaign.noise.worlds import Worlds
from lab.campaign.outcome import golden_target, judge_exit, judge_marks, judge_output, trial_of
from lab.campaign.patience import run_patiently
from lab.campaign.program import AS_IT_IS, TrialProgram
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import Engine
from lab.engines.heat import Heat, heating, read_heat
from lab.engines.host import cpu_flags_sha256


class TrialRunner:
    """Runs cases once.

    Args:
        name: of the campaign or calibration; the label of its containers.
        materials: what to run with.
        engine: where.
        measure: limits.
        home: where goldens, and copies of what a runtime may write to, are kept.
        worlds: in which trials run by turns; None for a campaign of one world.
        heat: how hot the machine is.
    """

    def __init__(
        self,
        name: str,
        materials: Materials,
        engine: Engine,
        measure: Limits,
        home: Path,
        worlds: Worlds | None = None,
        heat: Callable[[], Heat] = read_heat,
    ) -> None:
        self._name, self._materials, self._engine, self._measure = name, materials, engine, measure
        self._copies, self._worlds, self._heat = home / "writable", worlds, heat
        self._goldens = Goldens(home / "goldens", cpu_flags_sha256())

    def run(
        self,
        case: Case,
        *,
        block: int,
        iterations: int,
        program: TrialProgram = AS_IT_IS,
        slowdown_permille: int = 0,
    ) -> Trial:
        """One trial of a case, judged; nothing is written down.

        Raises:
            EngineFailed, EngineMissing: from the engine; nothing can be said of the case then.
        """
        world = None if self._worlds is None else self._worlds.of_block(block)
        guest, model = self._materials.plain_guest(case.arm), self._materials.models[case.model]
        job = run_job(
            case,
            self._materials,
            self._measure,
            campaign=self._name,
            iterations=iterations,
            program=program,
            return_output=self._must_return(case),
            slowdown_permille=slowdown_permille,
        )
        if self._materials.runtime(case.arm).opens_for_writing:
            job = with_writable_copies(job, self._writable(world))
        if self._worlds is not None and world is not None:
            job = self._worlds.enter(job, world)
        started_at, before = utc_now(), self._heat()
        result = run_patiently(self._engine, job)
        heated = heating(before, self._heat())
        judged = judge_exit(result, job.timeout_s)
        if judged.outcome is Outcome.OK and result.report is not None:
            judged = judge_marks(result.report, iterations, is_prepared=case.arm.guest.is_prepared)
            if judged.outcome is Outcome.OK:
                judged = judge_output(result.report, self._goldens, case, guest.sha256, model)
        trial = trial_of(result, judged, case, kind=Kind.RUN, block=block, started_at=started_at)
        return msgspec.structs.replace(
            trial,
            replicate=world,
            flags=(*trial.flags, *heated.flags),
            temperature_mc=heated.temperature_mc,
            energy_uj=heated.energy_uj,
        )

    def _writable(self, world: int | None) -> Path:
        """Where copies for writing are kept: each world has its own."""
        if self._worlds is None or world is None:
            return self._copies
        return self._worlds.directory_of(world) / "writable"

    def _must_return(self, case: Case) -> bool:
        """Whether the output itself is needed: another framework's always is, a guest's until one has passed."""
        guest, model = self._materials.plain_guest(case.arm), self._materials.models[case.model]
        known = self._goldens.known(golden_target(case.arm), guest.sha256, model, case.batch)
        return known is None or not case.arm.has_exact_output


def utc_now() -> str:
    """The time as trials carry it: ISO 8601, milliseconds."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
