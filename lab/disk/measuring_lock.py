"""One measurement or build at a time on a machine: whatever else uses a processor shows in what is measured.

The lock is a file that every user of the machine may write to, wherever their caches are: ``wasm-edge-lab.measuring``
in `PLACES`, or in the directory that ``LAB_LOCKS`` names (for labs in containers that share one machine). The kernel
holds it for a process and frees it when the process ends, however it ends; what the file says of its holder is for
people.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.core.errors import MachineBusy, UsageError
from lab.disk.content import decode_bytes

PLACES = (Path("/run/lock"), Path("/tmp"))  # noqa: S108 - shared by all users on purpose
NAME = "wasm-edge-lab.measuring"
POLL_S = 1.0
_ANYONE = 0o666


class Holder(msgspec.Struct, frozen=True):
    """Who measures or builds.

    Attributes:
        pid: id of the process, in its own process namespace.
        user: its name.
        command: its command line.
        activity: the experiment or campaign, or what is built.
        since: when it took the lock; ISO 8601, UTC.
    """

    pid: int
    user: str
    command: str
    activity: str
    since: str

    def __str__(self) -> str:
        """Describe the holder for readers."""
        return f"`{self.command}` ({self.activity}; process {self.pid} of {self.user}) since {self.since}"


class MeasuringLock:
    """A lock that is held."""

    def __init__(self, descriptor: int, holder: Holder) -> None:
        self._descriptor = descriptor
        self._holder = holder
        self.describe(holder.activity)

    def describe(self, activity: str) -> None:
        """Say what is being measured or built from now on."""
        self._holder = msgspec.structs.replace(self._holder, activity=activity)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, msgspec.json.encode(self._holder), 0)


@contextmanager
def measuring_lock(
    command: str,
    activity: str,
    *,
    waiting: Callable[[Holder | None], None] | None = None,
    directory: Path | None = None,
) -> Iterator[MeasuringLock]:
    """Hold this machine's only permission to measure or to build.

    Args:
        command: command line of this process, for whoever has to wait.
        activity: what the lock is held for.
        waiting: called every second while another process holds the lock, with what is known of it; None to give up
            at once.
        directory: where the lock's file is; by default where every lab on this machine looks.

    Raises:
        MachineBusy: another process holds it; the message says which, and since when.
        UsageError: the file cannot be opened.
    """
    path = (directory or lock_directory()) / NAME
    descriptor = _open(path)
    try:
        while not _try_to_lock(descriptor):
            holder = _read_holder(descriptor)
            if waiting is None:
                raise MachineBusy(
                    f"this machine is in use by {holder or 'another lab'}",
                    "repeat the command with --wait, or wait until that process has ended",
                )
            waiting(holder)
            time.sleep(POLL_S)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        yield MeasuringLock(descriptor, Holder(os.getpid(), _user(), command, activity, since))
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def lock_directory() -> Path:
    """Return the directory in which every user of this machine may keep a lock; `LAB_LOCKS` overrides it."""
    named = os.environ.get("LAB_LOCKS")
    if named:
        return Path(named)
    shared = (place for place in PLACES if place.is_dir() and place.stat().st_mode & stat.S_IWOTH)
    return next(shared, Path(tempfile.gettempdir()))


def _open(path: Path) -> int:
    """The lock's file, made if need be. Where it belongs to another user, creating it again is not even attempted.

    Kernels refuse O_CREAT on another user's file in a directory with a sticky bit (fs.protected_regular).
    """
    for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_RDWR):
        try:
            descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, _ANYONE)
        except (FileNotFoundError, FileExistsError):
            continue  # made or removed in between
        except OSError as error:
            raise UsageError(
                f"{path} cannot be opened: {error.strerror}", "remove it, or have LAB_LOCKS name another directory"
            ) from error
        if flags & os.O_CREAT:
            os.fchmod(descriptor, _ANYONE)  # whatever this user's umask is
        return descriptor
    raise UsageError(f"{path} cannot be made", "have LAB_LOCKS name a directory that exists")


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(descriptor: int) -> Holder | None:
    """What the file says; None while the holder is writing it."""
    try:
        return decode_bytes(os.pread(descriptor, 1 << 16, 0), Holder)
    except ValueError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return str(os.getuid())
