"""Package files on this machine: from the snapshot archive, a mirror, or the user's artifacts, each by its sha256."""

from __future__ import annotations

import lzma
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from urllib.parse import quote

import msgspec

from lab.builds.artifacts import add_sums, artifacts_directory, checked, read_sums
from lab.builds.debian.lock import LockedPackage, architecture
from lab.builds.debian.sources import mirrors
from lab.core.errors import PackagesMissing, SupplyError
from lab.core.progress import Progress, silent
from lab.disk.content import file_sha256
from lab.disk.download import CONNECT_TIMEOUT_S, download
from lab.disk.whole import whole_file

DIRECTORY = "packages"
"""Where an artifact directory keeps packages."""
DOWNLOADS_AT_ONCE = 4
_NAMED_AT_MOST = 3
TWO_WAYS = (
    "lock what the archive has today with `lab build --lock-packages`, or name a directory that keeps the locked files "
    "with LAB_ARTIFACTS (`lab build --save-artifacts DIR` fills one where they are still to be had)"
)
ASK_AGAIN = "try again, or ask another mirror"


class Archives(msgspec.Struct, frozen=True):
    """Where package files are looked for.

    Attributes:
        mirrors: roots of a suite's archives that keep the present state, by archive: ``debian``, ``debian-security``.
        snapshot: root of an archive that keeps every state; ``{archive}`` and ``{stamp}`` are filled in.
    """

    mirrors: Callable[[str], Mapping[str, str]] = mirrors
    snapshot: str = "http://snapshot.debian.org/archive/{archive}/{stamp}"

    def urls(self, package: LockedPackage, stamp: str) -> list[str]:
        """The addresses of a file, in the order they are asked."""
        archive, _, path = package.path.partition("/")
        roots = [root for name, root in self.mirrors(package.suite).items() if name == archive]
        if snapshot_answers(self.snapshot.format(archive="debian", stamp=stamp)):
            roots.insert(0, self.snapshot.format(archive=archive, stamp=stamp))
        return [f"{root}/{quote(path)}" for root in roots]


DEBIAN = Archives()


def fetch(
    packages: Iterable[LockedPackage],
    stamps: Mapping[str, str],
    directory: Path,
    progress: Progress = silent,
    archives: Archives = DEBIAN,
) -> list[Path]:
    """The files of these packages, in a directory; those that are there already, with the right checksum, are kept.

    Args:
        packages: of one suite or several.
        stamps: by suite, the lock's state of the archive.
        directory: where they go, under their own names.
        progress: called with each file.
        archives: where to look.

    Returns:
        The files, sorted by name.

    Raises:
        PackagesMissing: some are nowhere to be had; the message names them, and the versions that are.
        SupplyError: a file in the artifact directory is not what its checksum says.
    """
    wanted = {package.file: package for package in packages}
    done = 0

    def one(package: LockedPackage) -> Path | None:
        nonlocal done
        path = _fetch(package, stamps[package.suite], directory, archives)
        done += 1
        progress("packages", f"{done}/{len(wanted)} {package.name}", min(done / len(wanted), 0.99))
        return path

    with ThreadPoolExecutor(max_workers=DOWNLOADS_AT_ONCE) as pool:
        found = dict(zip(wanted, pool.map(one, wanted.values()), strict=True))
    missing = [wanted[file] for file, path in found.items() if path is None]
    if missing:
        there = {suite: _present(suite, missing, archives) for suite in {package.suite for package in missing}}
        raise packages_missing(
            "the lock",
            {(p.name, p.version): there[p.suite].get(p.name, ()) for p in missing},
            (p.file for p in missing),
        )
    return sorted(path for path in found.values() if path is not None)


def _fetch(package: LockedPackage, stamp: str, directory: Path, archives: Archives) -> Path | None:
    destination = directory / package.file
    if destination.is_file() and file_sha256(destination) == package.sha256:
        return destination
    destination.unlink(missing_ok=True)
    for url in archives.urls(package, stamp):
        try:
            return download(
                url, f"sha256:{package.sha256}", destination, unreachable_remedy=TWO_WAYS, mismatch_remedy=ASK_AGAIN
            )
        except SupplyError:
            continue  # the next archive may hold the locked file
    kept = saved([package]).get(package.file)
    if kept is None:
        return None
    with whole_file(destination) as draft:
        draft.write_bytes(kept.read_bytes())
    return destination


