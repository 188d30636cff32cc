from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.probe import CgroupFigures, ProbeReport, Rusage
from lab.core.quantity import Unit
from lab.core.trial import QUANTITIES, Kind, Outcome, Trial


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


def test_the_papers_inference_share_is_of_load_and_one_inference_in_the_guest() -> None:
    assert trial(**LOADED, infer_ns=(300, 1, 1), total_ns=10_000).inference_share == 0.75
    assert trial(**dict.fromkeys(LOADED, 0), infer_ns=(0,)).inference_share is None


def test_the_overall_time_is_that_of_one_inference() -> None:
    repeated = trial(**LOADED, infer_ns=(300, 200, 100), total_ns=1300)
    assert repeated.single_total_ns == 1000
    assert repeated.inference_share_of_total == 0.3


def test_shares_of_start_up_and_of_reading_are_of_one_inference_and_of_loading() -> None:
    repeated = trial(
        read_ns=30, decode_ns=10, build_ns=15, optimise_ns=5, startup_ns=250, infer_ns=(1, 9), total_ns=509
    )
    assert (repeated.startup_share, repeated.read_share) == (0.5, 0.5)
    assert trial(startup_ns=20, total_ns=10).startup_share is None
    assert trial(**dict.fromkeys(LOADED, 0)).read_share is None


def test_a_guest_clock_that_outruns_the_whole_leaves_what_follows_from_it_unknown() -> None:
    fast = msgspec.structs.replace(trial(), total_ns=100, infer_ns=(10, 100))
    assert (fast.single_total_ns, fast.inference_share_of_total) == (None, None)
    beyond = msgspec.structs.replace(trial(), total_ns=100, infer_ns=(10, 200))
    assert (beyond.single_total_ns, beyond.inference_share_of_total) == (None, None)


def test_every_quantity_is_an_attribute_of_a_trial_and_ends_in_its_unit() -> None:
    bare = trial()
    for name, quantity in QUANTITIES.items():
        assert hasattr(bare, name)
        assert quantity.name == name
        assert quantity.title
    assert {QUANTITIES[name].unit for name in ("total_ns", "rss_peak_bytes")} == {Unit.NS, Unit.BYTES}
    assert {QUANTITIES[name].unit for name in ("minor_faults", "inference_share")} == {Unit.COUNT, Unit.SHARE}


def test_what_the_probe_reports_is_taken_over_by_the_path_that_the_registry_names() -> None:
    parts: dict[str, type[msgspec.Struct]] = {"rusage": Rusage, "cgroup": CgroupFigures}
    for quantity in QUANTITIES.values():
        if quantity.probe is None:
            continue
        record: type[msgspec.Struct] = ProbeReport
        *parents, last = quantity.probe.split(".")
        for parent in parents:
            record = parts[parent]
        assert last in record.__struct_fields__


@pytest.mark.parametrize("name", ["minor_faults", "involuntary_switches", "cgroup_file_bytes", "linear_memory_bytes"])
def test_a_quantity_of_the_probe_is_named_in_the_two_records_that_hold_it_only(name: str) -> None:
    lab = Path(__file__).parents[2] / "lab"
    naming = {path.relative_to(lab).as_posix() for path in lab.rglob("*.py") if name in path.read_text()}
    assert naming <= {"core/trial.py", "core/probe.py"}
