"""Images from one engine to another: saved as an archive, loaded from it, and recognised by their id."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab.core.errors import DataError
from lab.disk.whole import whole_file
from lab.engines.docker_sdk import SILENCE_S, connect, failures_as_lab_errors


class EngineImages:
    """The images of this machine's container engine."""

    def missing(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those that it does not hold."""
        client = connect()
        with failures_as_lab_errors():
            held = {image.id for image in client.images.list(all=True)}
        return tuple(image for image in ids if image not in held)

    def load(self, image: str, archive: Path) -> None:
        """Give an archive to the engine.

        Raises:
            DataError: the archive holds another image.
            EngineFailed, EngineMissing: from the engine.
        """
        with failures_as_lab_errors(), archive.open("rb") as file:
            connect(SILENCE_S).images.load(file)
        if self.missing([image]):
            raise DataError(f"the archive of image {image[:19]}… holds another one", "start the campaign again")


def save_image(image: str, directory: Path) -> Path:
    """The archive of an image, made unless it is there.

    Raises:
        EngineFailed, EngineMissing: the engine cannot save it.
    """
    path = directory / f"{image.removeprefix('sha256:')}.tar"
    if not path.is_file():
        with failures_as_lab_errors(), whole_file(path) as draft, draft.open("wb") as file:
            for piece in connect(SILENCE_S).images.get(image).save(named=True):
                file.write(piece)
    return path


class NoImages:
    """Images where the engine needs none: processes."""

    def missing(self, ids: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """None."""
        return ()

    def load(self, image: str, archive: Path) -> None:
        """Nothing to do."""
