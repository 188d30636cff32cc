"""Copies for a runtime that opens whatever it reads for writing."""

from __future__ import annotations

import stat
from pathlib import Path

from lab.campaign.copies import with_writable_copies
from lab.campaign.job import run_job
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Measure
from lab.engines.engine import Job
from lab.runtimes import registry
from tests.fakes import make_materials

ARM = Arm.parse("wasmer-jit-cranelift@o3")


def job_of(directory: Path) -> Job:
    case = Case(ARM, "tiny", 1)
    return run_job(
        case,
        make_materials(directory),
        Measure().limits,
        campaign="c",
        iterations=1,
        return_output=False,
    )


def test_model_and_input_are_copies_and_the_originals_stay_out_of_reach(tmp_path: Path) -> None:
    plain = job_of(tmp_path / "materials")
    job = with_writable_copies(plain, tmp_path / "copies")
    assert [(mount.name, mount.writable) for mount in job.mounts] == [
        ("guest.wasm", False),
        ("model.pb", True),
        ("input.f32", True),
    ]
    for before, after in zip(plain.mounts[1:], job.mounts[1:], strict=True):
        assert after.source != before.source
        assert after.source.read_bytes() == before.source.read_bytes()
        assert stat.S_IMODE(after.source.stat().st_mode) == 0o666


def test_copies_are_made_once(tmp_path: Path) -> None:
    plain = job_of(tmp_path / "materials")
    first = with_writable_copies(plain, tmp_path / "copies")
    made = [mount.source.stat().st_ino for mount in first.mounts]
    again = with_writable_copies(plain, tmp_path / "copies")
    assert [mount.source.stat().st_ino for mount in again.mounts] == made
    assert len([path for path in (tmp_path / "copies").rglob("*") if path.is_file()]) == 2


def test_only_wasmer_4_needs_them() -> None:
    needing = {
        (runtime.name, version)
        for runtime in registry.RUNTIMES
        for version in runtime.versions.values()
        if runtime(runtime.arms()[0], version).opens_for_writing
    }
    assert needing == {("wasmer", "4.1.2")}


def test_a_copy_that_was_written_to_is_replaced_before_its_next_use(tmp_path: Path) -> None:
    plain = job_of(tmp_path / "materials")
    damaged = with_writable_copies(plain, tmp_path / "copies").mounts[1].source
    damaged.write_bytes(b"")
    again = with_writable_copies(plain, tmp_path / "copies").mounts[1].source
    assert again.read_bytes() == plain.mounts[1].source.read_bytes()
