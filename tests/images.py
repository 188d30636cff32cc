"""Images and guests that a test cannot do without."""

from __future__ import annotations

from collections.abc import Iterable

from lab.builds.guests import GuestBuild
from lab.builds.images.ensure import build_images
from lab.builds.images.labels import ImageInfo
from lab.builds.together import build_together
from lab.core.guest import GuestId
from lab.core.names import Edition


def ensure_images(runtimes: Iterable[str], edition: str = "current") -> dict[str, ImageInfo]:
    """The images of these runtimes, built where they are not here; what cannot be had is an error."""
    report = build_images(runtimes, edition)
    report.raise_for_problems()
    return report.images


def ensure_guests(builds: Iterable[GuestId], edition: str = Edition.CURRENT) -> dict[GuestId, GuestBuild]:
    """These guests; built where they are not here already."""
    return build_together({edition: ()}, {edition: builds})[edition].guests
