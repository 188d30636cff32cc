"""Precompiled modules: each made by a measured trial of its own, kept by runtime, guest and processor.

An artifact holds machine code for one processor, so it is found again only by a lab on the same instruction set.
"""

from __future__ import annotations

import glob
import hashlib
import shutil
import tempfile
from pathlib import Path

import msgspec

from lab.campaign.job import compile_job
from lab.campaign.materials import Bill
from lab.campaign.outcome import Judged, judge_exit, trial_of
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import Engine
from lab.engines.host import cpu_flags_sha256
from lab.runtimes import registry

# A compile trial that an earlier campaign paid for; its figures are that campaign's.
FROM_CACHE = "from-cache"


class Artifacts:
    """Precompiled modules under a directory.

    Args:
        directory: where they are kept.
        bill: images and guests they are made from.
    """

    def __init__(self, directory: Path, bill: Bill) -> None:
        self._directory = directory
        self._bill = bill

    def find(self, arm: Arm) -> tuple[Path, Trial] | None:
        """The artifact of an arm with the trial that made it; None if it has not been made on this processor."""
        home = self._home(arm)
        artifact = home / registry.runtime_of(arm).guest_file(arm)
        try:
            made = msgspec.json.decode((home / "trial.json").read_bytes(), type=Trial)
        except (OSError, msgspec.DecodeError):
            return None
        # a half-deleted or truncated one is made anew
        whole = artifact.is_file() and artifact.stat().st_size == made.artifact_bytes
        return (artifact, made) if whole else None

    def sweep(self, campaign: str) -> int:
        """Remove what a killed run of a campaign left half made; how many. Another campaign may be making its own."""
        leftovers = list(self._directory.glob(f"{glob.escape(_scratch_prefix(campaign))}*"))
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        return len(leftovers)

    def make(self, arm: Arm, engine: Engine, measure: Limits, *, campaign: str, started_at: str) -> Trial:
        """Precompile, measured; on success the artifact can be found from then on.

        Returns:
            The compile trial, numbered 0; its outcome is not ok if there is no artifact.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._directory, prefix=_scratch_prefix(campaign)) as name:
            out = Path(name) / "out"
            out.mkdir()
            out.chmod(0o777)  # the container's user is nobody's
            job = compile_job(arm, self._bill, measure, campaign=campaign, directory=out)
            result = engine.run(job)
            artifact = out / registry.runtime_of(arm).guest_file(arm)
            judged = judge_exit(result, job.timeout_s)
            # Some compilers exit with 0 after a failure: the file itself is the proof.
            if judged.outcome is Outcome.OK and not (artifact.is_file() and artifact.stat().st_size):
                judged = Judged(Outcome.CRASHED, "the compiler ended well but left no artifact")
            case = Case(arm, "", 0)
            trial = trial_of(result, judged, case, kind=Kind.COMPILE, number=0, block=0, started_at=started_at)
            if trial.outcome is Outcome.OK:
                size = artifact.stat().st_size
                trial = msgspec.structs.replace(trial, compile_ns=trial.total_ns, artifact_bytes=size)
                self._keep(arm, artifact, trial)
            return trial

    def _keep(self, arm: Arm, artifact: Path, trial: Trial) -> None:
        staging = artifact.parent.parent / "keep"
        staging.mkdir()
        shutil.copyfile(artifact, staging / artifact.name)  # not moved: it belongs to the container's user
        (staging / "trial.json").write_bytes(msgspec.json.encode(trial))
        staging.chmod(0o755)
        home = self._home(arm)
        shutil.rmtree(home, ignore_errors=True)
        staging.replace(home)

    def _home(self, arm: Arm) -> Path:
        image, guest = self._bill.image(arm), self._bill.guest(arm)
        argv = registry.runtime_of(arm).compile_argv(arm, image.version) or ()
        identity = " ".join([image.binary_sha256, guest.sha256, cpu_flags_sha256(), *argv])
        return self._directory / f"{arm.id}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _scratch_prefix(campaign: str) -> str:
    return f".making-{campaign}."
