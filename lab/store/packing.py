"""A campaign as one archive: the same bytes from the same campaign, checked file by file when it is unpacked.

paper-standard-20250301T101500Z/SHA256SUMS      of every other file, as `sha256sum -c` reads it
paper-standard-20250301T101500Z/manifest.json   and what else a campaign directory holds, the report included
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path, PurePosixPath

from lab.core.errors import DataError, UsageError
from lab.disk.content import file_sha256
from lab.disk.whole import draft_directory, publish, whole_file
from lab.store.campaigns import FINISHED_NAME, MANIFEST_NAME, REPORT_NAME, finished, journal_sha256, read_manifest
from lab.store.journal import JOURNAL_NAME

SUMS = "SHA256SUMS"
SUFFIX = ".tar.gz"
LIMIT_BYTES = 4 << 30
"""Of what an archive unpacks to: a million trials with their report have a quarter of it."""
_PACKED = (MANIFEST_NAME, JOURNAL_NAME, FINISHED_NAME, REPORT_NAME)
_DAMAGED = "get the archive again from where it came from"


def pack(directory: Path, target: Path) -> int:
    """Write a campaign as an archive.

    Args:
        directory: of the campaign.
        target: the archive; its bytes depend on the campaign's files alone.

    Returns:
        How many files it holds.

    Raises:
        DataError: the manifest is damaged, or the journal is not the one that the finished marker describes.
    """
    name = read_manifest(directory).campaign
    marker = finished(directory)
    if marker is not None and marker.trials_sha256 != journal_sha256(directory):
        raise DataError(f"{directory}: the journal has changed since the campaign ended", "restore it from a copy")
    files = packed_files(directory)
    sums = "".join(f"{file_sha256(file)}  {file.relative_to(directory).as_posix()}\n" for file in files)
    with (
        whole_file(target) as draft,
        draft.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        _add(tar, f"{name}/{SUMS}", io.BytesIO(sums.encode()), len(sums))
        for file in files:
            with file.open("rb") as content:
                _add(tar, f"{name}/{file.relative_to(directory).as_posix()}", content, file.stat().st_size)
    return len(files)


def packed_files(directory: Path) -> list[Path]:
    """What of a campaign travels: manifest, journal, marker, report; sorted, links left out."""
    return sorted(file for kept in _PACKED for file in _files(directory / kept))


def unpack(archive: Path, results: Path) -> Path:
    """Unpack a campaign below `results`, once every file is what the archive's list says.

    Returns:
        The campaign's directory.

    Raises:
        UsageError: there is no such file, or a campaign of that name with another content.
        DataError: it is no archive of a campaign, or damaged.
    """
    if not archive.is_file():
        raise UsageError(f"there is no file {archive}", "check the path")
    with draft_directory(results, "unpacking") as draft:
        directory = draft / _extract(archive, draft)
        _check(archive, directory)
        destination = results / directory.name
        if destination.exists():
            if _is_same(directory, destination):
                return destination
            raise UsageError(
                f"{destination} exists and is another campaign than the archive's",
                "rename that directory, or unpack below another one with --results",
            )
        (directory / SUMS).unlink()
        publish(directory, destination)
    return destination


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return [path] if path.is_file() else []


def _add(tar: tarfile.TarFile, name: str, content: object, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    tar.addfile(member, content)  # type: ignore[arg-type]  # anything that reads bytes


def _extract(archive: Path, target: Path) -> str:
    """Unpack every file; the name of the one directory that all of them are in."""
    names: set[str] = set()
    unpacked_bytes = 0
    try:
        with tarfile.open(archive, mode="r:gz") as tar:
            for member in tar:
                place = PurePosixPath(member.name)
                unpacked_bytes += member.size
                if not member.isreg() or len(place.parts) < 2 or unpacked_bytes > LIMIT_BYTES:
                    raise DataError(f"{archive} holds '{member.name}', which no packed campaign does", _DAMAGED)
                names.add(place.parts[0])
                tar.extract(member, target, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{archive} is no whole archive of a campaign: {error}", _DAMAGED) from error
    if len(names) != 1:
        raise DataError(f"{archive} holds {len(names)} directories, and a packed campaign is one", _DAMAGED)
    return names.pop()


def _check(archive: Path, directory: Path) -> None:
    """Compare every file with the archive's own list, which names all of them."""
    try:
        lines = (directory / SUMS).read_text(encoding="utf-8").splitlines()
        listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    except (OSError, ValueError) as error:
        raise DataError(f"{archive} has no list of its files, {SUMS}", _DAMAGED) from error
    found = {file.relative_to(directory).as_posix(): file for file in _files(directory)}
    found.pop(SUMS, None)
    if odd := sorted(listed.keys() ^ found.keys()):
        raise DataError(f"{archive}: {odd[0]} is in its list or in the archive, and not in both", _DAMAGED)
    for name, file in sorted(found.items()):
        if file_sha256(file) != listed[name]:
            raise DataError(f"{archive}: {name} is damaged: its sha256 is not the listed one", _DAMAGED)
    if read_manifest(directory).campaign != directory.name:
        raise DataError(f"{archive}: the manifest is of another campaign than the directory", _DAMAGED)


def _is_same(unpacked: Path, here: Path) -> bool:
    """Whether both have the same manifest and journal."""
    return all(
        (here / name).is_file() and file_sha256(unpacked / name) == file_sha256(here / name)
        for name in (MANIFEST_NAME, JOURNAL_NAME)
        if (unpacked / name).is_file()
    )
