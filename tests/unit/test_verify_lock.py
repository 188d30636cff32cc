"""The lock: what is written is read again, and damage is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.core.errors import DataError
from lab.verify.lockfile import Lock, LockedEdition, LockedModel, read_lock, write_lock

LOCK = Lock(
    models={"yunet": LockedModel("ab" * 32, {"1": "cd" * 32, "3": "ef" * 32})},
    editions={"current": LockedEdition({"wasm/o3": "01" * 32}, {"wasm/o3": {"yunet b1": "23" * 32}})},
)


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "lab.lock"
    write_lock(LOCK, path)
    assert read_lock(path) == LOCK


def test_the_order_in_which_things_were_locked_does_not_show(tmp_path: Path) -> None:
    models = {"b": LockedModel("b", {"3": "3", "1": "1"}), "a": LockedModel("a", {})}
    for name, order in (("one", sorted(models)), ("two", sorted(models, reverse=True))):
        write_lock(Lock(models={key: models[key] for key in order}), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_one_locked_thing_more_is_lines_more_and_no_line_else(tmp_path: Path) -> None:
    fewer = Lock(models=LOCK.models)
    for name, lock in (("fewer", fewer), ("more", LOCK)):
        write_lock(lock, tmp_path / name)
    before, after = ((tmp_path / name).read_text().splitlines() for name in ("fewer", "more"))
    assert len(after) > len(before)
    assert {line.rstrip(",") for line in before} - {line.rstrip(",") for line in after} == {' "editions": {}'}


def test_without_a_file_nothing_is_locked(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "lab.lock") == Lock()
    assert Lock().edition("current") == LockedEdition()


@pytest.mark.parametrize("content", [b"", b"{", b'{"models": 3}', b"\xff\xfe", b'{"models": {"\xff": {}}}'])
def test_a_damaged_lock_is_an_error_that_says_how_to_get_it_back(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lab.lock"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged") as caught:
        read_lock(path)
    assert "git checkout" in caught.value.remedy


def test_a_lock_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lab.lock"
    path.write_bytes(b'{"schema": 999}')
    with pytest.raises(DataError, match="schema 999"):
        read_lock(path)
