"""Images and guests in one queue: on two cores, what is waited for longest must not wait behind anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from lab.builds.guests import GuestBuild, GuestStep, built_guests, guest_steps, script_guests
from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import BuildReport, build_editions
from lab.core.guest import GuestId
from lab.core.progress import Progress, silent
from lab.engines.docker_sdk import connect


class BuiltEdition(msgspec.Struct, frozen=True):
    """What became of the images and guests of one edition."""

    images: BuildReport
    guests: dict[GuestId, GuestBuild]


def build_together(
    runtimes: Mapping[str, Iterable[str]], guests: Mapping[str, Iterable[GuestId]], progress: Progress = silent
) -> dict[str, BuiltEdition]:
    """Build images and guests that are not here yet, those of several editions in one queue.

    Args:
        runtimes: whose images are wanted, by edition; may be empty for an edition.
        guests: wanted, by the same editions.
        progress: called with each step of each build, from several threads.

    Raises:
        BuildFailed, NoSpace: a guest could not be built; whatever could is kept.
        EngineMissing, EngineForbidden: no engine to build on.
        ExperimentError: there is no such edition, or it has no such runtime.
    """
    client = connect()
    asked = {edition: tuple(builds) for edition, builds in guests.items()}
    steps: dict[str, dict[GuestId, GuestStep]] = {
        edition: guest_steps(wanted, Catalogue(edition, client)) for edition, wanted in asked.items()
    }
    every = [step for of_edition in steps.values() for step in of_edition.values()]
    reports = build_editions(runtimes, progress, every)
    return {
        edition: BuiltEdition(report, {**script_guests(asked.get(edition, ())), **built_guests(steps.get(edition, {}))})
        for edition, report in reports.items()
    }
