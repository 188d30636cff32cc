"""The images of an edition: found by content or built, then labelled with what they hold."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping

import msgspec

from lab.builds.images.candidates import Catalogue
from lab.builds.images.labels import ImageInfo, LabelStep, describe_image, label_step
from lab.builds.steps.queue import run_all
from lab.builds.steps.step import BuildStep
from lab.core.arm import NATIVE_RUNTIME
from lab.core.errors import BuildFailed, EngineFailed, LabError
from lab.core.manifest import RuntimeFingerprint
from lab.core.names import Edition
from lab.core.progress import Progress, silent
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors
from lab.engines.leftovers import remove_abandoned
from lab.store.build_times import build_time

# Compilations use every core for most of their time; two at once fill the gaps, more only compete for memory.
MOST_BUILDS_AT_ONCE = 2


class BuildReport(msgspec.Struct, frozen=True):
    """What became of the images asked for: each is in one of the two."""

    images: dict[str, ImageInfo]
    problems: dict[str, LabError]

    def fatal_problems(self, ignore: type[LabError] | tuple[type[LabError], ...]) -> dict[str, LabError]:
        """The problems, except for those of the kind `ignore`."""
        return {name: error for name, error in self.problems.items() if not isinstance(error, ignore)}

    def raise_for_problems(self, *, ignore: type[LabError] | tuple[type[LabError], ...] = ()) -> None:
        """Raise what went wrong, except for problems of the kind `ignore`.

        Raises:
            BuildFailed, SupplyError, NoSpace: an image could not be made; the others were, and are kept.
        """
        fatal = self.fatal_problems(ignore)
        if not fatal:
            return
        first = next(iter(fatal.values()))
        if len(fatal) == 1:
            raise first
        others = "; ".join(f"{name}: {error.message}" for name, error in fatal.items())
        raise BuildFailed(f"{len(fatal)} images could not be made: {others}", first.remedy)


def build_images(runtimes: Iterable[str], edition: str = Edition.CURRENT, progress: Progress = silent) -> BuildReport:
    """The images of these runtimes, built where they are not here already.

    A runtime that cannot be had is a problem of its own, in the report, and no error.

    Raises:
        EngineMissing, EngineForbidden: no engine to build on.
        ExperimentError: the edition has no such runtime.
    """
    return build_editions({edition: runtimes}, progress)[edition]


def build_editions(
    runtimes: Mapping[str, Iterable[str]], progress: Progress = silent, beside: Iterable[BuildStep] = ()
) -> dict[str, BuildReport]:
    """Build like `build_images`, for several editions in one queue.

    The most expensive compilation of all goes first, and the cheap ones fill the gaps that it leaves.

    Args:
        runtimes: wanted, by edition.
        progress: called with each step of each build.
        beside: steps of other things to build in the same queue, such as guests.

    Returns:
        Reports by edition.

    Raises:
        EngineMissing, EngineForbidden: no engine to build on.
        ExperimentError: there is no such edition, or it has no such runtime.
        BuildFailed, NoSpace: a step of `beside` failed; whatever could be built is kept.
    """
    client, others = connect(), list(beside)
    remove_abandoned(client)
    reports = {edition: BuildReport({}, {}) for edition in runtimes}
    wanted: list[LabelStep] = []
    for edition, names in runtimes.items():
        steps, reports[edition] = choose_steps(Catalogue(edition, client), names, progress)
        wanted += steps
    failures = build_steps([*wanted, *others], client, progress)
    for step in wanted:
        if step.tag in failures:
            reports[step.edition].problems[step.runtime] = failures[step.tag]
        else:
            reports[step.edition].images[step.runtime] = describe_image(client, step.tag)
    for other in others:
        if other.tag in failures:
            raise failures[other.tag]
    return reports


def choose_steps(
    catalogue: Catalogue, runtimes: Iterable[str], progress: Progress
) -> tuple[list[LabelStep], BuildReport]:
    """Return the steps that make the images of these runtimes, and a report of the runtimes that are unobtainable.

    Args:
        catalogue: all build steps of their edition.
        runtimes: wanted.
        progress: called with downloads.

    Raises:
        ExperimentError: the edition has no such runtime.
    """
    steps: list[LabelStep] = []
    report = BuildReport({}, {})
    for runtime in runtimes:
        catalogue.pins.edition(catalogue.edition).runtime(runtime)
        try:
            chosen = catalogue.choose(runtime, catalogue.find, progress)
        except LabError as error:
            report.problems[runtime] = error
        else:
            steps.append(label_step(catalogue, chosen))
    return steps, report


def find_images(edition: str = Edition.CURRENT) -> dict[str, ImageInfo]:
    """The images of an edition that are here already, by runtime; nothing is built or downloaded.

    Raises:
        EngineMissing, EngineForbidden: no engine to ask.
        ExperimentError: there is no such edition.
    """
    client = connect()
    catalogue = Catalogue(edition, client)
    images: dict[str, ImageInfo] = {}
    for runtime in catalogue.pins.edition(edition).runtimes:
        for supply in catalogue.pinned_supplies(runtime) if runtime != NATIVE_RUNTIME else (None,):
            here = catalogue.find(catalogue.candidate(runtime, supply))
            if here is not None:
                images[runtime] = describe_image(client, here.tag)
                break
    return images


def recorded_image(runtime: str, known: RuntimeFingerprint) -> ImageInfo | None:
    """The image that a campaign recorded, by its id; else one that holds the same binary; None if there is none here.

    Raises:
        EngineMissing, EngineForbidden: no engine to ask.
    """
    client = connect()
    with contextlib.suppress(EngineFailed):
        return describe_image(client, known.image_id)
    wanted = {"lab.runtime": runtime, "lab.version": known.version, "lab.binary_sha256": known.binary_sha256}
    with failures_as_lab_errors():
        found = client.images.list(filters={"label": [f"{label}={value}" for label, value in wanted.items()]})
    return describe_image(client, str(found[0].id)) if found else None


def build_steps(steps: Iterable[BuildStep], client: DockerClient, progress: Progress) -> dict[str, LabError]:
    """Make what steps make, with all they rest on; errors by tag. How long each took is written down.

    Args:
        steps: wanted.
        client: connection to the container engine.
        progress: called with each step of each build, from several threads.
    """

    def build(step: BuildStep) -> None:
        with build_time(step.title, [parent.title for parent in step.parents], step.minutes):
            step.build(client, progress)

    return run_all(steps, build, lambda step: step.is_there(client), workers())


def workers() -> int:
    """How many compilations this machine makes at a time."""
    return max(1, min(MOST_BUILDS_AT_ONCE, os.cpu_count() or 1))
