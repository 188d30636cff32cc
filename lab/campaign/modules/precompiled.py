"""Precompiled modules: each made by a measured trial of its own, kept by runtime, guest and processor.

A module holds machine code for one processor, so it is found again only by a lab on the same instruction set.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import msgspec

from lab.campaign.job import MODULE_LIMIT_BYTES, compile_job
from lab.campaign.materials import Materials
from lab.campaign.modules.kept import KeptModules
from lab.campaign.modules.making import make_module
from lab.campaign.outcome import OutcomeWithReason
from lab.campaign.program import PreparedGuest
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.trial import Kind, Outcome, Trial
from lab.core.units import show_bytes
from lab.disk.content import sha256
from lab.disk.whole import whole_directory
from lab.engines.engine import Engine
from lab.engines.host import cpu_flags_sha256
from lab.runtimes.base import CACHE


class PrecompiledModules:
    """Precompiled modules under a directory; each belongs to a `Case.module`.

    Args:
        directory: where they are kept.
        materials: images and guests they are made from.
        processor: what the machine code is for; this machine's instruction set by default.
    """

    def __init__(self, directory: Path, materials: Materials, processor: str | None = None) -> None:
        self._kept = KeptModules(directory)
        self._materials = materials
        self._processor = cpu_flags_sha256() if processor is None else processor
        self._unpacked_archives: set[Path] = set()

    def find(self, case: Case, prepared: PreparedGuest | None = None) -> tuple[Path, Trial] | None:
        """A case's module with the trial that made it; None if it has not been made on this processor.

        Of an arm with a filled cache, the module is the cache's directory.
        """
        runtime = self._materials.runtime(case.arm)
        found = self._kept.find(self._key(case, prepared), runtime.module_name)
        if found is None or not runtime.is_cached:
            return found
        return self._unpacked(found[0]), found[1]

    def make(
        self,
        case: Case,
        engine: Engine,
        measure: Limits,
        *,
        campaign: str,
        started_at: str,
        prepared: PreparedGuest | None = None,
    ) -> Trial:
        """Precompile, measured; on success the module can be found from then on.

        Args:
            case: a `Case.module`.
            engine: runs the compiler.
            measure: limits.
            campaign: the label.
            started_at: of the trial.
            prepared: the module that holds the case's model, if its guest is prepared.

        Returns:
            The compile trial, numbered 0; its outcome is not ok if there is no module.
        """
        job = compile_job(case, self._materials, measure, campaign=campaign, prepared=prepared)
        runtime = self._materials.runtime(case.arm)
        judge = _judge_archive if runtime.is_cached else None
        trial, module = make_module(engine, job, case, Kind.COMPILE, started_at, judge)
        if module is not None:
            trial = msgspec.structs.replace(trial, compile_ns=trial.total_ns)
            self._kept.keep(self._key(case, prepared), runtime.module_name, module, trial, campaign)
        return trial

    def remove_leftovers(self, campaign: str) -> int:
        """See `KeptModules.remove_leftovers`."""
        return self._kept.remove_leftovers(campaign)

    def _unpacked(self, archive: Path) -> Path:
        """The archive's content beside it, unpacked again by each session: what it holds is executed."""
        target = archive.parent / CACHE
        if archive not in self._unpacked_archives:
            with whole_directory(target, replace=True) as tree, tarfile.open(archive) as tar:
                for member in tar:
                    tar.extract(member, tree, filter=_readable)
            self._unpacked_archives.add(archive)
        return target

    def _key(self, case: Case, prepared: PreparedGuest | None) -> str:
        arm = case.arm
        image = self._materials.image(arm)
        guest = self._materials.guest(arm).sha256 if prepared is None else prepared.sha256
        argv = self._materials.runtime(arm).compile_argv() or ()
        identity = " ".join([image.binary_sha256, guest, self._processor, *argv])
        name = arm.id if prepared is None else f"{arm.id}-{case.model}-b{case.batch}"
        return f"{name}-{sha256(identity)[:16]}"


def _readable(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
    """A member of an archive for anyone to read; raises `tarfile.FilterError` if it would land elsewhere."""
    return tarfile.data_filter(member, path).replace(mode=0o755 if member.isdir() else 0o644)


def _judge_archive(module: bytes) -> OutcomeWithReason:
    """Whether a packed cache can be unpacked and holds any code."""
    try:
        with tarfile.open(fileobj=io.BytesIO(module)) as tar:
            members = [_readable(member, f"/{CACHE}") for member in tar]
    except tarfile.TarError as error:
        return OutcomeWithReason(Outcome.CRASHED, f"the run left no readable cache: {error}")
    unpacked_bytes = sum(member.size for member in members)
    if unpacked_bytes > MODULE_LIMIT_BYTES:
        return OutcomeWithReason(Outcome.CRASHED, f"the cache unpacks to {show_bytes(unpacked_bytes)}")
    if not any(member.isfile() for member in members):
        return OutcomeWithReason(Outcome.CRASHED, "the run left an empty cache")
    return OutcomeWithReason(Outcome.OK)
