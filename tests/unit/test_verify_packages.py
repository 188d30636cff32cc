"""`lab verify --packages`: what moved in the images is listed, and an error only where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.builds.images.labels import ImageInfo
from lab.builds.provenance.packages import DebianPackage, Installed
from lab.core.errors import EXIT_NEGATIVE, DataError
from lab.verify.packages import BASE, LockedImage, PackageChange, changes, read_images_lock, write_images_lock
from tests.command import lab
from tests.fakes import FakeLab, make_materials

THEN = {"libc6": "2.41-12", "zlib1g": "1.3"}


class Stocked(FakeLab):
    """A lab whose images hold these packages."""

    def __init__(self, place: Path, packages: dict[str, str]) -> None:
        super().__init__(make_materials(place / f"materials{len(list(place.iterdir()))}"))
        self._place, self._packages = place, packages

    @property
    def images_lock(self) -> Path:
        return self._place / "images.lock"

    def packages_in(self, image: ImageInfo) -> Installed:
        return Installed("debian", "trixie", tuple(DebianPackage(*item, "amd64") for item in self._packages.items()))


def test_a_package_that_moved_came_or_went_is_a_change_and_the_base_too() -> None:
    before, now = LockedImage("trixie", THEN), LockedImage("bookworm", {"libc6": "2.41-13", "libfoo": "1"})
    assert list(changes("wavm", before, now)) == [
        PackageChange("wavm", BASE, "trixie", "bookworm"),
        PackageChange("wavm", "libc6", "2.41-12", "2.41-13"),
        PackageChange("wavm", "libfoo", None, "1"),
        PackageChange("wavm", "zlib1g", "1.3", None),
    ]
    assert list(changes("wavm", before, before)) == []


def test_what_is_locked_is_unchanged_until_a_version_moves(tmp_path: Path) -> None:
    written = lab("verify", "--packages", "--write-lock", "--strict", on=Stocked(tmp_path, THEN))
    assert written.code == 0, written.err
    assert lab("verify", "--packages", "--strict", on=Stocked(tmp_path, THEN)).code == 0
    moved = Stocked(tmp_path, {**THEN, "libc6": "2.41-13"})
    listed = lab("verify", "--packages", "--json", "--only", "image wasmtime", on=moved)
    assert listed.code == 0
    assert json.loads(listed.out) == [{"image": "wasmtime", "package": "libc6", "locked": "2.41-12", "here": "2.41-13"}]
    strict = lab("verify", "--packages", "--strict", on=moved)
    assert strict.code == EXIT_NEGATIVE
    assert "2.41-13" in strict.out


def test_an_image_that_is_not_locked_is_named_and_fails_only_strictly(tmp_path: Path) -> None:
    ran = lab("verify", "--packages", on=Stocked(tmp_path, THEN))
    assert ran.code == 0
    assert "not in images.lock: " in ran.err
    assert {"native", "wasmtime"} <= set(ran.err.split(": ")[1].strip().split(", "))
    assert lab("verify", "--packages", "--strict", on=Stocked(tmp_path, THEN)).code == EXIT_NEGATIVE


def test_locking_one_image_leaves_the_entries_of_others(tmp_path: Path) -> None:
    path = tmp_path / "images.lock"
    write_images_lock("paper", {"wavm": LockedImage("bullseye", THEN)}, path)
    write_images_lock("current", {"wavm": LockedImage("trixie", THEN)}, path)
    write_images_lock("current", {"wamr": LockedImage("trixie", {})}, path)
    lock = read_images_lock(path)
    assert lock.editions["paper"] == {"wavm": LockedImage("bullseye", THEN)}
    assert lock.editions["current"].keys() == {"wavm", "wamr"}


def test_a_damaged_list_and_contradicting_options_are_refused(tmp_path: Path) -> None:
    (tmp_path / "images.lock").write_text('{"schema": 99}')
    with pytest.raises(DataError, match="schema 99"):
        read_images_lock(tmp_path / "images.lock")
    (tmp_path / "images.lock").write_text("{")
    assert "is damaged" in lab("verify", "--packages", on=Stocked(tmp_path, THEN)).error[0]
    assert "--against" in lab("verify", "--packages", "--against", "x").error[0]
    assert "--packages" in lab("verify", "--strict").error[1]
    nothing = lab("verify", "--packages", "--only", "image nothing", on=Stocked(tmp_path, THEN))
    assert "no image of edition current" in nothing.error[0]
