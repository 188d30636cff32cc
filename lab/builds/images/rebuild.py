"""Building an image a second time, to compare the contents of both builds."""

from __future__ import annotations

import msgspec

from lab.builds.images.candidates import Catalogue
from lab.builds.images.contents import contents
from lab.builds.images.labels import ImageInfo
from lab.builds.pins import Supply
from lab.builds.steps.dockerfile import has_image
from lab.builds.steps.step import PREFIX, BuildStep, StageStep
from lab.core.arm import NATIVE_RUNTIME
from lab.core.errors import Unreachable
from lab.core.progress import Progress, silent
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors


def rebuild_image(image: ImageInfo, progress: Progress = silent) -> dict[str, str] | None:
    """Build an image again, every step of it, on the same base and from the same compiled files.

    Returns:
        Its contents (see `lab.builds.images.contents`); None if what it was built from is not here any more: its
        builders, its tarball, or the artifact directory.

    Raises:
        BuildFailed, NoSpace: a step failed.
        SupplyError: an artifact or tarball is not what its checksum says.
    """
    client = connect()
    supply = Supply(image.supply) if image.runtime != NATIVE_RUNTIME else None
    catalogue = Catalogue(image.edition, client)
    try:
        prebuilt = catalogue.prebuilt(image.runtime, supply, progress)
    except Unreachable:
        return None
    step = catalogue.candidate(image.runtime, supply, prebuilt).step
    if step.key != image.inputs_hash or not _can_build(client, step):
        return None
    made: list[str] = []
    try:
        return contents(client, _rebuild(client, step, progress, made))
    finally:
        with failures_as_lab_errors():
            for tag in reversed(made):
                client.images.remove(tag, force=True)


def _can_build(client: DockerClient, step: BuildStep) -> bool:
    return all(has_image(client, parent.tag) for parent in step.parents)


def _rebuild(client: DockerClient, step: StageStep, progress: Progress, made: list[str]) -> str:
    """Build a stage and those it continues, down to its base; what it copies from others is taken as it is."""
    text = step.dockerfile
    for parent in step.parents:
        if isinstance(parent, StageStep) and text.startswith(f"FROM {parent.tag}\n"):
            text = text.replace(f"FROM {parent.tag}", f"FROM {_rebuild(client, parent, progress, made)}", 1)
    tag = f"{PREFIX}/{step.name}:again-{step.key[:16]}"
    again = msgspec.structs.replace(step, name=f"{step.name}-again", tag=tag, dockerfile=text)
    again.build(client, progress, no_cache=True)
    made.append(tag)
    return tag
