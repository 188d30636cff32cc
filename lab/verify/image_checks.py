"""Verifying images: by what they hold, since their ids also cover the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from lab.builds.image_contents import contents, digest, first_differing
from lab.builds.image_rebuild import assemble_anew
from lab.builds.labels import ImageInfo
from lab.core.progress import Progress
from lab.engines.docker_sdk import connect
from lab.verify.items import Item, Sameness, hold
from lab.verify.model_checks import COPY, REBUILDS, RECORD

NOT_AGAIN = "not put together again: what it was made of (supply: {supply}) is not at hand"


def check_images(images: Mapping[str, ImageInfo], progress: Progress, *, rebuild: bool) -> Iterator[Item]:
    """Images at hand, held against what was written down when they were made.

    Args:
        images: by runtime.
        progress: told of rebuilds.
        rebuild: whether each is also put together again, twice, from its base and its compiled files. Runtimes are not
            compiled again; an image whose compiled files are gone (an artifact, say) is left as it is.
    """
    for runtime, image in sorted(images.items()):
        here = contents(connect(), image.image_id)
        makings = {COPY: here}
        for which in REBUILDS if rebuild else ():
            progress(f"image {runtime}", "putting together again")
            again = assemble_anew(image, progress)
            if again is not None:
                makings[which] = again
        recorded = {} if image.contents_sha256 is None else {RECORD: image.contents_sha256}
        item = hold(f"image {runtime}", None, {**recorded, **_digests(makings)})
        if rebuild and not set(REBUILDS) <= set(makings):
            item = msgspec.structs.replace(item, why=f"{item.why}; {NOT_AGAIN.format(supply=image.supply)}")
        paths = (first_differing(here, other) for other in makings.values())
        path = next((path for path in paths if path is not None), None)
        if item.verdict is Sameness.DIFFERS and path is not None:
            item = msgspec.structs.replace(item, why=f"{path} is the first to differ: {item.why}")
        yield item


def _digests(makings: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {which: digest(found) for which, found in makings.items()}
