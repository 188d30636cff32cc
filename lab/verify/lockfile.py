"""``lab.lock``: the bytes that every machine must arrive at, committed beside the sources they are made from.

Nothing in it depends on a processor: frozen graphs, inputs, guest builds, and the output tensors of wasm guests.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.core.errors import DataError
from lab.disk.content import decode_bytes

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
    try:
        lock = decode_bytes(path.read_bytes(), Lock)
    except FileNotFoundError:
        return Lock()
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}", "restore it: `git checkout lab.lock`") from error
    if lock.schema != LOCK_SCHEMA:
        raise DataError(f"{path} has schema {lock.schema}, this lab reads {LOCK_SCHEMA}", "use the lab that wrote it")
    return lock


def write_lock(lock: Lock, path: Path = LOCK_PATH) -> None:
    """Write the lock, keys in order, so that a change shows as one line."""
    content = msgspec.json.encode(lock, order="sorted")
    path.write_bytes(msgspec.json.format(content, indent=1) + b"\n")
