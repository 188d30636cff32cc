"""Downloads: the right file, a wrong one, no host, and archives in slim's layout."""

from __future__ import annotations

import hashlib
import tarfile
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from lab.core.errors import ModelError, SupplyError
from lab.zoo.published_weights import MIRROR_VARIABLE, RECORD_FILE, SUPPLIES, PublishedWeights, fetch, place, unpack

CONTENT = b"weights" * 1000
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        return


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """A server of one directory that holds ``w.tgz``."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "w.tgz").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_file_is_downloaded_once_and_kept(host: str, tmp_path: Path) -> None:
    supply = PublishedWeights(f"{host}/w.tgz", SHA256)
    assert fetch(supply, tmp_path / "d").read_bytes() == CONTENT
    (tmp_path / "served" / "w.tgz").unlink()
    assert fetch(supply, tmp_path / "d").read_bytes() == CONTENT


def test_a_file_with_another_checksum_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(SupplyError, match="not the file that was pinned"):
        fetch(PublishedWeights(f"{host}/w.tgz", "sha256:" + "0" * 64), tmp_path / "d")
    assert not (tmp_path / "d" / "w.tgz").exists()


def test_an_unpublished_checksum_is_recorded_and_held_to(host: str, tmp_path: Path) -> None:
    supply = PublishedWeights(f"{host}/w.tgz", None)
    fetch(supply, tmp_path / "d")
    assert msgspec.json.decode((tmp_path / "d" / RECORD_FILE).read_bytes()) == {"w.tgz": SHA256}
    (tmp_path / "d" / "w.tgz").unlink()
    (tmp_path / "served" / "w.tgz").write_bytes(b"something else")
    with pytest.raises(SupplyError, match="not the file that was pinned"):
        fetch(supply, tmp_path / "d")


def test_a_host_that_does_not_answer_is_said_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(SupplyError) as refusal:
        fetch(SUPPLIES["mobilenet_v1_0.25_128"], tmp_path)
    assert time.monotonic() - started < 15
    assert "seeded" in refusal.value.remedy


def test_a_missing_file_is_a_supply_error(host: str, tmp_path: Path) -> None:
    with pytest.raises(SupplyError, match="404"):
        fetch(PublishedWeights(f"{host}/other.tgz", None), tmp_path / "d")


def test_a_mirror_serves_the_same_names(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, f"{host}/")
    assert (
        fetch(PublishedWeights("http://nowhere.invalid/models/w.tgz", SHA256), tmp_path / "d").read_bytes() == CONTENT
    )


def test_a_users_file_takes_the_place_of_its_download_if_it_is_the_right_one(tmp_path: Path) -> None:
    supply = PublishedWeights("http://nowhere.invalid/w.tgz", SHA256)
    mine = tmp_path / "mine"
    mine.write_bytes(CONTENT)
    place(supply, mine, tmp_path / "d")
    assert fetch(supply, tmp_path / "d").read_bytes() == CONTENT
    mine.write_bytes(CONTENT + b"!")
    with pytest.raises(SupplyError, match=r"not the published w\.tgz"):
        place(supply, mine, tmp_path / "d")


@pytest.mark.parametrize(
    ("members", "prefix"),
    [
        (("m.ckpt.index", "m.ckpt.data-00000-of-00001", "m.ckpt.meta"), "m.ckpt"),
        (("deep/model.ckpt-906808.index", "deep/model.ckpt-906808.data-00000-of-00001"), "deep/model.ckpt-906808"),
        (("vgg_16.ckpt",), "vgg_16.ckpt"),
    ],
)
def test_a_checkpoint_is_found_in_an_archive(tmp_path: Path, members: tuple[str, ...], prefix: str) -> None:
    archive = packed(tmp_path, members)
    assert unpack(archive, tmp_path / "out") == tmp_path / "out" / prefix


def test_an_archive_without_checkpoint_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    archive = packed(tmp_path, ("readme.txt",))
    with pytest.raises(ModelError, match="holds no checkpoint"):
        unpack(archive, tmp_path / "out")
    archive.write_bytes(archive.read_bytes()[:20])
    with pytest.raises(ModelError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")


def packed(directory: Path, members: tuple[str, ...]) -> Path:
    for member in members:
        (directory / "in" / member).parent.mkdir(parents=True, exist_ok=True)
        (directory / "in" / member).write_bytes(b"x")
    archive = directory / "a.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(directory / "in", arcname=".")
    return archive
