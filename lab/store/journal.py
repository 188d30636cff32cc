"""The journal's one writer: ``trials.jsonl`` is appended to with fsync, and never rewritten.

What is on disk after a kill -9 or a power cut is every trial whose `Journal.append` returned, and perhaps a torn last
line, which the next writer cuts off.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from lab.core.errors import NoSpace, UsageError
from lab.core.trial import Trial
from lab.disk.whole import sync_directory
from lab.store.journal_format import JOURNAL_NAME, encode_line, is_whole_line, read_batches, read_trials

__all__ = ["JOURNAL_NAME", "Journal", "read_batches", "read_trials", "write_journal"]


class Journal:
    """The one writer of a journal; a context manager that holds the file's lock.

    Attributes:
        path: the file.
        next_number: the `number` of the next trial, which is also how many trials are stored.
        cut_bytes: length of the torn last line that opening cut off; 0 if the file ended cleanly.
    """

    def __init__(self, path: Path) -> None:
        """Open for appending, creating the file if need be.

        Raises:
            UsageError: another process is writing to it.
            DataError: a line other than a torn last one is damaged.
        """
        self.path = path
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._lock()
            self.cut_bytes = self._cut_torn_line()
            self.next_number = sum(len(batch) for batch in read_batches(path))
            if is_new:
                sync_directory(path.parent)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"{self.path} is being written by another process",
                "wait until that run has ended, or stop it (Ctrl-C) and repeat the command",
            ) from error

    def _cut_torn_line(self) -> int:
        size = os.fstat(self._descriptor).st_size
        end = size
        while end > 0:
            start = max(0, end - 65536)
            newline = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size and is_whole_line(os.pread(self._descriptor, size - end, end)):
            # only the newline is missing: an editor took it, or the write was cut at that very byte
            _write_whole(self._descriptor, b"\n")
            os.fsync(self._descriptor)
            return 0
        if end < size:
            os.ftruncate(self._descriptor, end)
            os.fsync(self._descriptor)
        return size - end

    def append(self, trial: Trial) -> Trial:
        """Number a trial and store it; when this returns it survives a kill -9 and a power cut.

        Args:
            trial: its `number` is ignored: the journal alone numbers trials.

        Returns:
            The trial as it is stored.

        Raises:
            NoSpace: the disk is full; the journal is left as it was.
        """
        trial = msgspec.structs.replace(trial, number=self.next_number)
        line, size = encode_line(trial), os.fstat(self._descriptor).st_size
        try:
            _write_whole(self._descriptor, line)
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise NoSpace(f"{self.path} cannot grow: the disk is full", "free some space and resume") from error
        self.next_number += 1
        return trial

    def close(self) -> None:
        """Let go of the file and its lock."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        """The journal itself; opening it took the lock."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _write_whole(descriptor: int, content: bytes) -> None:
    """Write in one call, so that no other writer's bytes can come between; a short write means a full disk."""
    if os.write(descriptor, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write_journal(path: Path, trials: Iterable[Trial]) -> int:
    """Write a whole journal at once, with one fsync; for imports, merges and benchmarks.

    Returns:
        How many trials; they are numbered from 0 in the order given.
    """
    count = 0
    with path.open("xb") as file:
        for trial in trials:
            file.write(encode_line(msgspec.structs.replace(trial, number=count)))
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return count
