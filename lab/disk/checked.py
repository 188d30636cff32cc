"""Records that show their own damage: JSON, then a line with a sha256 over that JSON and the name of the file.

Records that earlier versions of the lab left have no such line, and are read unchecked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

import msgspec

from lab.disk.content import decode_bytes, sha256
from lab.disk.whole import write_whole

T = TypeVar("T")
_CHECK = re.compile(rb"\n([0-9a-f]{64})\n\Z")


def write_checked(path: Path, record: msgspec.Struct) -> None:
    """Put a record in place with its check.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    document = msgspec.json.format(msgspec.json.encode(record), indent=2)
    write_whole(path, document + f"\n{_check(path, document)}\n".encode())


def read_checked(path: Path, type_: type[T]) -> T:
    """The record in a file.

    Raises:
        ValueError: the file is no such record, or not the one that was written there.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    check = _CHECK.search(content)
    if check is None:
        return decode_bytes(content, type_)
    document = content[: check.start()]
    if check[1].decode() != _check(path, document):
        raise ValueError("it is not what was written")
    return decode_bytes(document, type_)


def has_check(path: Path) -> bool:
    """Whether the record in a file has a check.

    Raises:
        OSError: it cannot be read.
    """
    return _CHECK.search(path.read_bytes()) is not None


def _check(path: Path, document: bytes) -> str:
    return sha256(path.name.encode() + b"\n" + document)
