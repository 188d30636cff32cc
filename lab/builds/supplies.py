"""Runtime binaries from outside, all by checksum: released tarballs, and a directory of the user's (``LAB_ARTIFACTS``).

The third supply, a build from package registries, is the Dockerfile's.
"""

from __future__ import annotations

import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from lab.builds.artifacts import SUMS, add_sums, checked, read_sums
from lab.builds.pins import Artifact, Upstream
from lab.builds.steps.context import digest, files_under
from lab.builds.steps.planner import PrebuiltFiles
from lab.core.errors import SupplyError
from lab.core.progress import Progress, silent
from lab.core.units import show_bytes
from lab.disk.content import sha256
from lab.disk.download import download
from lab.disk.locks import lock
from lab.disk.paths import home
from lab.disk.whole import whole_directory, write_whole

_CHUNK_BYTES = 2**20
LARGEST_BINARY_BYTES = 2**30


def take_artifact(directory: Path, artifact: Artifact, place: str) -> PrebuiltFiles | None:
    """Unpack an artifact for an image.

    Args:
        directory: the directory of artifacts.
        artifact: its pin.
        place: where the binary goes in the image, such as ``usr/local/bin/wavm``.

    Returns:
        The unpacked files; None if the directory does not list that file.

    Raises:
        SupplyError: the file is not what the directory's checksum says, or that is not the pinned one.
    """
    expected = read_sums(directory).get(artifact.file)
    if expected is None:
        return None
    if artifact.sha256 not in {None, expected}:
        listed = f"{directory / SUMS} lists {expected[:16]}… for {artifact.file}, the pins {artifact.sha256[:16]}…"
        raise SupplyError(listed, "use the directory that was meant, or correct lab/builds/pins.toml")
    source = checked(directory, artifact.file, expected)

    def lay_out(tree: Path) -> None:
        binary = tree / place
        binary.parent.mkdir(parents=True)
        _decompress(source, binary)
        binary.chmod(0o755)

    return PrebuiltFiles(expected, _laid_out(expected, lay_out))


def _laid_out(identity: str, lay_out: Callable[[Path], None]) -> Path:
    """The directory of what was unpacked from a file of that checksum: unpacked again unless it is as it was then.

    Names, executable bits and contents are compared with a record beside the directory. One without a record, as
    earlier versions of the lab left it, is unpacked again, too.
    """
    target = home() / "runtimes" / identity[:16]
    record = target.with_name(f"{target.name}.sha256")
    with lock(f"runtimes-{target.name}"):
        if not record.is_file() or record.read_bytes() != _record_of(target):
            with whole_directory(target, replace=True) as tree:
                lay_out(tree)
            write_whole(record, _record_of(target))
    return target


def _record_of(directory: Path) -> bytes:
    """One line: a digest over every file; of a directory that is missing or empty, over none."""
    files = files_under(directory, ".") if any(path.is_file() for path in directory.rglob("*")) else {}
    return f"{digest(files)}\n".encode()


def _decompress(source: Path, binary: Path) -> None:
    """Unpack one xz-compressed binary.

    Raises:
        SupplyError: it is no xz file, or holds more than any runtime does.
    """
    try:
        with lzma.open(source) as packed, binary.open("wb") as unpacked:
            while chunk := packed.read(_CHUNK_BYTES):
                unpacked.write(chunk)
                if unpacked.tell() > LARGEST_BINARY_BYTES:
                    too_much = f"{source} unpacks to more than {show_bytes(LARGEST_BINARY_BYTES)}"
                    raise SupplyError(too_much, "check what it is; no runtime is as large")
    except (lzma.LZMAError, EOFError) as error:
        remedy = "compress the binary with xz, or write it with `lab build --save-artifacts DIR`"
        raise SupplyError(f"{source} is no whole xz file: {error}", remedy) from error


def take_upstream(upstream: Upstream, progress: Progress = silent) -> PrebuiltFiles:
    """Download a released tarball, check its checksum, and unpack the members an image wants.

    Raises:
        Unreachable: its host does not answer.
        SupplyError: what came is not what was pinned.
    """

    def lay_out(tree: Path) -> None:
        progress(f"download {PurePosixPath(upstream.url).name}", upstream.url)
        with tarfile.open(_download(upstream.url, upstream.sha256)) as tar:
            for member, place in upstream.members.items():
                _unpack(tar, member, tree / place, upstream.url)

    return PrebuiltFiles(upstream.sha256, _laid_out(upstream.sha256, lay_out))


def _download(url: str, checksum: str) -> Path:
    return download(
        url,
        f"sha256:{checksum}",
        home() / "downloads" / f"{checksum[:16]}-{PurePosixPath(url).name}",
        unreachable_remedy="another supply is tried; name one with LAB_ARTIFACTS",
        mismatch_remedy="do not use it; compare with the project's release page, and correct lab/builds/pins.toml if "
        "that changed",
    )


def _unpack(tar: tarfile.TarFile, member: str, place: Path, url: str) -> None:
    wanted = [entry for entry in tar.getmembers() if f"{entry.name.removeprefix('./')}/".startswith(f"{member}/")]
    if not wanted:
        raise SupplyError(f"{url} holds no {member}", "correct `members` in lab/builds/pins.toml")
    with tempfile.TemporaryDirectory() as scratch:
        tar.extractall(scratch, wanted, filter="data")  # refuses members that would land elsewhere
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(scratch) / member, place)


def save_artifact(directory: Path, file: str, binary: bytes) -> str:
    """Compress a binary into an artifact directory and list it.

    Returns:
        The sha256 of the compressed file.
    """
    packed = lzma.compress(binary, preset=6)
    write_whole(directory / file, packed)
    add_sums(directory, {file: sha256(packed)})
    return sha256(packed)
