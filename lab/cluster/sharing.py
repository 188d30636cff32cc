"""Materials on another machine: described by content, and kept there by content.

    <home>/shared/<sha256>     files of guests and models, and archives of images

A description holds no path. Where a host has a file of that sha256, in its cache or in a directory that hosts share,
nothing is sent; what is sent is compared with its sha256 before anything uses it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.campaign.materials import Materials
from lab.cluster.questions import Blob
from lab.core.errors import DataError
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.disk.content import file_sha256
from lab.disk.whole import whole_file

_PROGRAM = 0o755
_SHA256 = re.compile("[0-9a-f]{64}")


class _Described(msgspec.Struct, frozen=True):
    """`Materials` with names of blobs in the place of paths, and keys that JSON has."""

    images: dict[str, ImageInfo]
    guests: tuple[tuple[GuestId, GuestBuild], ...]
    models: dict[str, Model]
    absent: dict[str, str]


class SharedMaterials:
    """Materials of this machine as it describes them to others.

    Args:
        materials: what a campaign runs with.

    Attributes:
        description: for `read_materials`.
        blobs: every file of the materials, each once.
    """

    def __init__(self, materials: Materials) -> None:
        self._paths: dict[str, Path] = {}
        described = _Described(
            materials.images, tuple(sorted(materials.guests.items())), materials.models, materials.absent
        )
        self.description = msgspec.json.encode(described, enc_hook=self._name)
        self.blobs = tuple(Blob(name, path.stat().st_size) for name, path in sorted(self._paths.items()))

    def path(self, sha256: str) -> Path:
        """The file of that content on this machine."""
        return self._paths[sha256]

    def publish(self, directory: Path) -> None:
        """Put every file into a directory that hosts share, under its sha256; what is there stays."""
        for blob in self.blobs:
            put(self.path(blob.sha256), directory / blob.sha256)

    def _name(self, value: Any) -> str:
        if not isinstance(value, Path):
            raise NotImplementedError(f"{type(value).__name__} has no description")
        name = file_sha256(value)
        self._paths.setdefault(name, value)
        return name


def read_materials(description: bytes, blobs: Path) -> Materials:
    """The materials of a description, their files in a directory of blobs; whether they are there is not looked at.

    Raises:
        DataError: it is no description of materials, or names a file otherwise than by sha256.
    """

    def located(wanted: type, name: Any) -> Path:
        if wanted is not Path or not isinstance(name, str) or not _SHA256.fullmatch(name):
            raise ValueError(f"{str(name)[:80]!r} is no sha256")
        return blobs / name

    try:
        found = msgspec.json.decode(description, type=_Described, dec_hook=located)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise DataError(f"materials cannot be read: {error}", "use the same version of the lab on all hosts") from error
    return Materials(found.images, dict(found.guests), found.models, found.absent)


class BlobStore:
    """Files by content on a host.

    Args:
        directory: its own.
        shared: another machine's, or all machines', that is looked into first; None if there is none.
    """

    def __init__(self, directory: Path, shared: Path | None = None) -> None:
        self.directory, self._shared = directory, shared
        self._checked: set[Blob] = set()

    def path(self, blob: Blob) -> Path:
        """Where a file is kept."""
        return self.directory / blob.sha256

    def missing(self, blobs: Iterable[Blob]) -> tuple[Blob, ...]:
        """Those that are not here, and not in the shared directory, from where they are copied."""
        return tuple(blob for blob in blobs if not (self._has(blob) or self._copied(blob)))

    def write(self, blob: Blob, offset: int, content: bytes) -> None:
        """Add a piece of a file; once it is whole it is compared with its sha256, and kept if that is its own.

        Raises:
            DataError: pieces are out of order, or the whole has another sha256: it is removed.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        draft = self.directory / f".{blob.sha256}.{os.getpid()}.part"
        with draft.open("wb" if offset == 0 else "ab") as file:
            if file.tell() != offset:
                raise DataError(f"a piece of file {blob.sha256[:12]}… came out of order", "start the worker again")
            file.write(content)
            file.flush()
            if offset + len(content) < blob.size_bytes:
                return
            os.fsync(file.fileno())
        if draft.stat().st_size != blob.size_bytes or file_sha256(draft) != blob.sha256:
            draft.unlink()
            raise DataError(f"file {blob.sha256[:12]}… arrived changed", "start the worker again; it is sent once more")
        draft.chmod(_PROGRAM)
        draft.replace(self.path(blob))
        self._checked.add(blob)

    def _has(self, blob: Blob) -> bool:
        """Whether the file is here and is what its name says; looked at once."""
        path = self.path(blob)
        if blob not in self._checked and path.is_file() and file_sha256(path) == blob.sha256:
            self._checked.add(blob)
        return blob in self._checked and path.is_file()

    def _copied(self, blob: Blob) -> bool:
        source = None if self._shared is None else self._shared / blob.sha256
        if source is None or not source.is_file():
            return False
        put(source, self.path(blob))
        return self._has(blob)


def put(source: Path, target: Path) -> None:
    """Copy a file to where it is kept by content, unless one of that size is there."""
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return
    with whole_file(target, mode=_PROGRAM) as draft, source.open("rb") as original, draft.open("wb") as copy:
        while piece := original.read(1 << 20):
            copy.write(piece)
