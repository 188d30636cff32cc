"""The committed lock against what this machine builds: the bytes that every machine must arrive at."""

from __future__ import annotations

import pytest

from lab.builds.guests import GuestBuild
from lab.core.errors import UsageError
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.progress import silent
from lab.verify.items import Match
from lab.verify.lockfile import read_lock
from lab.verify.model_checks import check_guests, check_models, file_hashes
from tests.command import lab

pytestmark = pytest.mark.live


def test_guests_built_here_are_the_locked_ones(guests: dict[GuestId, GuestBuild]) -> None:
    lock = read_lock()
    locked = lock.edition("current").guests
    assert {guest.id for guest in guests} <= locked.keys()
    items = list(check_guests(guests, "current", lock, silent, rebuild=False))
    assert [(item.name, item.why) for item in items if item.verdict is not Match.IDENTICAL] == []


def test_the_smallest_model_frozen_here_is_the_locked_one(small_model: Model) -> None:
    lock = read_lock()
    assert lock.models[small_model.name].graph_sha256 == file_hashes(small_model)["graph"]
    items = list(check_models({small_model.name: small_model}, lock, silent, rebuild=False))
    assert [(item.name, item.why) for item in items if item.verdict is not Match.IDENTICAL] == []


@pytest.mark.usefixtures("native_image")
def test_one_thing_can_be_verified_by_its_name() -> None:
    ran = lab("verify", "--quick", "--only", "image native")
    assert ran.code == 0, ran.err
    assert "image native" in ran.out
    assert "verify: 1 identical, 0 equivalent, 0 differs" in ran.out


def test_a_name_that_nothing_has_is_an_error_and_not_a_success() -> None:
    ran = lab("verify", "--quick", "--only", "imge native")
    assert ran.code == UsageError.exit_code
    assert ran.error == ("nothing here is called 'imge native'", "`lab verify --quick` lists every name")
