"""Locks that keep two processes of this user from doing the same work at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from lab.disk.paths import home


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock of that name against other threads and processes of this user; a dead holder's lock is free."""
    directory = home() / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name.replace("/", "_")).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
