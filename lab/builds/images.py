"""The images of an edition: found by content or built, then labelled with what they hold (`lab.builds.labels`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import msgspec

from lab.builds.bases import build_base
from lab.builds.builder import build_stage, has_image, log_path, run_all
from lab.builds.candidates import Candidate, Catalogue
from lab.builds.labels import ImageInfo, describe_image, label_image
from lab.builds.pins import Pins, load_pins
from lab.builds.steps import Recipe
from lab.core.errors import BuildFailed, LabError
from lab.core.progress import Progress, renamed, silent
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors

# Compilations use every core for most of their time; two at once fill the gaps, more only compete for memory.
MOST_BUILDS_AT_ONCE = 2
# What these stages took where they were tried; only the order of builds rests on it.
COMPILER_MINUTES = {"toolchain": 2.0, "runtime-rust": 1.5, "probe": 0.7}


class BuildReport(msgspec.Struct, frozen=True):
    """What became of the images asked for: each is in one of the two."""

    images: dict[str, ImageInfo]
    problems: dict[str, LabError]

    def grave(self, but: type[LabError] | tuple[type[LabError], ...]) -> dict[str, LabError]:
        """The problems, except for those of the kind `but`."""
        return {name: error for name, error in self.problems.items() if not isinstance(error, but)}

    def insist(self, *, but: type[LabError] | tuple[type[LabError], ...] = ()) -> None:
        """Raise what went wrong, except for problems of the kind `but`.

        Raises:
            BuildFailed, SupplyError, NoSpace: an image could not be made; the others were, and are kept.
        """
        grave = self.grave(but)
        if not grave:
            return
        first = next(iter(grave.values()))
        if len(grave) == 1:
            raise first
        others = "; ".join(f"{name}: {error.message}" for name, error in grave.items())
        raise BuildFailed(f"{len(grave)} images could not be made: {others}", first.remedy)


def ensure_images(
    runtimes: Iterable[str], edition: str = "current", progress: Progress = silent
) -> dict[str, ImageInfo]:
    """The images of these runtimes, built where they are not here already.

    Raises:
        BuildFailed, SupplyError, NoSpace: one could not be made; the others were, and are kept.
        EngineMissing, EngineForbidden: no engine to build on.
        ExperimentError: the edition has no such runtime.
    """
    report = build_images(runtimes, edition, progress)
    report.insist()
    return report.images


def build_images(runtimes: Iterable[str], edition: str = "current", progress: Progress = silent) -> BuildReport:
    """As `ensure_images`, but a runtime that cannot be had is a problem of its own and no error.

    Raises:
        EngineMissing, EngineForbidden: no engine to build on.
        ExperimentError: the edition has no such runtime.
    """
    return build_editions({edition: runtimes}, progress)[edition]


def build_editions(runtimes: Mapping[str, Iterable[str]], progress: Progress = silent) -> dict[str, BuildReport]:
    """As `build_images`, for several editions in one queue.

    The dearest compilation of all goes first, and the cheap ones fill the gaps that it leaves.

    Args:
        runtimes: wanted, by edition.
        progress: told of the steps.

    Returns:
        Reports by edition.

    Raises:
        EngineMissing, EngineForbidden: no engine to build on.
        ExperimentError: there is no such edition, or it has no such runtime.
    """
    client = connect()
    pins = load_pins()
    catalogues = {edition: Catalogue(edition, client, pins) for edition in runtimes}
    reports = {edition: BuildReport({}, {}) for edition in runtimes}
    chosen: list[Candidate] = []
    for edition, names in runtimes.items():
        for runtime in names:
            pins.edition(edition).runtime(runtime)
            try:
                chosen.append(catalogues[edition].choose(runtime, lambda one: _existing(client, one), progress))
            except LabError as error:
                reports[edition].problems[runtime] = error
    wanted = [Recipe(f"{one.runtime}-labels", one.recipe.key, one.tag, parents=(one.recipe,)) for one in chosen]
    labels = {one.tag: partial(label_image, client, catalogues[one.edition], one) for one in chosen}
    minutes = {tag: cost for one in chosen for tag, cost in _compilation(pins, one).items()}
    failures = build_recipes(pins, wanted, client, progress, labels, minutes, _told_apart(chosen))
    for one in chosen:
        if one.tag in failures:
            reports[one.edition].problems[one.runtime] = failures[one.tag]
        else:
            reports[one.edition].images[one.runtime] = describe_image(client, one.tag)
    return reports


def _compilation(pins: Pins, candidate: Candidate) -> dict[str, float]:
    """What compiling the runtime takes, by tag of that stage, in CPU-minutes; empty if it comes compiled."""
    pin = pins.edition(candidate.edition).runtime(candidate.runtime)
    if pin.registry is None:
        return {}
    stage = f"{candidate.runtime}-registry"
    return {tag: pin.registry.cpu_minutes for tag, one in candidate.recipe.closure().items() if one.name == stage}


def _told_apart(chosen: Iterable[Candidate]) -> dict[str, str]:
    """What to call a stage, by tag, that two editions build each in its own way: its name and the edition."""
    stages: dict[str, dict[str, str]] = {}
    for one in chosen:
        for tag, recipe in one.recipe.closure().items():
            stages.setdefault(recipe.name, {}).setdefault(tag, one.edition)
    namesakes = {name: tags for name, tags in stages.items() if len(tags) > 1}
    return {tag: f"{name} ({edition})" for name, tags in namesakes.items() for tag, edition in tags.items()}


def find_images(edition: str = "current") -> dict[str, ImageInfo]:
    """The images of an edition that are here already, by runtime; nothing is built or downloaded.

    Raises:
        EngineMissing, EngineForbidden: no engine to ask.
        ExperimentError: there is no such edition.
    """
    client = connect()
    catalogue = Catalogue(edition, client)
    found: dict[str, ImageInfo] = {}
    for runtime in catalogue.pins.edition(edition).runtimes:
        for supply in catalogue.pinned_supplies(runtime) if runtime != "native" else (None,):
            here = _existing(client, catalogue.candidate(runtime, supply))
            if here is not None:
                found[runtime] = describe_image(client, here.tag)
                break
    return found


def build_recipes(
    pins: Pins,
    wanted: Iterable[Recipe],
    client: DockerClient,
    progress: Progress,
    labels: Mapping[str, Callable[[], None]] | None = None,
    minutes: Mapping[str, float] | None = None,
    names: Mapping[str, str] | None = None,
) -> dict[str, LabError]:
    """Build recipes with all they rest on; errors by tag.

    Args:
        pins: of the bases.
        wanted: what to build.
        client: of the engine.
        progress: told of the steps.
        labels: by tag, how those recipes are made that only label what was built.
        minutes: by tag, what a runtime's compilation takes.
        names: by tag, what progress calls a recipe whose own name is not enough.
    """

    def build(recipe: Recipe) -> None:
        told = renamed(progress, (names or {}).get(recipe.tag, recipe.name))
        if labels is not None and recipe.tag in labels:
            labels[recipe.tag]()
        elif recipe.name.startswith("base:"):
            base = pins.bases[recipe.name.removeprefix("base:")]
            build_base(recipe, base, client, log_path(recipe), told)
        else:
            build_stage(client, recipe, told)

    def cost(recipe: Recipe) -> float:
        return (minutes or {}).get(recipe.tag, COMPILER_MINUTES.get(recipe.name, 0.2))

    workers = max(1, min(MOST_BUILDS_AT_ONCE, os.cpu_count() or 1))
    return run_all(wanted, build, lambda tag: has_image(client, tag), cost, workers)


def _existing(client: DockerClient, candidate: Candidate) -> Candidate | None:
    """The candidate of this family that is here: for an artifact, whatever its checksum was."""
    with failures_as_lab_errors():
        labels = [f"lab.family={candidate.family}", f"lab.edition={candidate.edition}"]
        images = client.images.list(filters={"label": labels})
    for image in images:
        if image.tags:
            key = image.labels["lab.inputs"]
            recipe = msgspec.structs.replace(candidate.recipe, key=key)
            found = msgspec.structs.replace(candidate, recipe=recipe)
            if found.tag in image.tags:
                return found
    return None
