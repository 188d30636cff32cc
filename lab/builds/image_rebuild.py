"""Putting an image together a second time, to compare what it then holds."""

from __future__ import annotations

import msgspec

from lab.builds.builder import build_stage, has_image
from lab.builds.candidates import Catalogue
from lab.builds.image_contents import contents
from lab.builds.labels import ImageInfo
from lab.builds.pins import Supply
from lab.builds.steps import PREFIX, Recipe
from lab.core.errors import Unreachable
from lab.core.progress import Progress, silent
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors


def assemble_anew(image: ImageInfo, progress: Progress = silent) -> dict[str, str] | None:
    """Put an image together again, every step of it, on the same base and from the same compiled files.

    Returns:
        Its contents (see `lab.builds.image_contents`); None if what it was put together from is not here any more: its
        builders, its tarball, or the artifact directory.

    Raises:
        BuildFailed, NoSpace: a step failed.
        SupplyError: an artifact or tarball is not what its checksum says.
    """
    client = connect()
    supply = Supply(image.supply) if image.runtime != "native" else None
    catalogue = Catalogue(image.edition, client)
    try:
        given = catalogue.given(image.runtime, supply, progress)
    except Unreachable:
        return None
    recipe = catalogue.candidate(image.runtime, supply, given).recipe
    if recipe.key != image.inputs_hash or not _can_build(client, recipe):
        return None
    made: list[str] = []
    try:
        return contents(client, _anew(client, recipe, progress, made))
    finally:
        with failures_as_lab_errors():
            for tag in reversed(made):
                client.images.remove(tag, force=True)


def _can_build(client: DockerClient, recipe: Recipe) -> bool:
    return all(has_image(client, parent.tag) for parent in recipe.parents)


def _anew(client: DockerClient, recipe: Recipe, progress: Progress, made: list[str]) -> str:
    """Build a recipe and the stages it continues, down to its base; what it copies from others is taken as it is."""
    text = recipe.dockerfile
    for parent in recipe.parents:
        if text.startswith(f"FROM {parent.tag}\n") and not parent.name.startswith("base:"):
            text = text.replace(f"FROM {parent.tag}", f"FROM {_anew(client, parent, progress, made)}", 1)
    tag = f"{PREFIX}/{recipe.name}:again-{recipe.key[:16]}"
    again = msgspec.structs.replace(recipe, name=f"{recipe.name}-again", tag=tag, dockerfile=text)
    build_stage(client, again, progress, anew=True)
    made.append(tag)
    return tag
