"""What an image holds, described so that two builds of it can be compared: by content, never by id.

An image's id also covers the clock: times of files, of the build, of layers. None of that is in here. Every file counts
with its path, type, mode, owner and content; beside them what a container of the image would start with.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping

from lab.builds.images.files import unstarted
from lab.engines.docker_sdk import DockerClient, failures_as_lab_errors

# The engine puts these into every container it creates.
_ENGINES_OWN = frozenset({".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab"})
# What ldconfig remembers of the libraries it read: their times and inodes.
_CLOCKWORK = frozenset({"var/cache/ldconfig/aux-cache"})
_LEFT_OUT = _ENGINES_OWN | _CLOCKWORK
_ENGINES_DIRECTORIES = ("dev/", "proc/", "sys/")
_STARTS_WITH = ("User", "Entrypoint", "Cmd", "Env", "WorkingDir")
_PIECE = 1 << 20


def contents(client: DockerClient, image: str) -> dict[str, str]:
    """Everything in an image: what counts of each file by its path, and of its configuration by ``config KEY``.

    Args:
        client: connection to the container engine.
        image: tag or id.

    Raises:
        EngineFailed: there is no such image.
    """
    with failures_as_lab_errors():
        config = client.images.get(image).attrs["Config"]
    entries = {f"config {key}": repr(config.get(key)) for key in _STARTS_WITH}
    with unstarted(client, image) as container:
        pieces: Iterable[bytes] = container.export()  # type: ignore[assignment]  # its annotation says text
        for tar, member in _members(pieces):
            if member.name not in _LEFT_OUT and not f"{member.name}/".startswith(_ENGINES_DIRECTORIES):
                entries[member.name] = _entry(tar, member)
    return entries


def digest(entries: Mapping[str, str]) -> str:
    """The sha256 over all entries that `contents` returned."""
    whole = hashlib.sha256()
    for path, entry in sorted(entries.items()):
        whole.update(f"{path}\0{entry}\0".encode())
    return whole.hexdigest()


def first_differing(first: Mapping[str, str], second: Mapping[str, str]) -> str | None:
    """The first path, in order, that two contents do not share; None if they are the same."""
    return next((path for path in sorted({*first, *second}) if first.get(path) != second.get(path)), None)


def _members(pieces: Iterable[bytes]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    with tarfile.open(fileobj=io.BufferedReader(_Pieces(pieces), _PIECE), mode="r|") as tar:
        for member in tar:
            yield tar, member


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    owner = f"{member.type!r} {member.mode:o} {member.uid}:{member.gid}"
    file = tar.extractfile(member) if member.isreg() else None
    if file is None:
        return f"{owner} {member.linkname} {member.devmajor}:{member.devminor}"
    sha256 = hashlib.sha256()
    while piece := file.read(_PIECE):
        sha256.update(piece)
    return f"{owner} {sha256.hexdigest()}"


class _Pieces(io.RawIOBase):
    """Pieces of any size as a file to read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # `Buffer` came with 3.12
        while not self._rest and (piece := next(self._pieces, None)) is not None:
            self._rest = piece
        room = memoryview(buffer)
        count = min(len(room), len(self._rest))
        room[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
