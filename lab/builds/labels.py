"""The labels of an image: what it turned out to hold, written down when it is built.

Every figure of a campaign names the image it came from; `ImageInfo` is read from the image's own labels, so that an
image built last month still says what is in it.
"""

from __future__ import annotations

import msgspec

from lab.builds.bases import describe_base
from lab.builds.builder import build_stage
from lab.builds.candidates import Candidate, Catalogue, executable
from lab.builds.image_contents import contents, digest
from lab.builds.image_files import look_into, read_file
from lab.builds.pins import Supply
from lab.builds.steps import Recipe
from lab.core.progress import silent
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors

PROBE = "/usr/local/bin/probe"


class ImageInfo(msgspec.Struct, frozen=True):
    """One image, as its labels tell.

    Attributes:
        runtime: what it runs.
        edition: whose pins it was built from.
        reference: its tag.
        image_id: of the engine.
        version: pinned; empty for native.
        says: the version its binary prints; None if it prints none.
        supply: ``artifact``, ``upstream`` or ``registry``; ``none`` for native.
        binary_sha256: of the runtime's executable; of the probe's for native.
        inputs_hash: of everything it was built from.
        patched: its source was patched by us.
        size_bytes: of the image, its base included.
        base: what it stands on, and whether that stands in for the edition's.
        contents_sha256: of everything in it, by content (`lab.builds.image_contents`); None if it was labelled before
            that was written down.
    """

    runtime: str
    edition: str
    reference: str
    image_id: str
    version: str
    says: str | None
    supply: str
    binary_sha256: str
    inputs_hash: str
    patched: bool
    size_bytes: int
    base: str = ""
    contents_sha256: str | None = None


def describe_image(client: DockerClient, reference: str) -> ImageInfo:
    """What an image's labels say.

    Raises:
        EngineFailed: there is no such image.
    """
    with failures_as_lab_errors():
        image = client.images.get(reference)
    labels = image.labels
    return ImageInfo(
        runtime=labels["lab.runtime"],
        edition=labels["lab.edition"],
        reference=reference,
        image_id=str(image.id),
        version=labels["lab.version"],
        says=labels["lab.says"] or None,
        supply=labels["lab.supply"],
        binary_sha256=labels["lab.binary_sha256"],
        inputs_hash=labels["lab.inputs"],
        patched=labels["lab.patched"] == "yes",
        size_bytes=int(image.attrs["Size"]),
        base=labels.get("lab.stands_on", ""),
        contents_sha256=labels.get("lab.contents_sha256"),
    )


def read_binary(image: ImageInfo) -> bytes:
    """The runtime's executable, out of its image."""
    return read_file(connect(), image.image_id, executable(image.runtime) or PROBE)


def label_image(client: DockerClient, catalogue: Catalogue, candidate: Candidate) -> None:
    """Write what an image turned out to hold into its labels: one more, empty, layer."""
    tag = candidate.recipe.tag
    binary = executable(candidate.runtime)
    pin = catalogue.pins.edition(candidate.edition).runtime(candidate.runtime)
    base_name = pin.base or catalogue.pins.edition(candidate.edition).base
    patched = pin.patched and candidate.supply is not Supply.UPSTREAM
    held = digest(contents(client, tag))
    checksum, says = look_into(client, tag, candidate.runtime, binary or PROBE)
    labels = {
        "lab.runtime": candidate.runtime,
        "lab.edition": candidate.edition,
        "lab.version": candidate.version,
        "lab.says": says if binary else "",
        "lab.supply": candidate.supply or "none",
        "lab.binary_sha256": checksum,
        "lab.inputs": candidate.recipe.key,
        "lab.family": candidate.family,
        "lab.contents_sha256": held,
        "lab.patched": "yes" if patched else "no",
        "lab.licence": pin.licence or "",
        "lab.stands_on": describe_base(catalogue.base(base_name), catalogue.pins.bases[base_name]),
    }
    label = " ".join(f'{name}="{value}"' for name, value in labels.items())
    text = f"FROM {tag}\nLABEL {label}\n"
    build_stage(client, Recipe(f"{candidate.runtime}-labels", candidate.recipe.key, candidate.tag, text), silent)