def save(
    packages: Iterable[LockedPackage],
    stamps: Mapping[str, str],
    directory: Path,
    progress: Progress = silent,
    archives: Archives = DEBIAN,
) -> int:
    """Keep the files of these packages in an artifact directory, and list them; how many they are.

    Raises:
        PackagesMissing, SupplyError: as `fetch`.
    """
    wanted = {package.file: package for package in packages}
    fetch(wanted.values(), stamps, directory / DIRECTORY, progress, archives)
    add_sums(directory, {f"{DIRECTORY}/{file}": package.sha256 for file, package in wanted.items()})
    return len(wanted)


def saved(packages: Iterable[LockedPackage]) -> dict[str, Path]:
    """The files of these packages that the user's artifact directory keeps, by name.

    Raises:
        SupplyError: one is listed there, and is another file than the lock's.
    """
    directory = artifacts_directory()
    if directory is None:
        return {}
    sums = read_sums(directory)
    listed = {package.file: package for package in packages if f"{DIRECTORY}/{package.file}" in sums}
    return {file: checked(directory, f"{DIRECTORY}/{file}", package.sha256) for file, package in listed.items()}


def packages_missing(
    what: str, versions: Mapping[tuple[str, str], Sequence[str]], files: Iterable[str]
) -> PackagesMissing:
    """The error about packages that no archive has any more.

    Args:
        what: wants them.
        versions: those that the archive has, by name and wanted version.
        files: names of the .deb files.
    """
    named = [f"{name} {wanted} ({_instead(wanted, there)})" for (name, wanted), there in sorted(versions.items())]
    more = f" and {len(named) - _NAMED_AT_MOST} more" if len(named) > _NAMED_AT_MOST else ""
    listed = ", ".join(named[:_NAMED_AT_MOST])
    return PackagesMissing(f"{what} wants packages that cannot be had: {listed}{more}", TWO_WAYS, tuple(files))


def _instead(wanted: str, there: Sequence[str]) -> str:
    if wanted in there:
        return "the archive has another file of that version"
    return f"the archive has {' and '.join(there)}" if there else "no archive has any version of it"


def _present(suite: str, packages: Iterable[LockedPackage], archives: Archives) -> dict[str, tuple[str, ...]]:
    """The versions of packages that a suite holds today, by name; empty where the mirror does not answer."""
    names = {package.name for package in packages}
    found: dict[str, dict[str, None]] = {}
    for archive, part in (("debian", suite), ("debian", f"{suite}-updates"), ("debian-security", f"{suite}-security")):
        root = archives.mirrors(suite).get(archive)
        index = "" if root is None else _read(f"{root}/dists/{part}/main/binary-{architecture()}/Packages.xz")
        for record in index.split("\n\n"):
            name = re.match(r"Package: (\S+)$", record, re.MULTILINE)
            version = re.search(r"^Version: (\S+)$", record, re.MULTILINE)
            if name is not None and version is not None and name[1] in names:
                found.setdefault(name[1], {})[version[1]] = None
    return {name: tuple(versions) for name, versions in found.items()}


def _read(url: str) -> str:
    """An index of packages; empty if it cannot be had, since it only makes an error say more."""
    import requests  # noqa: PLC0415 - a command that downloads nothing does without

    try:
        answer = requests.get(url, timeout=(CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S))
        answer.raise_for_status()
        return lzma.decompress(answer.content).decode(errors="replace")
    except (requests.exceptions.RequestException, lzma.LZMAError):
        return ""


@cache
def snapshot_answers(root: str) -> bool:
    """Whether an archive of past states answers, asked once per command."""
    import requests  # noqa: PLC0415 - as above

    try:
        return requests.head(f"{root}/", timeout=(CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S), allow_redirects=True).ok
    except requests.exceptions.RequestException:
        return False
