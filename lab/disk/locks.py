"""Locks that keep two processes of this user from doing the same work at once."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.disk.paths import home


@contextmanager
def lock(name: str, *, directory: Path | None = None, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a lock of that name against other threads and processes of this user; a dead holder's lock is free.

    Args:
        name: name of the lock.
        directory: directory whose ``locks/`` holds it; by default the lab's cache.
        waiting: called once if another process or thread holds it.
    """
    locks = (directory or home()) / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / name.replace("/", "_")).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
