"""Where builds live: the checkout they read from, and the cache they write to."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "logs"


def lab_home() -> Path:
    """The cache directory: ``$LAB_HOME``, or this platform's place for caches."""
    given = os.environ.get("LAB_HOME")
    return Path(given) if given else user_cache_path("wasm-edge-lab")


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock of that name against other threads and processes of this user; a dead holder's lock is free."""
    directory = lab_home() / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name.replace("/", "_")).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
