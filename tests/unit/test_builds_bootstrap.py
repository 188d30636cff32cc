"""Bootstrapping out of the lock's packages: apt gets these files and no others, and all of them are installed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from lab.builds.debian.bootstrap import bootstrap, make_archive
from lab.core.errors import BuildFailed
from tests.debian_archive import deb, file_name

PACKAGES = {"lab-library": deb("lab-library", "1:3"), "lab-tool": deb("lab-tool", "1.0", "lab-library")}
# Stands in for mmdebstrap: runs what the hook that lists packages would write, with one package.
INSTALLS_ONE = """#!/bin/sh
for word; do
    case $word in *dpkg-query*) echo "lab-library 1:3" > "${word##*> }" ;; esac
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
