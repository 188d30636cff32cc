"""The lock of Debian packages, ``packages/lock``: which file each stage of the Dockerfile installs, by sha256.

A line is ``SUITE ARCHITECTURE STAGE PACKAGE VERSION SHA256 PATH``; the path begins with its archive, ``debian`` or
``debian-security``. Plain lines, because ``packages/install`` reads them within containers that have a shell and awk.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath

import msgspec

from lab.core.errors import SupplyError
from lab.disk.paths import ROOT

LOCK_PATH = ROOT / "packages" / "lock"
BASE_STAGE = "base"
"""The section of what is bootstrapped; it is no stage of the Dockerfile."""
WRITE_AGAIN = "write it again with `lab build --lock-packages`"
_HEADER = """\
# The Debian packages that images are built from. `lab build --lock-packages` writes this file; see docs/images.md.
# suite architecture stage package version sha256 path
"""
_STAMP = re.compile(r"^# snapshot (\S+) (\d{8}T\d{6}Z)$", re.MULTILINE)
_LINE = re.compile(
    r"(\S+) (\S+) (\S+) ([a-z0-9][a-z0-9+.-]+) ([\w.+:~-]+) ([0-9a-f]{64}) (debian(?:-security)?/pool/[\w.+:~/-]+\.deb)"
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class LockedPackage(msgspec.Struct, frozen=True, order=True):
    """One package file that a stage installs.

    Attributes:
        suite: the Debian suite that the stage's base is of.
        architecture: of the machine it is installed on, as dpkg names it; the file may be for ``all``.
        stage: name of the stage, or `BASE_STAGE`.
        name: name of the package.
        version: its version, with its epoch.
        sha256: of the .deb file.
        path: of the file below a mirror's root.
    """

    suite: str
    architecture: str
    stage: str
    name: str
    version: str
    sha256: str
    path: str

    @property
    def file(self) -> str:
        """Name of the .deb file."""
        return PurePosixPath(self.path).name

    @property
    def line(self) -> str:
        """The package as a line of the lock."""
        return " ".join(msgspec.structs.astuple(self))


class PackageLock(msgspec.Struct, frozen=True):
    """The whole file.

    Attributes:
        snapshots: by suite, the time of the archive's state that it was written from, as the snapshot archive names
            states: ``20261127T120000Z``. They are in no key: the packages of two locks may be the same.
        packages: sorted.
    """

    snapshots: Mapping[str, str]
    packages: tuple[LockedPackage, ...] = ()

    def of(self, suite: str, *stages: str) -> PackageLock:
        """Its lines about some stages on this machine's architecture."""
        here = architecture()
        return PackageLock(
            self.snapshots,
            tuple(p for p in self.packages if (p.suite, p.architecture) == (suite, here) and p.stage in stages),
        )

    def text(self) -> str:
        """The file's text."""
        stamps = "".join(f"# snapshot {suite} {stamp}\n" for suite, stamp in sorted(self.snapshots.items()))
        return _HEADER + stamps + "".join(f"{package.line}\n" for package in self.packages)


def architecture() -> str:
    """The architecture of this machine, as dpkg names it."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


@cache
def load_lock(path: Path = LOCK_PATH) -> PackageLock:
    """The lock of this checkout.

    Raises:
        SupplyError: the file is missing, or a line of it is none of a lock.
    """
    if not path.is_file():
        raise SupplyError(f"{path} is missing", WRITE_AGAIN)
    return parse_lock(path.read_text(encoding="utf-8", errors="replace"), path)


def parse_lock(text: str, path: Path = LOCK_PATH) -> PackageLock:
    """A lock out of its text.

    Raises:
        SupplyError: a line is none of a lock; the message names it.
    """
    snapshots = dict(_STAMP.findall(text))
    packages = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#") or not line:
            continue
        fields = _LINE.fullmatch(line)
        if fields is None:
            raise SupplyError(f"{path}, line {number}: '{line[:60]}' is no line of a lock of packages", WRITE_AGAIN)
        packages.append(LockedPackage(*fields.groups()))
    undated = {package.suite for package in packages} - snapshots.keys()
    if undated:
        raise SupplyError(f"{path} does not say which state of {', '.join(sorted(undated))} it is of", WRITE_AGAIN)
    return PackageLock(snapshots, tuple(sorted(packages)))
