"""Phases, guest builds and the vocabularies: what is written to files stays what it was."""

from __future__ import annotations

import pytest

from lab.core.arm import GuestProfile
from lab.core.errors import UsageError
from lab.core.guest import GuestId
from lab.core.names import Edition, Flag, Target, Weights
from lab.core.phase import LOADING, Phase


def test_the_vocabularies_are_written_as_stored_trials_have_them() -> None:
    assert [str(name) for name in Edition] == ["current", "2026-11", "paper"]
    assert [str(name) for name in Target] == ["native", "wasm"]
    assert [str(name) for name in Weights] == ["seeded", "pretrained", "auto", "imported"]
    flags = [
        "cpu-contended",
        "throttled",
        "shared-machine",
        "disturbed",
        "repeat",
        "from-cache",
        "engine-failure",
        "hot",
    ]
    assert [str(name) for name in Flag] == flags


def test_loading_is_what_the_paper_calls_so() -> None:
    assert [str(phase) for phase in LOADING] == ["read", "decode", "build", "optimise"]


def test_each_phase_names_its_quantities() -> None:
    assert [phase.quantity for phase in Phase][:2] == ["startup_ns", "read_ns"]
    assert Phase.INFER.quantity == "first_infer_ns"
    assert Phase.BUILD.peak_quantity == "rss_peak_build_bytes"


def test_a_guest_build_is_read_back_from_its_id() -> None:
    for target in Target:
        for profile in GuestProfile:
            guest = GuestId(target, profile)
            assert GuestId.parse(guest.id) == guest
    assert GuestId(Target.WASM, GuestProfile.O3_SIMD).id == "wasm/o3-simd"


@pytest.mark.parametrize("text", ["", "wasm", "wasm/", "wasm/o9", "arm/o3", "wasm/o3/x", "o3/wasm"])
def test_anything_else_is_not_a_guest_build(text: str) -> None:
    with pytest.raises(UsageError, match="is not a guest build"):
        GuestId.parse(text)
