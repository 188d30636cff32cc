"""The crates that a Rust program is compiled from: its Cargo.lock, and where that comes from.

A crate from a package registry carries the Cargo.lock that `cargo install --locked` follows. Builders throw it away
with their sources, so it is fetched again when somebody asks: by cargo, in the toolchain's container, checked by the
sha256 that the pins give. Nothing is compiled.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

import msgspec

from lab.builds.builder_container import Mounted, run_in
from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import build_steps
from lab.core.errors import DataError, SupplyError, Unreachable
from lab.core.names import Edition
from lab.core.progress import Progress, silent
from lab.disk.content import file_sha256
from lab.disk.paths import LOGS, home
from lab.disk.whole import write_whole
from lab.engines.docker_sdk import DockerClient

LOCK_NAME = "Cargo.lock"
_LARGEST_LOCK_BYTES = 16 << 20
_TRY_ONLINE = "run once where cargo reaches its registry; what it fetches is kept below LAB_HOME"
_DO_NOT_USE = "do not use it: the registry serves another file than was pinned"


class LockedCrate(msgspec.Struct, frozen=True):
    """One package of a Cargo.lock.

    Attributes:
        name: of the crate.
        version: exact.
        checksum: sha256 of the crate's file; None for what is built from the checkout.
        depends_on: crates it may use, as ``name version``.
    """

    name: str
    version: str
    checksum: str | None
    depends_on: tuple[str, ...]

    @property
    def id(self) -> str:
        """``name version``; a lock holds no two of one id that matter here."""
        return f"{self.name} {self.version}"


class _Package(msgspec.Struct, frozen=True):
    name: str
    version: str
    checksum: str | None = None
    dependencies: tuple[str, ...] = ()


class _CargoLock(msgspec.Struct, frozen=True):
    package: tuple[_Package, ...]


def parse_lock(content: bytes, of: str) -> dict[str, LockedCrate]:
    """Every package of a Cargo.lock by its id.

    Args:
        content: of the file.
        of: whose it is, for the message.

    Raises:
        DataError: it is no Cargo.lock.
    """
    try:
        packages = msgspec.toml.decode(content, type=_CargoLock).package
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"the {LOCK_NAME} of {of} is damaged: {error}", "get its sources again") from error
    by_name: dict[str, list[str]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package.version)

    def identify(reference: str) -> str:
        # "name", or "name version" where the lock holds several, or "name version (source)"
        name, *version = reference.split()[:2]
        return f"{name} {version[0] if version else by_name.get(name, ['?'])[0]}"

    return {
        f"{package.name} {package.version}": LockedCrate(
            package.name, package.version, package.checksum, tuple(map(identify, package.dependencies))
        )
        for package in packages
    }


def reachable(lock: dict[str, LockedCrate], root: str, of: str) -> tuple[LockedCrate, ...]:
    """The package of that name, first, and every one that it rests on: at most these were compiled.

    A lock covers all features, targets and tests; which of them a build needed, it does not say.

    Raises:
        DataError: the lock has no such package.
    """
    start = next((crate for crate in lock.values() if crate.name == root), None)
    if start is None:
        raise DataError(f"the {LOCK_NAME} of {of} has no package {root}", "get its sources again")
    found = {start.id: start}
    pending = [start]
    while pending:
        for reference in pending.pop().depends_on:
            if reference in lock and reference not in found:
                found[reference] = lock[reference]
                pending.append(lock[reference])
    first, *others = found.values()
    return (first, *sorted(others, key=lambda crate: crate.id))


def lock_of_crate(crate: Path) -> bytes:
    """The Cargo.lock within a crate's file.

    Raises:
        DataError: it has none, or is no crate.
    """
    try:
        with tarfile.open(crate, mode="r:gz") as tar:
            for member in tar:
                parts = member.name.split("/")
                if member.isreg() and parts[1:] == [LOCK_NAME] and member.size <= _LARGEST_LOCK_BYTES:
                    content = tar.extractfile(member) or io.BytesIO()
                    return content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{crate} is no crate: {error}", "delete it; it is fetched again") from error
    raise DataError(f"{crate} carries no {LOCK_NAME}", "its crates cannot be listed")


def fetch_crate(client: DockerClient, name: str, version: str, sha256: str, progress: Progress = silent) -> Path:
    """A crate's file, from LAB_HOME or through cargo in the toolchain's container.

    Args:
        client: connection to the container engine.
        name: of the crate.
        version: exact.
        sha256: pinned.
        progress: called with what is fetched, and with the toolchain's build if it is not here.

    Raises:
        Unreachable: cargo cannot get it.
        SupplyError: what came is not what was pinned.
        BuildFailed, NoSpace: the toolchain's image could not be made.
    """
    kept = home() / "downloads" / f"{sha256[:16]}-{name}-{version}.crate"
    if kept.is_file() and file_sha256(kept) == sha256:
        return kept
    toolchain = Catalogue(Edition.CURRENT, client).stage("toolchain")
    failures = build_steps([toolchain], client, progress)
    if toolchain.tag in failures:
        raise failures[toolchain.tag]
    progress(f"crate {name}", f"fetching {version}")
    log = LOGS / f"crate-{name}-{version}.log"
    with tempfile.TemporaryDirectory(prefix="lab-crate-", dir=_made(home() / "scratch")) as scratch:
        # `cargo info` downloads the crate that it describes, and nothing that the crate depends on
        script = (
            f"cargo info --registry crates-io {name}@{version} && "
            f"cp /cargo/registry/cache/*/{name}-{version}.crate /out/crate"
        )
        mounts = (Mounted(Path(scratch), "/out"), Mounted(_made(home() / "cargo" / "registry"), "/cargo"))
        code = run_in(client, toolchain.tag, script, mounts, log, lambda _line, _done: None)
        fetched = Path(scratch) / "crate"
        if code != 0 or not fetched.is_file():
            raise Unreachable(f"cargo cannot get {name} {version}: {log}", _TRY_ONLINE)
        if (found := file_sha256(fetched)) != sha256:
            raise SupplyError(f"{name} {version} has sha256 {found[:16]}…, and {sha256[:16]}… is pinned", _DO_NOT_USE)
        write_whole(kept, fetched.read_bytes())
    return kept


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
