"""Bootstrapping out of the lock's packages: apt gets these files and no others, and all of them are installed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.builds.debian.bootstrap import bootstrap, make_archive
from lab.builds.debian.sources import default_sources, mirrors
from lab.core.errors import BuildFailed
from tests.debian_archive import deb, file_name

PACKAGES = {"lab-library": deb("lab-library", "1:3"), "lab-tool": deb("lab-tool", "1.0", "lab-library")}
# Stands in for mmdebstrap: runs what the hook that lists packages would write, with one package.
INSTALLS_ONE = """#!/bin/sh
for word; do
    case $word in
        *dpkg-query*) echo "lab-library 1:3" > "${word##*> }" ;;
        --setup-hook=*) file=${word##*> }; echo "deb http://archive.test/debian trixie main" > "${file%%;*}" ;;
    esac
done
"""

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="there is no dpkg-deb, hence no bootstrapping")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, content in PACKAGES.items():
        (tmp_path / file_name(name, "1")).write_bytes(content)
    return sorted(tmp_path.glob("*.deb"))


def test_an_archive_of_the_locks_packages_lists_each_with_its_checksum(tmp_path: Path, files: list[Path]) -> None:
    assert make_archive(tmp_path / "archive", "trixie", files) == {"lab-library 1:3", "lab-tool 1.0"}
    index = (tmp_path / "archive" / "Packages").read_text()
    for content in PACKAGES.values():
        assert f"SHA256: {hashlib.sha256(content).hexdigest()}\n" in index
    assert "Depends: lab-library\n" in index
    release = (tmp_path / "archive" / "Release").read_text()
    assert hashlib.sha256(index.encode()).hexdigest() in release
    assert "Codename: trixie\n" in release


@pytest.fixture
def _no_sources_known() -> Iterator[None]:
    default_sources.cache_clear()
    yield
    default_sources.cache_clear()


@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="there is no mmdebstrap, hence no bootstrapping")
@pytest.mark.usefixtures("_no_sources_known")
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_the_archives_are_those_that_mmdebstrap_knows(suite: str) -> None:
    lines = [line.split() for line in default_sources(suite).splitlines()]
    assert [(kind, part, section) for kind, _, part, section in lines] == [
        ("deb", suite, "main"),
        ("deb", f"{suite}-updates", "main"),
        ("deb", f"{suite}-security", "main"),
    ]
    assert mirrors(suite) == {"debian": lines[0][1], "debian-security": lines[2][1]}


@pytest.mark.usefixtures("_no_sources_known")
def test_a_machine_without_mmdebstrap_knows_no_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert mirrors("trixie") == {}


@pytest.mark.usefixtures("_no_sources_known")
def test_an_mmdebstrap_that_names_no_archive_is_an_error_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mmdebstrap").write_text("#!/bin/sh\necho 'E: unknown suite' >&2; exit 1\n")
    (tmp_path / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(BuildFailed, match="no archive of trixie: E: unknown suite"):
        mirrors("trixie")


@pytest.mark.usefixtures("_no_sources_known")
def test_a_base_that_lacks_a_package_of_the_lock_is_no_base(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "bin" / "mmdebstrap"
    stand_in.parent.mkdir()
    stand_in.write_text(INSTALLS_ONE)
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent), prepend=":")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    (tmp_path / "made").mkdir()
    with (
        (tmp_path / "log").open("w") as log,
        pytest.raises(BuildFailed, match=r"left out packages of the lock: lab-tool 1\.0") as caught,
    ):
        bootstrap("trixie", 0, files, tmp_path / "made" / "base.tar", log)
    assert "--lock-packages" in caught.value.remedy
