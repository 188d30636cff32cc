"""Hashes of files, and JSON files that are damaged in every way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from lab.core.errors import DataError
from lab.disk.content import decode_json, file_sha256, sha256


class Record(msgspec.Struct):
    name: str


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert file_sha256(tmp_path / "file") == sha256(b"content") == hashlib.sha256(b"content").hexdigest()


def test_a_sound_file_is_decoded_into_its_type(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b'{"name":"a"}')
    assert decode_json(tmp_path / "file", Record, "remedy").name == "a"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"name":1}', b"[]", b'{"name":"\xff"}', b"[" * 100_000, b'{"name":"a","deep":' + b"[" * 100_000],
)
def test_a_damaged_file_is_a_data_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match="file is damaged") as caught:
        decode_json(tmp_path / "file", Record, "restore it")
    assert caught.value.remedy == "restore it"


def test_a_file_that_cannot_be_read_is_a_data_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent cannot be read: No such file"):
        decode_json(tmp_path / "absent", Record, "restore it")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        decode_json(tmp_path, Record, "restore it")
