"""The user's directory of artifacts, ``LAB_ARTIFACTS``: files with a ``SHA256SUMS`` over them.

A team, or a site without a network, fills it once by ``lab build --save-artifacts``: with runtimes that take long to
compile, and under ``packages/`` with the Debian packages of the lock, which an archive drops when it moves on.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab.core.errors import SupplyError
from lab.disk.content import file_sha256
from lab.disk.whole import write_whole

SUMS = "SHA256SUMS"


def artifacts_directory() -> Path | None:
    """The user's artifact directory, if one is named.

    Raises:
        SupplyError: ``LAB_ARTIFACTS`` names a directory without ``SHA256SUMS``.
    """
    named = os.environ.get("LAB_ARTIFACTS")
    if not named:
        return None
    if not (Path(named) / SUMS).is_file():
        fill = "fill it with `lab build --save-artifacts DIR`, or unset it"
        raise SupplyError(f"LAB_ARTIFACTS={named} holds no {SUMS}", fill)
    return Path(named)


def read_sums(directory: Path) -> dict[str, str]:
    """The checksums of an artifact directory in lower case, by file name; empty if it has none yet.

    Raises:
        SupplyError: the list is no text.
    """
    path = directory / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    except UnicodeDecodeError as error:
        remedy = f"write it again: `sha256sum *.xz packages/*.deb > {SUMS}` in that directory"
        raise SupplyError(f"{path} is not UTF-8 at byte {error.start}", remedy) from error
    return {name.strip().lstrip("*"): checksum.lower() for checksum, _, name in (line.partition(" ") for line in lines)}


def add_sums(directory: Path, sums: dict[str, str]) -> None:
    """List files of an artifact directory, beside those that it lists already."""
    listed = read_sums(directory) | sums
    text = "".join(f"{checksum}  {name}\n" for name, checksum in sorted(listed.items()))
    write_whole(directory / SUMS, text.encode())


def checked(directory: Path, file: str, expected: str) -> Path:
    """A file of an artifact directory.

    Raises:
        SupplyError: it is missing, or not what its checksum says.
    """
    source = directory / file
    actual = file_sha256(source) if source.is_file() else "missing"
    if actual != expected:
        remedy = "copy it again, or unset LAB_ARTIFACTS to do without it"
        raise SupplyError(f"{source} is {actual[:16]}…, {SUMS} says {expected[:16]}…", remedy)
    return source
