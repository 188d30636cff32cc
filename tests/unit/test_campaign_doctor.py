"""What the doctor says of machines that lack something: the right finding, and what to do about it."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lab.engines.docker_sdk import START_ENGINE
from lab.verify import machine
from lab.verify.machine import MachineCheck, examine

Usage = namedtuple("Usage", "total used free")
GIB = 2**30


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")


def finding(name: str, home: Path) -> MachineCheck:
    return next(check for check in examine(home) if check.name == name)


def test_everything_is_looked_at_once_and_what_is_not_fine_has_a_remedy(tmp_path: Path) -> None:
    found = examine(tmp_path)
    names = [check.name for check in found]
    assert len(names) == len(set(names)) == 11
    assert all((check.remedy is None) == check.ok for check in found)
    assert all(check.found for check in found)


def test_without_an_engine_a_need_is_not_met(tmp_path: Path) -> None:
    check = finding("container engine", tmp_path)
    assert (check.ok, check.needed, check.remedy) == (False, True, START_ENGINE)
    assert "no.sock" in check.found or "no container engine answers" in check.found


def test_nothing_but_the_engine_is_needed(tmp_path: Path) -> None:
    assert [check.name for check in examine(tmp_path) if check.needed] == ["container engine"]


@pytest.mark.parametrize(("free", "ok"), [(26 * GIB, True), (24 * GIB, False)])
def test_a_disk_without_room_for_models_and_images_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, ok: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(100 * GIB, 0, free))
    check = finding("disk", tmp_path)
    assert (check.ok, check.remedy) == (ok, None if ok else machine.FREE_DISK)
    assert check.found == f"{free // GIB}.0 GiB free at {tmp_path}"


def test_the_disk_looked_at_is_the_one_that_a_cache_not_yet_made_will_be_on(tmp_path: Path) -> None:
    assert finding("disk", tmp_path / "not" / "yet").found.endswith(f" free at {tmp_path}")


@pytest.mark.parametrize(("total", "ok"), [(16 * GIB, True), (4 * GIB, False)])
def test_memory_too_small_for_the_largest_networks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, ok: bool
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=total))
    assert finding("memory", tmp_path).remedy == (None if ok else machine.MORE_MEMORY)


@pytest.mark.parametrize(("cpus", "ok"), [({0, 1}, True), ({3}, False)])
def test_a_single_processor_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpus: set[int], ok: bool
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: cpus)
    assert finding("processors", tmp_path).remedy == (None if ok else machine.CPU_COUNT)


@pytest.mark.parametrize(("load", "ok"), [(0.1, True), (3.2, False)])
def test_a_busy_machine_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: float, ok: bool) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0))
    check = finding("quiet", tmp_path)
    assert (check.found, check.remedy) == (f"load {load:.2f}", None if ok else machine.STOP_OTHERS)


@pytest.mark.parametrize(
    ("version", "release", "remedy"),
    [
        (None, "6.1.0", machine.MOUNT_CGROUPS),
        (1, "4.19.0-26-amd64", None),
        (2, "5.15.0-91-generic", machine.NEWER_KERNEL),
        (2, "5.19.0", None),
        (2, "6.12.3-arch1", None),
    ],
)
def test_cgroups_without_a_peak_are_reported(version: int | None, release: str, remedy: str | None) -> None:
    assert machine.cgroup_check(version, release).remedy == remedy


@pytest.mark.parametrize(
    ("governor", "remedy"), [(None, None), ("performance", None), ("powersave", machine.SET_GOVERNOR)]
)
def test_a_changing_clock_is_reported(governor: str | None, remedy: str | None) -> None:
    assert machine.governor_check(governor).remedy == remedy


@pytest.mark.parametrize(
    ("tools", "user", "remedy"),
    [
        ({"mmdebstrap"}, 1000, None),
        ({"apt-get"}, 0, None),
        ({"apt-get"}, 1000, machine.INSTALL_MMDEBSTRAP),
        (set(), 0, machine.INSTALL_MMDEBSTRAP),
    ],
)
def test_a_machine_that_could_not_bootstrap_a_base_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: set[str], user: int, remedy: str | None
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in tools else None)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert finding("mmdebstrap", tmp_path).remedy == remedy
