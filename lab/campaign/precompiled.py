"""Precompiled modules: each made by a measured trial of its own, kept by runtime, guest and processor.

A module holds machine code for one processor, so it is found again only by a lab on the same instruction set.
"""

from __future__ import annotations

import glob
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import msgspec

from lab.campaign.job import MODULE_LIMIT_BYTES, compile_job
from lab.campaign.materials import Materials
from lab.campaign.outcome import OutcomeWithReason, judge_exit, returned_file, trial_of
from lab.campaign.patience import run_patiently
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.trial import Kind, Outcome, Trial
from lab.core.units import show_bytes
from lab.disk.content import decode_bytes, file_sha256, sha256
from lab.disk.locks import lock
from lab.disk.whole import whole_directory, write_whole
from lab.engines.engine import Engine
from lab.engines.host import cpu_flags_sha256
from lab.runtimes.base import CACHE


class PrecompiledModules:
    """Precompiled modules under a directory.

    Args:
        directory: where they are kept.
        materials: images and guests they are made from.
        processor: what the machine code is for; this machine's instruction set by default.
    """

    def __init__(self, directory: Path, materials: Materials, processor: str | None = None) -> None:
        self._directory = directory
        self._materials = materials
        self._processor = cpu_flags_sha256() if processor is None else processor
        self._unpacked_archives: set[Path] = set()
        self._checked: dict[Path, tuple[int, int, int, int]] = {}

    def find(self, arm: Arm) -> tuple[Path, Trial] | None:
        """The module of an arm with the trial that made it; None if it has not been made on this processor.

        Of an arm with a filled cache, the module is the cache's directory.
        """
        home, runtime = self._home(arm), self._materials.runtime(arm)
        module = home / runtime.module_name
        try:
            made = decode_bytes((home / "trial.json").read_bytes(), Trial)
        except (OSError, ValueError):
            return None
        # one that is truncated or changed is made again: what it holds is executed
        if not self._is_whole(module, made):
            return None
        return (self._unpacked(module) if runtime.is_cached else module, made)

    def _unpacked(self, archive: Path) -> Path:
        """The archive's content beside it, unpacked again by each session: what it holds is executed."""
        target = archive.parent / CACHE
        if archive not in self._unpacked_archives:
            with whole_directory(target, replace=True) as tree, tarfile.open(archive) as tar:
                for member in tar:
                    tar.extract(member, tree, filter=_readable)
            self._unpacked_archives.add(archive)
        return target

    def _is_whole(self, module: Path, made: Trial) -> bool:
        """Whether the module is what its trial made: hashed once, then again only if the file has changed."""
        if module.is_symlink() or not module.is_file():
            return False
        status = module.stat()
        if status.st_size != made.artifact_bytes:
            return False
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if self._checked.get(module) != seen:
            # modules of earlier versions of the lab have no hash to compare with
            if made.output_sha256 is None or file_sha256(module) != made.output_sha256:
                return False
            self._checked[module] = seen
        return True

    def remove_leftovers(self, campaign: str) -> int:
        """Remove what a killed run of a campaign left half made; how many. Another campaign may be making its own."""
        leftovers = list(self._directory.glob(f"{glob.escape(_scratch_prefix(campaign))}*"))
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        return len(leftovers)

    def make(self, arm: Arm, engine: Engine, measure: Limits, *, campaign: str, started_at: str) -> Trial:
        """Precompile, measured; on success the module can be found from then on.

        Returns:
            The compile trial, numbered 0; its outcome is not ok if there is no module.
        """
        job = compile_job(arm, self._materials, measure, campaign=campaign)
        result = run_patiently(engine, job)
        judged = judge_exit(result, job.timeout_s)
        module = None if result.report is None else returned_file(result.report)
        # Some compilers exit with 0 after a failure: the file itself is the proof.
        if judged.outcome is Outcome.OK and not module:
            why = result.report.file_error if result.report is not None else None
            judged = OutcomeWithReason(
                Outcome.CRASHED, f"the compiler ended well but left no module: {why or 'it is empty'}"
            )
        elif judged.outcome is Outcome.OK and module and self._materials.runtime(arm).is_cached:
            judged = _judge_archive(module)
        case = Case(arm, "", 0)
        trial = trial_of(result, judged, case, kind=Kind.COMPILE, block=0, started_at=started_at)
        if trial.outcome is Outcome.OK and module:
            digest = sha256(module)
            trial = msgspec.structs.replace(
                trial, compile_ns=trial.total_ns, artifact_bytes=len(module), output_sha256=digest
            )
            self._keep(arm, module, trial, _scratch_prefix(campaign))
        return trial

    def _keep(self, arm: Arm, module: bytes, trial: Trial, prefix: str) -> None:
        """Keep a module with its trial; two campaigns that make the same one at once do so one after the other."""
        home = self._home(arm)
        self._directory.mkdir(parents=True, exist_ok=True)
        with lock(f"module-{home.name}"), tempfile.TemporaryDirectory(dir=self._directory, prefix=prefix) as name:
            staging = Path(name) / "keep"
            staging.mkdir(mode=0o755)
            write_whole(staging / self._materials.runtime(arm).module_name, module)
            write_whole(staging / "trial.json", msgspec.json.encode(trial))
            if home.exists():
                home.rename(Path(name) / "old")
            staging.rename(home)

    def _home(self, arm: Arm) -> Path:
        image, guest = self._materials.image(arm), self._materials.guest(arm)
        argv = self._materials.runtime(arm).compile_argv() or ()
        identity = " ".join([image.binary_sha256, guest.sha256, self._processor, *argv])
        return self._directory / f"{arm.id}-{sha256(identity)[:16]}"


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


def _scratch_prefix(campaign: str) -> str:
    return f".making-{campaign}."
