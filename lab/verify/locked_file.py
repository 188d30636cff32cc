"""Committed lists of what must come out: read whole or not at all, written so that a change shows as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from lab.core.errors import DataError
from lab.disk.content import decode_bytes


class _Locked(Protocol):
    @property
    def schema(self) -> int: ...


T = TypeVar("T", bound=_Locked)


def read_locked(path: Path, empty: T) -> T:
    """A committed list; the empty one if there is no file.

    Args:
        path: of the file.
        empty: of the list's type and of the schema version that this lab reads.

    Raises:
        DataError: the file is damaged, or of another schema version.
    """
    try:
        found = decode_bytes(path.read_bytes(), type(empty))
    except FileNotFoundError:
        return empty
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}", f"restore it: `git checkout {path.name}`") from error
    if found.schema != empty.schema:
        raise DataError(f"{path} has schema {found.schema}, this lab reads {empty.schema}", "use the lab that wrote it")
    return found


def locked_bytes(content: object) -> bytes:
    """The file's content, keys in order."""
    return msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=1) + b"\n"
