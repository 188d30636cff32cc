"""Binaries from outside: by checksum or not at all."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import lzma
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.builds import artifacts, supplies
from lab.builds.pins import Artifact, Upstream
from lab.core.errors import SupplyError, Unreachable

PLACE = "usr/local/bin/tool"
TOOL = Artifact("tool.xz")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "shelf").mkdir()
    return tmp_path / "shelf"


@pytest.fixture
def server(shelf: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=shelf)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def release(shelf: Path, members: dict[str, bytes]) -> str:
    """Put a release tarball on the shelf; its sha256."""
    with tarfile.open(shelf / "tool.tar.xz", "w:xz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return hashlib.sha256((shelf / "tool.tar.xz").read_bytes()).hexdigest()


def test_a_released_tarball_is_laid_out_as_the_pins_say(server: str, shelf: Path) -> None:
    checksum = release(shelf, {"tool-1/bin/tool": b"binary", "tool-1/lib/a.so": b"a", "tool-1/lib/b.so": b"b"})
    members = {"tool-1/bin/tool": PLACE, "tool-1/lib": "usr/local/lib"}
    prebuilt = supplies.take_upstream(Upstream(f"{server}/tool.tar.xz", checksum, members))
    assert prebuilt.directory is not None
    assert prebuilt.identity == checksum
    assert (prebuilt.directory / PLACE).read_bytes() == b"binary"
    assert sorted(path.name for path in (prebuilt.directory / "usr/local/lib").iterdir()) == ["a.so", "b.so"]


def test_a_released_tarball_is_downloaded_once(server: str, shelf: Path) -> None:
    upstream = Upstream(f"{server}/tool.tar.xz", release(shelf, {"tool": b"binary"}), {"tool": PLACE})
    first = supplies.take_upstream(upstream)
    (shelf / "tool.tar.xz").unlink()
    assert supplies.take_upstream(upstream) == first


def test_a_tarball_with_another_checksum_is_refused_and_leaves_nothing(server: str, shelf: Path, home: Path) -> None:
    release(shelf, {"tool": b"binary"})
    with pytest.raises(SupplyError, match="not the file that was pinned") as caught:
        supplies.take_upstream(Upstream(f"{server}/tool.tar.xz", "0" * 64, {"tool": PLACE}))
    assert not isinstance(caught.value, Unreachable)
    assert not any(path.is_file() for path in (home / "runtimes").rglob("*"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/tool.tar.xz", "{server}/absent.tar.xz"])
def test_a_host_that_does_not_answer_is_distinguished_from_a_wrong_file(server: str, url: str) -> None:
    with pytest.raises(Unreachable):
        supplies.take_upstream(Upstream(url.format(server=server), "0" * 64, {"tool": PLACE}))


def test_a_tarball_without_the_pinned_member_is_refused(server: str, shelf: Path) -> None:
    checksum = release(shelf, {"other": b"binary"})
    with pytest.raises(SupplyError, match="holds no tool"):
        supplies.take_upstream(Upstream(f"{server}/tool.tar.xz", checksum, {"tool": PLACE}))


def test_a_saved_artifact_is_taken_back_bit_by_bit(shelf: Path) -> None:
    supplies.save_artifact(shelf, "tool.xz", b"binary")
    supplies.save_artifact(shelf, "other.xz", b"other")
    assert set(artifacts.read_sums(shelf)) == {"tool.xz", "other.xz"}
    prebuilt = supplies.take_artifact(shelf, TOOL, PLACE)
    assert prebuilt is not None
    assert prebuilt.directory is not None
    assert (prebuilt.directory / PLACE).read_bytes() == b"binary"
    assert (prebuilt.directory / PLACE).stat().st_mode & 0o111


def test_an_artifact_that_is_not_listed_is_no_supply(shelf: Path) -> None:
    supplies.save_artifact(shelf, "other.xz", b"other")
    (shelf / "tool.xz").write_bytes(lzma.compress(b"smuggled in"))
    assert supplies.take_artifact(shelf, TOOL, PLACE) is None


def test_an_artifact_with_a_pinned_checksum_is_taken_with_that_one_only(shelf: Path) -> None:
    checksum = supplies.save_artifact(shelf, "tool.xz", b"binary")
    assert supplies.take_artifact(shelf, Artifact("tool.xz", checksum), PLACE) is not None
    supplies.save_artifact(shelf, "tool.xz", b"another, listed by whoever wrote it")
    with pytest.raises(SupplyError, match=f"the pins {checksum[:16]}"):
        supplies.take_artifact(shelf, Artifact("tool.xz", checksum), PLACE)


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_an_artifact_that_differs_from_its_checksum_is_refused(shelf: Path, damage: str) -> None:
    supplies.save_artifact(shelf, "tool.xz", b"binary")
    if damage == "changed":
        (shelf / "tool.xz").write_bytes(lzma.compress(b"another"))
    else:
        (shelf / "tool.xz").unlink()
    with pytest.raises(SupplyError, match="SHA256SUMS says"):
        supplies.take_artifact(shelf, TOOL, PLACE)


def test_an_artifact_directory_without_checksums_is_refused(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_ARTIFACTS", str(shelf))
    with pytest.raises(SupplyError, match="SHA256SUMS"):
        artifacts.artifacts_directory()


def test_checksums_in_capital_letters_are_the_same_checksums(shelf: Path) -> None:
    supplies.save_artifact(shelf, "tool.xz", b"binary")
    sums = shelf / "SHA256SUMS"
    checksum, _, name = sums.read_text().partition(" ")
    sums.write_text(f"{checksum.upper()} {name}")
    assert supplies.take_artifact(shelf, TOOL, PLACE) is not None


@pytest.mark.parametrize("packed", [b"no xz at all", lzma.compress(b"binary" * 1000)[:-20]], ids=["no xz", "cut short"])
def test_an_artifact_that_cannot_be_unpacked_is_refused_and_leaves_nothing(
    shelf: Path, home: Path, packed: bytes
) -> None:
    (shelf / "tool.xz").write_bytes(packed)
    (shelf / "SHA256SUMS").write_text(f"{hashlib.sha256(packed).hexdigest()}  tool.xz\n")
    with pytest.raises(SupplyError, match="no whole xz file"):
        supplies.take_artifact(shelf, TOOL, PLACE)
    assert not any(path.is_file() for path in (home / "runtimes").rglob("*"))


def test_a_list_of_checksums_that_is_no_text_is_refused(shelf: Path) -> None:
    (shelf / "SHA256SUMS").write_bytes(b"\xff\xfe")
    with pytest.raises(SupplyError, match="not UTF-8"):
        artifacts.read_sums(shelf)
