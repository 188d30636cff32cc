"""Debian packages and archives of a test's own: whole .deb files and the index over them, without dpkg."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

from lab.builds.debian.lock import LockedPackage, architecture

SUITE = "trixie"


def deb(name: str, version: str, depends: str = "") -> bytes:
    """A package that installs one file, /usr/share/NAME, which holds its version."""
    needs = f"Depends: {depends}\n" if depends else ""
    control = f"{_control(name, version)}{needs}Maintainer: Nobody <nobody@example.org>\nDescription: of a test\n"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control.encode()}),
        "data.tar.gz": _tar({f"./usr/share/{name}": version.encode()}),
    }
    packed = b"!<arch>\n"
    for member, content in members.items():
        header = f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
        packed += header.encode() + content + b"\n" * (len(content) % 2)
    return packed


def _control(name: str, version: str) -> str:
    return f"Package: {name}\nVersion: {version}\nArchitecture: all\n"


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def file_name(name: str, version: str) -> str:
    """As the archive calls a package's file."""
    return f"{name}_{version}_all.deb"


def pool(name: str, version: str) -> str:
    """A package's place below the archive's root."""
    return f"pool/main/{file_name(name, version)}"


def record(name: str, version: str, content: bytes, depends: str = "") -> str:
    """A package's entry in an index."""
    needs = f"Depends: {depends}\n" if depends else ""
    checksum = hashlib.sha256(content).hexdigest()
    return (
        f"{_control(name, version)}{needs}Filename: {pool(name, version)}\nSize: {len(content)}\nSHA256: {checksum}\n"
    )


def locked(stage: str, name: str, version: str, content: bytes) -> LockedPackage:
    """The lock's line about a package."""
    checksum = hashlib.sha256(content).hexdigest()
    return LockedPackage(SUITE, architecture(), stage, name, version, checksum, f"debian/{pool(name, version)}")
