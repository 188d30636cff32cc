"""Records that show their own damage."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.disk.checked import has_check, read_checked, write_checked
from tests.damage import change_a_byte


class Figures(msgspec.Struct, frozen=True):
    """What a cache knows of a file."""

    compile_ns: int
    toolchain: str | None = None


RECORD = Figures(123_456_789, "rustc 1.96.0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_checked(tmp_path / "record.json", RECORD)
    return tmp_path / "record.json"


def test_a_record_is_read_as_it_was_written(path: Path) -> None:
    assert read_checked(path, Figures) == RECORD
    assert has_check(path)


def test_a_record_with_any_one_byte_changed_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for at in range(len(content)):
        change_a_byte(path, at)
        with pytest.raises(ValueError, match=r"."):
            read_checked(path, Figures)
        path.write_bytes(content)


def test_a_record_that_was_cut_short_is_refused_or_all_that_it_says_is_there(path: Path) -> None:
    content, refused = path.read_bytes(), 0
    for length in range(len(content)):
        path.write_bytes(content[:length])
        try:
            assert read_checked(path, Figures) == RECORD
        except ValueError:
            refused += 1
    assert refused == len(content) - 2, (
        "the JSON alone, with and without the end of its line, is a record of earlier labs"
    )


def test_a_record_in_another_files_place_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="not what was written"):
        read_checked(path.rename(path.with_name("another.json")), Figures)


def test_a_record_of_an_earlier_lab_is_read_unchecked(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(RECORD))
    assert read_checked(path, Figures) == RECORD
    assert not has_check(path)
