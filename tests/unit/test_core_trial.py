from __future__ import annotations

import msgspec
import pytest

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.trial import Kind, Outcome, Trial


def trial(**quantities: object) -> Trial:
    bare = Trial(
        number=0,
        block=0,
        kind=Kind.RUN,
        runtime="wasmtime",
        mode=Mode.JIT,
        backend="cranelift",
        guest=GuestProfile.O3,
        model="yunet",
        batch=1,
        started_at="2025-03-01T10:15:00.000+00:00",
        outcome=Outcome.OK,
    )
    return msgspec.structs.replace(bare, **quantities)


LOADED = {"read_ns": 10, "decode_ns": 20, "build_ns": 30, "optimise_ns": 40}


def test_a_trial_knows_its_case() -> None:
    assert trial().case == Case(Arm.parse("wasmtime-jit-cranelift@o3"), "yunet", 1)


def test_what_was_not_measured_is_none_in_every_derived_quantity() -> None:
    bare = trial()
    assert bare.load_ns is None
    assert bare.first_infer_ns is None
    assert bare.steady_infer_ns is None
    assert bare.inference_share is None
    assert bare.inference_share_of_total is None
    assert bare.single_total_ns is None


def test_what_was_not_measured_is_not_written() -> None:
    written = msgspec.json.decode(msgspec.json.encode(trial(total_ns=5)), type=dict[str, object])
    assert "total_ns" in written
    assert not written.keys() & {"why", "startup_ns", "rss_peak_bytes", "infer_ns", "cgroup_peak_bytes", "flags"}


def test_loading_is_the_sum_of_its_phases_and_unknown_if_one_is() -> None:
    assert trial(**LOADED).load_ns == 100
    assert trial(**{**LOADED, "build_ns": None}).load_ns is None


@pytest.mark.parametrize(
    ("infer_ns", "steady"), [((900,), None), ((900, 300), 300), ((900, 300, 200), 250), ((900, 5, 300, 200), 200)]
)
def test_the_steady_inference_is_the_median_of_those_after_the_first(
    infer_ns: tuple[int, ...], steady: int | None
) -> None:
    assert trial(infer_ns=infer_ns).steady_infer_ns == steady
    assert trial(infer_ns=infer_ns).first_infer_ns == 900


def test_the_papers_inference_share_is_of_load_and_one_inference_as_the_guest_sees_them() -> None:
    assert trial(**LOADED, infer_ns=(300, 1, 1), total_ns=10_000).inference_share == 0.75
    assert trial(**dict.fromkeys(LOADED, 0), infer_ns=(0,)).inference_share is None


def test_the_overall_time_is_that_of_one_inference() -> None:
    repeated = trial(**LOADED, infer_ns=(300, 200, 100), total_ns=1300)
    assert repeated.single_total_ns == 1000
    assert repeated.inference_share_of_total == 0.3


def test_a_guest_clock_that_outruns_the_whole_leaves_what_follows_from_it_unknown() -> None:
    fast = msgspec.structs.replace(trial(), total_ns=100, infer_ns=(10, 100))
    assert (fast.single_total_ns, fast.inference_share_of_total) == (None, None)
    beyond = msgspec.structs.replace(trial(), total_ns=100, infer_ns=(10, 200))
    assert (beyond.single_total_ns, beyond.inference_share_of_total) == (None, None)
