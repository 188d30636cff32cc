"""Verifying images: by what they hold, since their ids also cover the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from lab.builds.images.contents import contents, digest, first_differing
from lab.builds.images.labels import ImageInfo
from lab.builds.images.rebuild import rebuild_image
from lab.core.progress import Progress
from lab.engines.docker_sdk import connect
from lab.verify.items import Item, Match, compare_hashes
from lab.verify.model_checks import COPY, REBUILDS, RECORD

NOT_REBUILT = "not rebuilt: what it was made of (supply: {supply}) is not here"


def check_images(images: Mapping[str, ImageInfo], progress: Progress, *, rebuild: bool) -> Iterator[Item]:
    """Compare the images that are here with what was recorded when they were made.

    Args:
        images: the images that are here, by runtime.
        progress: called with each rebuild.
        rebuild: whether each is also rebuilt, twice, from its base and its compiled files. Runtimes are not compiled
            again; an image whose compiled files are gone (an artifact, say) is left as it is.
    """
    for runtime, image in sorted(images.items()):
        here = contents(connect(), image.image_id)
        copies = {COPY: here}
        for which in REBUILDS if rebuild else ():
            progress(f"image {runtime}", "rebuilding")
            again = rebuild_image(image, progress)
            if again is not None:
                copies[which] = again
        recorded = {} if image.contents_sha256 is None else {RECORD: image.contents_sha256}
        item = compare_hashes(f"image {runtime}", None, {**recorded, **_digests(copies)})
        if rebuild and not set(REBUILDS) <= set(copies):
            item = msgspec.structs.replace(item, why=f"{item.why}; {NOT_REBUILT.format(supply=image.supply)}")
        paths = (first_differing(here, other) for other in copies.values())
        path = next((path for path in paths if path is not None), None)
        if item.verdict is Match.DIFFERS and path is not None:
            item = msgspec.structs.replace(item, why=f"{path} is the first to differ: {item.why}")
        yield item


def _digests(copies: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {which: digest(entries) for which, entries in copies.items()}
