"""Keeping what images were built from, for machines that cannot have it from an archive any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.builds.debian.fetch import save
from lab.builds.debian.lock import LockedPackage, load_lock
from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import BuildReport
from lab.builds.pins import Supply
from lab.builds.steps.bases import BaseStep
from lab.builds.steps.step import BuildStep, StageStep
from lab.core.arm import NATIVE_RUNTIME
from lab.core.progress import Progress
from lab.engines.docker_sdk import connect


def save_packages(reports: Mapping[str, BuildReport], directory: Path, progress: Progress) -> int:
    """Write the Debian packages that these images and their builders consist of into an artifact directory.

    Args:
        reports: the images, by edition.
        directory: the artifact directory.
        progress: called with each package.

    Returns:
        How many they are.

    Raises:
        PackagesMissing: some cannot be had any more.
    """
    wanted: set[LockedPackage] = set()
    for edition, report in reports.items():
        catalogue = Catalogue(edition, connect())
        for runtime, image in report.images.items():
            supply = Supply(image.supply) if runtime != NATIVE_RUNTIME else None
            wanted.update(_packages(catalogue.candidate(runtime, supply).step))
    return save(sorted(wanted), load_lock().snapshots, directory, progress)


def _packages(step: BuildStep) -> Iterator[LockedPackage]:
    for part in step.closure().values():
        if isinstance(part, StageStep):
            yield from part.packages
        elif isinstance(part, BaseStep) and not part.is_pulled:
            yield from part.locked.packages
