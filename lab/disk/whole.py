"""Files and directories that appear whole: a reader sees the old content or the new one, never a part.

Everything is written to a temporary place beside the destination, flushed to the disk, and renamed; then the rename
itself is flushed. On failure nothing stays behind. A lock on the temporary directory distinguishes what a running
process is writing from what a killed one left, so `remove_leftovers` is safe while others work.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_SUFFIX = ".part"


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put content in place as a file; it survives a power cut once this returns.

    Args:
        path: the destination; its directory is made if need be.
        content: the whole new content.
        mode: permissions of the file.

    Raises:
        OSError: it could not be written; the destination is as it was.
    """
    with whole_file(path, mode=mode) as draft:
        draft.write_bytes(content)


def write_json(path: Path, record: msgspec.Struct) -> None:
    """Put a record in place as indented JSON, for people and programs.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


@contextmanager
def whole_file(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """A temporary file beside `path`, which takes its place when the block ends without an error.

    The file exists and is empty when the block begins; the block writes to it by name.

    Raises:
        OSError: it could not be written; the destination is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(mode)
        _sync(draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextmanager
def draft_directory(parent: Path, name: str) -> Iterator[Path]:
    """An empty temporary directory in `parent`, removed when the block ends unless `publish` gave it its place.

    Args:
        parent: where it is made; made itself if need be. It must be on the file system of the later destination.
        name: name of the later destination; part of the temporary name.
    """
    parent.mkdir(parents=True, exist_ok=True)
    directory, descriptor = _locked_directory(parent, name)
    try:
        directory.chmod(0o755)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _locked_directory(parent: Path, name: str) -> tuple[Path, int]:
    """A fresh temporary directory and the descriptor that locks it.

    Until it is locked, `remove_leftovers` of another process may take it for one that a killed process left.
    """
    while True:
        directory = Path(tempfile.mkdtemp(dir=parent, prefix=f".{name}.", suffix=_SUFFIX))
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return directory, descriptor
        os.close(descriptor)


@contextmanager
def whole_directory(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary directory beside `path`, which takes its place when the block ends without an error.

    Args:
        path: the destination.
        replace: whether a directory that is there already gives way; otherwise it stays, and the new one is dropped.

    Raises:
        OSError: it could not be written.
    """
    with draft_directory(path.parent, path.name) as draft:
        yield draft
        publish(draft, path, replace=replace)


def publish(draft: Path, path: Path, *, replace: bool = False) -> bool:
    """Flush a directory with all that is in it, and give it its name.

    Args:
        draft: the finished directory.
        path: its destination, on the same file system.
        replace: whether a directory that is there already gives way; otherwise it stays, and `draft` is left alone.

    Returns:
        Whether the draft is at its destination now.

    Raises:
        OSError: it could not be flushed or renamed.
    """
    for file in sorted(draft.rglob("*"), reverse=True):
        if not file.is_symlink():
            _sync(file)
    _sync(draft)
    while True:
        try:
            draft.rename(path)
        except OSError:
            # a directory that holds something cannot be replaced in one step: the old one steps aside first
            if not path.is_dir():
                raise
            if not replace:
                return False
            _set_aside(path)
        else:
            break
    _sync(path.parent)
    return True


def remove_leftovers(parent: Path) -> int:
    """Remove the temporary directories that killed processes left in `parent`; those in use are kept.

    Returns:
        How many were removed.
    """
    removed = 0
    for leftover in parent.glob(f".*{_SUFFIX}"):
        try:
            descriptor = os.open(leftover, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone by now, or a file: those are small, and replaced within moments
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(leftover, ignore_errors=True)
            removed += 1
        finally:
            os.close(descriptor)
    return removed


def sync_directory(directory: Path) -> None:
    """Make a directory's entries (new, renamed or removed files) survive a power cut."""
    _sync(directory)


def _set_aside(path: Path) -> None:
    """Take a directory from its place and remove it; another process may do the same at the same time."""
    with draft_directory(path.parent, path.name) as aside:
        try:
            path.rename(aside / "old")
        except FileNotFoundError:
            return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
