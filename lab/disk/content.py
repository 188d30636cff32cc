"""Files by their content: hashes, and JSON that is decoded with an error that names the file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeVar

import msgspec

from lab.core.errors import DataError

T = TypeVar("T")


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes, read piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256(content: bytes | str) -> str:
    """Hexadecimal sha256 of bytes, or of a text's UTF-8 bytes."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def decode_json(path: Path, type_: type[T], remedy: str) -> T:
    """Read a JSON file into a typed record.

    Args:
        path: the file.
        type_: type of the record that it must hold.
        remedy: what the user should do about a file that is missing or damaged.

    Raises:
        DataError: it cannot be read, is no JSON, or does not hold that type; the message names the file.
    """
    try:
        return decode_bytes(path.read_bytes(), type_)
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}", remedy) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", remedy) from error


def decode_bytes(content: bytes, type_: type[T]) -> T:
    """Decode JSON from bytes, with one kind of error for everything that can be wrong with them.

    Raises:
        ValueError: no JSON, not UTF-8, nested too deeply, or not of that type.
    """
    try:
        return msgspec.json.decode(content, type=type_)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
