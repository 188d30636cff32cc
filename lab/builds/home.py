"""Where builds live: the checkout they read from, its logs, and the locks that keep two of them apart."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.core.places import home

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "logs"


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock of that name against other threads and processes of this user; a dead holder's lock is free."""
    directory = home() / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name.replace("/", "_")).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
