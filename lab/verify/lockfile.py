"""``lab.lock``: the bytes that every machine must arrive at, committed beside the sources they are made from.

Nothing in it depends on a processor: frozen graphs, inputs, guest builds, and the output tensors of wasm guests.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.verify.locked_file import locked_bytes, read_locked

LOCK_PATH = Path(__file__).resolve().parents[2] / "lab.lock"

# Version history:
#     1  first
LOCK_SCHEMA = 1


class LockedModel(msgspec.Struct, frozen=True):
    """A seeded model.

    Attributes:
        graph_sha256: hash of the frozen graph.
        input_sha256: hash of the input, by batch size.
    """

    graph_sha256: str
    input_sha256: dict[str, str]


class LockedEdition(msgspec.Struct, frozen=True):
    """What one edition adds.

    Attributes:
        guests: sha256 by ``target/profile``.
        outputs: by guest, then by ``model bBATCH``: sha256 of a wasm guest's output tensors.
    """

    guests: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {}


class Lock(msgspec.Struct, frozen=True):
    """The whole lock."""

    schema: int = LOCK_SCHEMA
    models: dict[str, LockedModel] = {}
    editions: dict[str, LockedEdition] = {}

    def edition(self, name: str) -> LockedEdition:
        """An edition's part; empty if nothing of it is locked."""
        return self.editions.get(name, LockedEdition())


def read_lock(path: Path = LOCK_PATH) -> Lock:
    """The committed lock; an empty one if there is no file.

    Raises:
        DataError: it is damaged, or of an unknown schema version.
    """
    return read_locked(path, Lock())


def write_lock(lock: Lock, path: Path = LOCK_PATH) -> None:
    """Write the lock, keys in order, so that a change shows as one line."""
    path.write_bytes(locked_bytes(lock))
