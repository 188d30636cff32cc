"""What an experiment asks for, compared with what this machine has."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from lab.core.experiment import Measure
from lab.engines import host
from lab.engines.host import misfits, usable_cpus

GIB = 2**30
LIMITS = Measure(memory="4GiB", cpus=2).limits


def test_limits_that_the_machine_can_keep_are_not_remarked_on() -> None:
    assert misfits(LIMITS, memory_bytes=8 * GIB, processors=2) == ()


@pytest.mark.parametrize(
    ("total_bytes", "warned"), [(4 * GIB, True), (round(4 * GIB / 0.91), True), (round(4 * GIB / 0.89), False)]
)
def test_a_trial_that_may_take_nine_tenths_of_the_memory_is_warned_of(total_bytes: int, warned: bool) -> None:
    found = misfits(LIMITS, memory_bytes=total_bytes, processors=2)
    assert bool(found) == warned


def test_the_limit_that_is_proposed_is_accepted_by_the_same_check() -> None:
    (found,) = misfits(LIMITS, memory_bytes=4 * GIB, processors=2)
    proposed = found.partition('memory = "')[2].partition('"')[0]
    smaller = msgspec.structs.replace(LIMITS, memory_bytes=Measure(memory=proposed).limits.memory_bytes)
    assert misfits(smaller, memory_bytes=4 * GIB, processors=2) == ()


def test_more_processors_than_the_lab_may_use_are_warned_of() -> None:
    (found,) = misfits(LIMITS, memory_bytes=8 * GIB, processors=1)
    assert "cpus = 2" in found
    assert "use 1 here" in found


@pytest.fixture
def big_and_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six processors: 0 and 1 are quick, the others slow."""
    for cpu in range(6):
        place = tmp_path / f"cpu{cpu}"
        place.mkdir()
        (place / "cpu_capacity").write_text("1024\n" if cpu < 2 else "446\n")
    monkeypatch.setattr(host, "_CPUS", str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4, 5})


def test_the_quickest_kind_of_processor_is_taken_first(big_and_little: None) -> None:
    assert usable_cpus(1) == (1,)
    assert usable_cpus(2) == (0, 1)
    assert usable_cpus(3) == (0, 1, 5)
    assert usable_cpus(None) is None


def test_processors_of_one_kind_are_taken_from_the_highest_number_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(host, "_CPUS", "/nowhere")
    assert usable_cpus(2) == (1, 2)


@pytest.mark.parametrize(("cpus", "warned"), [(1, False), (2, False), (3, True), (None, True)])
def test_processors_of_several_kinds_are_warned_of(big_and_little: None, cpus: int | None, warned: bool) -> None:
    found = misfits(msgspec.structs.replace(LIMITS, cpus=cpus), memory_bytes=8 * GIB)
    assert bool(found) == warned
    assert all("Write cpus = 2 or less" in text for text in found)
