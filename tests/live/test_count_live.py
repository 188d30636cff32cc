"""Counts of the real guests in real containers: the same to the last digit, however busy the machine is."""

from __future__ import annotations

import pytest

from lab.builds.counter import ensure_counter
from lab.builds.guests import GuestBuild
from lab.campaign.materials import Materials
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.progress import silent
from lab.count.counting import Counting, experiment
from lab.count.record import spread
from lab.engines.containers import ContainerEngine
from tests.images import ensure_images

pytestmark = pytest.mark.live


@pytest.mark.parametrize("name", ["native/o3", "wasm/o3"])
def test_two_repeats_of_a_count_agree_to_the_last_digit(
    name: str, guests: dict[GuestId, GuestBuild], small_model: Model
) -> None:
    guest = GuestId.parse(name)
    materials = Materials(ensure_images(["native", "wasmtime"]), guests, {small_model.name: small_model})
    limits = experiment((guest,), (small_model.name,), 1).measure.limits
    counting = Counting(materials, ContainerEngine(), ensure_counter(silent), limits, lambda _what: None)
    found = counting.count(guest, small_model.name, 1, repeat=2, further=1)
    assert (spread(found.process), spread(found.inference)) == (0, 0), found
    # no vector instruction has more than 16 multiply-adds, and no guest takes 100 instructions for one
    assert small_model.macs / 16 < found.inference[0] < small_model.macs * 100
    assert found.process[0] > found.inference[0]
