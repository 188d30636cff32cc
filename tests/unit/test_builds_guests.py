"""A guest that is kept is used only if it is the one that its record describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from lab.builds.guests import intact_build

WASM = b"\0asm and more"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory as a build leaves it."""
    (tmp_path / "guest.wasm").write_bytes(WASM)
    record = {"file": "guest.wasm", "sha256": hashlib.sha256(WASM).hexdigest(), "size_bytes": len(WASM)}
    (tmp_path / "build.json").write_bytes(msgspec.json.encode({**record, "toolchain": "rustc 1.85.1"}))
    return tmp_path


def test_a_guest_is_found_as_it_was_built(kept: Path) -> None:
    found = intact_build(kept)
    assert found is not None
    assert found.path.read_bytes() == WASM


@pytest.mark.parametrize("content", [b"", WASM[:-1], WASM[:-1] + b"X"], ids=["empty", "cut short", "changed"])
def test_a_guest_that_differs_from_its_record_is_built_again(kept: Path, content: bytes) -> None:
    (kept / "guest.wasm").write_bytes(content)
    assert intact_build(kept) is None


@pytest.mark.parametrize("record", [b"", b"{", b'{"file": "\xff"}', b"[" * 100_000])
def test_a_guest_whose_record_is_damaged_is_built_again(kept: Path, record: bytes) -> None:
    (kept / "build.json").write_bytes(record)
    assert intact_build(kept) is None


def test_a_guest_that_is_missing_beside_its_record_is_built_again(kept: Path) -> None:
    (kept / "guest.wasm").unlink()
    assert intact_build(kept) is None
