"""`lab verify --packages`: what has moved in the images since images.lock was written."""

from __future__ import annotations

from collections.abc import Callable

from lab.cli.output import note, say, say_json, say_table
from lab.cli.wiring import Lab
from lab.core.errors import UsageError
from lab.verify.packages import changes, locked_image, read_images_lock, write_images_lock

BUILD_THEM = "`lab build` makes them"


def report_packages(
    lab: Lab, edition: str, wanted: Callable[[str], bool], *, write: bool = False, json: bool = False
) -> bool:
    """Print what differs between the images that are here and the lock; whether anything does, or is not locked.

    Args:
        lab: the lab whose images are examined.
        edition: name of their edition.
        wanted: whether an image of such a name, ``image wasmtime``, is examined.
        write: whether the lock is written from what is here first.
        json: whether the changes are printed as JSON.

    Raises:
        UsageError: no image that is wanted is here.
        DataError: the lock is damaged.
    """
    found = {runtime: image for runtime, image in lab.find_images(edition).items() if wanted(f"image {runtime}")}
    if not found:
        raise UsageError(f"no image of edition {edition} that is asked for is here", BUILD_THEM)
    here = {runtime: locked_image(image, lab.packages_in(image)) for runtime, image in sorted(found.items())}
    if write:
        write_images_lock(edition, here, lab.images_lock)
        note(f"written: {lab.images_lock}")
    locked = read_images_lock(lab.images_lock).editions.get(edition, {})
    moved = [
        change
        for runtime, image in here.items()
        if runtime in locked
        for change in changes(runtime, locked[runtime], image)
    ]
    unlocked = sorted(here.keys() - locked.keys())
    if unlocked:
        note(f"not in {lab.images_lock.name}: {', '.join(unlocked)}")
    if json:
        say_json(moved)
    else:
        if moved:
            rows = [(change.image, change.package, change.locked, change.here) for change in moved]
            say_table(rows, ("image", "package", "locked", "here"))
        images = {change.image for change in moved}
        same = len(here) - len(images) - len(unlocked)
        say(f"packages: {len(moved)} changes in {len(images)} images, {same} images as they were locked")
    return bool(moved or unlocked)
