"""Prepared guests: modules and heaps that hold a loaded model, each made by a measured trial of its own.

One is kept by what it was made from: guest, graph, input shape, outputs, and the program that prepared it. All arms of
a guest share its modules. A heap holds the plan for one processor's kernels, a module none of any processor's.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.campaign.job import prepare_command, prepare_job
from lab.campaign.materials import Materials
from lab.campaign.modules.kept import KeptModules
from lab.campaign.modules.making import make_module
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.guest import GuestId
from lab.core.names import Target
from lab.core.trial import Kind, Trial
from lab.disk.content import sha256
from lab.engines.engine import Engine
from lab.engines.host import cpu_flags_sha256
from lab.runtimes.preparation import prepared_name


class PreparedGuests:
    """Prepared guests under a directory.

    Args:
        directory: where they are kept.
        materials: images, guests and models they are made from.
        processor: what heaps are for; this machine's instruction set by default.
    """

    def __init__(self, directory: Path, materials: Materials, processor: str | None = None) -> None:
        self._kept = KeptModules(directory)
        self._materials = materials
        self._processor = cpu_flags_sha256() if processor is None else processor

    def find(self, case: Case) -> tuple[Path, Trial] | None:
        """What a case starts with, and the trial that made it, as one of this case; None if it has not been made."""
        found = self._kept.find(self._key(case), prepared_name(case.arm))
        if found is None:
            return None
        path, made = found
        arm = case.arm
        return path, msgspec.structs.replace(
            made, runtime=arm.runtime, mode=arm.mode, backend=arm.backend, guest=arm.guest, model=case.model
        )

    def make(self, case: Case, engine: Engine, measure: Limits, *, campaign: str, started_at: str) -> Trial:
        """Prepare, measured; on success the result can be found from then on.

        Returns:
            The preparation, numbered 0; its outcome is not ok if there is no result.
        """
        job = prepare_job(case, self._materials, measure, campaign=campaign)
        trial, made = make_module(engine, job, case, Kind.PREPARE, started_at)
        if made is not None:
            trial = msgspec.structs.replace(trial, prepare_ns=trial.total_ns)
            self._kept.keep(self._key(case), prepared_name(case.arm), made, trial, campaign)
        return trial

    def _key(self, case: Case) -> str:
        materials, arm = self._materials, case.arm
        guest, model = GuestId.of(arm), materials.models[case.model]
        parts = [materials.preparer(arm).binary_sha256, materials.guest(arm).sha256, model.graph_sha256]
        parts += prepare_command(case, materials)
        if guest.target is Target.NATIVE:
            environment = materials.runtime(arm).environment
            parts += [self._processor, *(f"{name}={value}" for name, value in sorted(environment.items()))]
        name = f"{guest.target}-{arm.guest}-{case.model}-b{case.batch}"
        return f"{name}-{sha256(' '.join(parts))[:16]}"
