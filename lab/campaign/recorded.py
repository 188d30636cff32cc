"""The materials of an earlier campaign, found again by what its manifest recorded of them; nothing is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lab.builds.guests import GuestBuild, guest_by_content
from lab.builds.images.labels import ImageInfo
from lab.campaign.materials import Materials
from lab.campaign.prepare import with_conversions
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.guest import GuestId
from lab.core.manifest import Manifest, RuntimeFingerprint
from lab.core.model import Model
from lab.core.progress import Progress
from lab.runtimes.preparation import preparer_of
from lab.zoo import catalog

FindImage = Callable[[str, RuntimeFingerprint], ImageInfo | None]


def recorded(
    manifest: Manifest, cases: Iterable[Case], home: Path, find_image: FindImage, progress: Progress
) -> Materials:
    """The images, guests and models that a campaign ran these cases with.

    Args:
        manifest: of the campaign.
        cases: whose needs to meet.
        home: where caches live.
        find_image: the image of a runtime that a campaign recorded, if the engine still has it.
        progress: called where another framework's graph has to be converted.

    Raises:
        UsageError: some of it is no longer here, or is run by another command line now.
    """
    wanted = list(cases)
    runtimes = {case.arm.runtime for case in wanted}
    runtimes |= {preparer_of(case.arm) for case in wanted if case.arm.guest.is_prepared}
    images = {name: _image(manifest, name, find_image) for name in sorted(runtimes)}
    builds = {GuestId.of(case.arm) for case in wanted}
    guests = {guest: _guest(manifest, guest) for guest in sorted(builds | {guest.plain for guest in builds})}
    models = {case.model: _model(manifest, case.model, home) for case in wanted}
    missing = [
        *(f"the image of {name}" for name, image in images.items() if image is None),
        *(f"guest {guest.id}" for guest, build in guests.items() if build is None),
        *(f"model {name}" for name, model in models.items() if model is None),
    ]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} that {manifest.campaign} measured is not on this machine",
            "confirm where both campaigns were measured, before images and caches are removed",
        )
    found = Materials(
        {name: image for name, image in images.items() if image},
        {guest: build for guest, build in guests.items() if build},
        {name: model for name, model in models.items() if model},
    )
    _check(found, manifest, wanted)
    found.models.update(with_conversions(wanted, found.models, found.images, home, progress))
    return found


def _image(manifest: Manifest, runtime: str, find_image: FindImage) -> ImageInfo | None:
    known = manifest.runtimes.get(runtime)
    return None if known is None else find_image(runtime, known)


def _guest(manifest: Manifest, guest: GuestId) -> GuestBuild | None:
    known = manifest.guests.get(guest.id)
    return None if known is None else guest_by_content(guest, known.sha256)


def _model(manifest: Manifest, name: str, home: Path) -> Model | None:
    """The model of the same graph and inputs."""
    known = manifest.models.get(name)
    for model in catalog.available(home):
        inputs = {str(given.batch): given.input_sha256 for given in model.inputs}
        if known is not None and model.name == name and model.graph_sha256 == known.graph_sha256:
            return model if known.input_sha256.items() <= inputs.items() else None
    return None


def _check(materials: Materials, manifest: Manifest, cases: Iterable[Case]) -> None:
    """Refuse what this version of the lab would run otherwise."""
    for arm in dict.fromkeys(case.arm for case in cases):
        now = materials.runtime(arm).run_argv(())
        if manifest.argv.get(arm.id) != now:
            raise UsageError(
                f"{manifest.campaign} started {arm.id} by another command line than this version of the lab does",
                f"confirm with version {manifest.lab_version} of the lab, which measured it",
            )
