"""The labels of an image: what it was found to hold, recorded when it is built.

Every figure of a campaign names the image it came from; `ImageInfo` is read from the image's own labels, so that an
image built last month still says what is in it.
"""

from __future__ import annotations

import msgspec

from lab.builds.images.candidates import Candidate, Catalogue, executable
from lab.builds.images.contents import contents, digest
from lab.builds.images.files import look_into, read_file
from lab.builds.pins import Supply
from lab.builds.steps.dockerfile import build_dockerfile
from lab.builds.steps.step import BuildStep
from lab.core.progress import Progress, silent
from lab.engines.docker_sdk import DockerClient, connect, failures_as_lab_errors

PROBE = "/usr/local/bin/probe"


class ImageInfo(msgspec.Struct, frozen=True):
    """One image, as its labels describe it.

    Attributes:
        runtime: name of the runtime in it.
        edition: name of the edition whose pins it was built from.
        reference: its tag.
        image_id: id that the container engine gave it.
        version: pinned; empty for native.
        says: the version its binary prints; None if it prints none.
        supply: ``artifact``, ``upstream`` or ``registry``; ``none`` for native.
        binary_sha256: hash of the runtime's executable; for native, of the probe.
        inputs_hash: hash of everything it was built from.
        patched: its source was patched by us.
        size_bytes: size of the image, its base included.
        base: its base image, and whether that stands in for the edition's.
        contents_sha256: of everything in it, by content (`lab.builds.images.contents`); None if it was labelled before
            that was recorded.
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


class LabelStep(BuildStep, frozen=True, kw_only=True):
    """The last step to a runtime's image: its labels say what it turned out to hold. One more, empty, layer.

    Attributes:
        candidate: the image to be labelled; the only parent is its stage.
        patched: a patch of ours went into the runtime.
        licence: terms of the runtime's licence, where they restrict use.
        stands_on: the base, and whether it stands in for the edition's.
    """

    candidate: Candidate
    patched: bool
    licence: str
    stands_on: str

    @property
    def runtime(self) -> str:
        """Name of the runtime whose image it is."""
        return self.candidate.runtime

    @property
    def edition(self) -> str:
        """Name of the edition whose pins it was built from."""
        return self.candidate.edition

    def build(self, client: DockerClient, progress: Progress) -> None:  # noqa: ARG002 - a second's work
        """See `BuildStep.build`."""
        unlabelled, candidate = self.candidate.step, self.candidate
        binary = executable(candidate.runtime)
        held = digest(contents(client, unlabelled.tag))
        checksum, says = look_into(client, unlabelled.tag, candidate.runtime, binary or PROBE)
        labels = {
            "lab.runtime": candidate.runtime,
            "lab.edition": candidate.edition,
            "lab.version": candidate.version,
            "lab.says": says if binary else "",
            "lab.supply": candidate.supply or "none",
            "lab.binary_sha256": checksum,
            "lab.inputs": unlabelled.key,
            "lab.family": candidate.family,
            "lab.contents_sha256": held,
            "lab.patched": "yes" if self.patched else "no",
            "lab.licence": self.licence,
            "lab.stands_on": self.stands_on,
        }
        label = " ".join(f'{name}="{value}"' for name, value in labels.items())
        text = f"FROM {unlabelled.tag}\nLABEL {label}\n"
        build_dockerfile(client, self.name, self.tag, text, {}, self.log, silent)


def label_step(catalogue: Catalogue, candidate: Candidate) -> LabelStep:
    """The step that makes a candidate's image."""
    edition = catalogue.pins.edition(candidate.edition)
    pin = edition.runtime(candidate.runtime)
    base = pin.base or edition.base
    return LabelStep(
        f"{candidate.runtime}-labels",
        candidate.step.key,
        candidate.tag,
        (candidate.step,),
        candidate=candidate,
        patched=pin.patched and candidate.supply is not Supply.UPSTREAM,
        licence=pin.licence or "",
        stands_on=catalogue.base(base).describe(),
    )
