"""Files that a runtime insists on opening for writing: it is given copies, so that the originals stay read-only."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePath

import msgspec

from lab.campaign.job import INPUT_FILE, MODEL_STEM
from lab.disk.content import file_sha256
from lab.disk.whole import whole_file
from lab.engines.engine import Job

_ANYONE = 0o666


def with_writable_copies(job: Job, directory: Path) -> Job:
    """The job with copies of its model and input in their place, which the guest's user may write to.

    Copies are kept: making them again would put a network's worth of dirty pages into every trial. One that was written
    to is replaced before its next use.

    Args:
        job: as planned.
        directory: where copies are kept, by the name of the directory that the original is in: the model's, which is by
            content.
    """
    mounts = tuple(
        msgspec.structs.replace(mount, source=_copy(mount.source, directory), writable=True)
        if mount.name == INPUT_FILE or PurePath(mount.name).stem == MODEL_STEM
        else mount
        for mount in job.mounts
    )
    return msgspec.structs.replace(job, mounts=mounts)


def _copy(original: Path, directory: Path) -> Path:
    copy = directory / original.parent.name / original.name
    if not copy.is_file() or file_sha256(copy) != file_sha256(original):
        with whole_file(copy, mode=_ANYONE) as draft:
            shutil.copyfile(original, draft)
    return copy
