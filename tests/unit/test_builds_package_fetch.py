"""Package files on this machine: by sha256, from whichever archive still has them."""

from __future__ import annotations

import functools
import http.server
import lzma
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.builds.artifacts import read_sums
from lab.builds.debian import fetch as fetching
from lab.builds.debian.fetch import Archives, fetch, save
from lab.builds.debian.lock import architecture
from lab.builds.steps.dockerfile import follow
from lab.core.errors import PackagesMissing, SupplyError
from lab.core.progress import silent
from lab.disk.whole import write_whole
from tests.debian_archive import SUITE, deb, file_name, locked, pool, record

STAMP = "20260101T000000Z"
STAMPS = {"trixie": STAMP}
OLD, NEW = deb("tool", "1.0"), deb("tool", "1.1")
TOOL = locked("base", "tool", "1.0", OLD)
FILE = file_name("tool", "1.0")


@pytest.fixture(autouse=True)
def nothing_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_ARTIFACTS", raising=False)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """What the server gives out: ``mirror`` and ``snapshot``."""
    for kind in ("mirror", "snapshot"):
        write_whole(tmp_path / "shelf" / kind / "debian" / "README", b"")
    return tmp_path / "shelf"


@pytest.fixture
def archives(shelf: Path) -> Iterator[Archives]:
    """The mirror; no snapshot archive answers."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    fetching.snapshot_answers.cache_clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=shelf)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"
        yield Archives(lambda _: {"debian": f"{root}/mirror/debian"}, f"{root}/absent/{{archive}}/{{stamp}}")
        server.shutdown()


def offer(root: Path, version: str, content: bytes) -> None:
    """Put a version of the tool into an archive, with the index over it."""
    write_whole(root / "debian" / pool("tool", version), content)
    index = lzma.compress(record("tool", version, content).encode())
    write_whole(root / f"debian/dists/{SUITE}/main/binary-{architecture()}/Packages.xz", index)


def test_a_locked_file_comes_from_the_mirror_and_is_kept(shelf: Path, archives: Archives, tmp_path: Path) -> None:
    offer(shelf / "mirror", "1.0", OLD)
    assert fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives) == [tmp_path / "kept" / FILE]
    (shelf / "mirror" / "debian" / pool("tool", "1.0")).unlink()
    assert fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives)[0].read_bytes() == OLD


def test_a_file_that_was_changed_where_it_is_kept_is_fetched_again(
    shelf: Path, archives: Archives, tmp_path: Path
) -> None:
    offer(shelf / "mirror", "1.0", OLD)
    write_whole(tmp_path / "kept" / FILE, b"changed")
    assert fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives)[0].read_bytes() == OLD


def test_the_snapshot_archive_is_asked_first_where_it_answers(shelf: Path, archives: Archives, tmp_path: Path) -> None:
    offer(shelf / "mirror", "1.1", NEW)
    write_whole(shelf / "snapshot" / "debian" / STAMP / pool("tool", "1.0"), OLD)
    asked = Archives(archives.mirrors, archives.snapshot.replace("/absent/", "/snapshot/"))
    assert fetch([TOOL], STAMPS, tmp_path / "kept", silent, asked)[0].read_bytes() == OLD


def test_a_mirror_that_has_moved_on_is_an_error_with_both_versions_and_two_ways_out(
    shelf: Path, archives: Archives, tmp_path: Path
) -> None:
    offer(shelf / "mirror", "1.1", NEW)
    with pytest.raises(PackagesMissing, match=r"tool 1\.0 \(the archive has 1\.1\)") as caught:
        fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives)
    assert "lab build --lock-packages" in caught.value.remedy
    assert "LAB_ARTIFACTS" in caught.value.remedy
    assert caught.value.files == (FILE,)


def test_another_file_under_the_locked_name_is_refused(shelf: Path, archives: Archives, tmp_path: Path) -> None:
    offer(shelf / "mirror", "1.0", NEW)
    with pytest.raises(PackagesMissing, match="another file of that version"):
        fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives)
    assert not (tmp_path / "kept" / FILE).exists()


def test_saved_packages_are_taken_where_the_mirror_has_moved_on(
    shelf: Path, archives: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(shelf / "mirror", "1.0", OLD)
    assert save([TOOL, TOOL], STAMPS, tmp_path / "saved", archives=archives) == 1
    assert read_sums(tmp_path / "saved") == {f"packages/{FILE}": TOOL.sha256}
    (shelf / "mirror" / "debian" / pool("tool", "1.0")).unlink()
    monkeypatch.setenv("LAB_ARTIFACTS", str(tmp_path / "saved"))
    assert fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives)[0].read_bytes() == OLD


def test_a_saved_package_that_is_not_the_locked_one_is_refused(
    archives: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "saved" / "packages" / FILE, NEW)
    write_whole(tmp_path / "saved" / "SHA256SUMS", f"{TOOL.sha256}  packages/{FILE}\n".encode())
    monkeypatch.setenv("LAB_ARTIFACTS", str(tmp_path / "saved"))
    with pytest.raises(SupplyError, match=FILE) as caught:
        fetch([TOOL], STAMPS, tmp_path / "kept", silent, archives)
    assert not isinstance(caught.value, PackagesMissing)


def test_what_a_stage_says_of_missing_packages_becomes_its_error(tmp_path: Path) -> None:
    said = [
        {"stream": "Step 2/3 : RUN /packages/install toolchain rustc\n"},
        {"stream": "package-missing rustc_1_amd64.deb rustc 1:1.85 1:1.86\npackage-missing lld_1.deb lld 19 (none)\n"},
        {"error": "The command '/bin/sh' returned a non-zero code: 1"},
    ]
    with (tmp_path / "log").open("w") as log, pytest.raises(PackagesMissing) as caught:
        follow(said, "toolchain", log, silent)
    assert "building toolchain wants" in caught.value.message
    assert "rustc 1:1.85 (the archive has 1:1.86)" in caught.value.message
    assert "lld 19 (no archive has any version of it)" in caught.value.message
    assert caught.value.files == ("rustc_1_amd64.deb", "lld_1.deb")
