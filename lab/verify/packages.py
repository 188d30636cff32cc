"""Debian packages of images, compared with those that they held when ``images.lock`` was written.

Packages' versions move in the archive, so a change is news, not a fault: an image that is built next month holds newer
ones. ``lab.lock`` is for what must not change; this list is beside it, since it will.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from lab.builds.images.labels import ImageInfo
from lab.builds.provenance.packages import Installed
from lab.disk.paths import ROOT
from lab.disk.whole import write_whole
from lab.verify.locked_file import locked_bytes, read_locked

IMAGES_LOCK_PATH = ROOT / "images.lock"

# Version history:
#     1  first
IMAGES_LOCK_SCHEMA = 1
BASE = "the base"


class LockedImage(msgspec.Struct, frozen=True):
    """What one image held.

    Attributes:
        base: what it stood on, as its label describes it.
        packages: version by name of the package.
    """

    base: str
    packages: dict[str, str]


class ImagesLock(msgspec.Struct, frozen=True):
    """The whole list: images by edition, then by runtime."""

    schema: int = IMAGES_LOCK_SCHEMA
    editions: dict[str, dict[str, LockedImage]] = {}


class PackageChange(msgspec.Struct, frozen=True):
    """One difference between an image and its entry in the lock.

    Attributes:
        image: its runtime.
        package: name of the package; of the base image, ``the base``.
        locked: version in the lock; None if the package was not there.
        here: version in the image; None if the package is gone.
    """

    image: str
    package: str
    locked: str | None
    here: str | None


def locked_image(image: ImageInfo, installed: Installed) -> LockedImage:
    """An image that is here, as the lock describes it."""
    return LockedImage(image.base, {package.name: package.version for package in installed.packages})


def changes(runtime: str, locked: LockedImage, here: LockedImage) -> Iterator[PackageChange]:
    """What is not as it was locked: the base, then packages in order of their names."""
    if locked.base != here.base:
        yield PackageChange(runtime, BASE, locked.base, here.base)
    for name in sorted(locked.packages.keys() | here.packages.keys()):
        before, now = locked.packages.get(name), here.packages.get(name)
        if before != now:
            yield PackageChange(runtime, name, before, now)


def read_images_lock(path: Path = IMAGES_LOCK_PATH) -> ImagesLock:
    """The committed list; an empty one if there is no file.

    Raises:
        DataError: it is damaged, or of an unknown schema version.
    """
    return read_locked(path, ImagesLock())


def write_images_lock(edition: str, images: Mapping[str, LockedImage], path: Path = IMAGES_LOCK_PATH) -> None:
    """Write these images over their entries, keys in order, so that a change shows as one line; others stay."""
    old = read_images_lock(path)
    editions = {**old.editions, edition: {**old.editions.get(edition, {}), **images}}
    write_whole(path, locked_bytes(ImagesLock(IMAGES_LOCK_SCHEMA, editions)))
