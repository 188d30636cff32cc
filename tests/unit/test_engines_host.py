"""What an experiment asks for, compared with what this machine has."""

from __future__ import annotations

import msgspec
import pytest

from lab.core.experiment import Measure
from lab.engines.host import misfits

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
