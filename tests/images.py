"""Images that a test cannot do without."""

from __future__ import annotations

from collections.abc import Iterable

from lab.builds.images.ensure import build_images
from lab.builds.images.labels import ImageInfo


def ensure_images(runtimes: Iterable[str], edition: str = "current") -> dict[str, ImageInfo]:
    """The images of these runtimes, built where they are not here; what cannot be had is an error."""
    report = build_images(runtimes, edition)
    report.raise_for_problems()
    return report.images
