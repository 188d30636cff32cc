from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path

import msgspec
import pytest

from lab.campaign.materials import Materials
from lab.campaign.modules.precompiled import PrecompiledModules
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Measure
from lab.core.guest import GuestId
from lab.core.probe import ProbeReport
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.engine import Job, JobResult
from tests.fakes import FakeEngine, crash, make_materials, packed_cache, time_out
from tests.stage import CAMPAIGN, Stage, experiment

ARM = Arm.parse("wasmtime-aot-cranelift@o3")


def tarred_directory() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("modules")
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    return archive.getvalue()


def make(directory: Path, materials: Materials, engine: FakeEngine | None = None, arm: Arm = ARM) -> Trial:
    artifacts = PrecompiledModules(directory / "artifacts", materials)
    return artifacts.make(
        Case(arm, "", 0), engine or FakeEngine(materials), Measure().limits, campaign="c", started_at="now"
    )


def found(directory: Path, materials: Materials, arm: Arm = ARM) -> bool:
    return PrecompiledModules(directory / "artifacts", materials).find(Case(arm, "", 0)) is not None


def test_a_precompilation_is_a_measured_trial_whose_artifact_is_found_again(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    trial = make(tmp_path, materials)
    assert (trial.kind, trial.outcome, trial.artifact_bytes) == (Kind.COMPILE, Outcome.OK, 12)
    assert trial.compile_ns == trial.total_ns is not None
    assert trial.rss_peak_bytes is not None
    again = PrecompiledModules(tmp_path / "artifacts", materials).find(Case(ARM, "", 0))
    assert again is not None
    path, made = again
    assert (path.read_bytes(), made) == (b"machine code", trial)


@pytest.mark.parametrize("behaviour", [crash, time_out])
def test_a_failed_precompilation_leaves_nothing_to_find(tmp_path: Path, behaviour: object) -> None:
    materials = make_materials(tmp_path)
    trial = make(tmp_path, materials, FakeEngine(materials, misbehaves={ARM.id: behaviour}))  # type: ignore[dict-item]
    assert trial.outcome in (Outcome.CRASHED, Outcome.TIMEOUT)
    assert (trial.compile_ns, trial.artifact_bytes) == (None, None)
    assert not found(tmp_path, materials)
    assert not (tmp_path / "artifacts").exists(), "not even a scratch directory"


def test_an_artifact_is_of_one_runtime_binary_and_one_guest(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    make(tmp_path, materials)
    newer = msgspec.structs.replace(materials.images["wasmtime"], binary_sha256="another build")
    other_runtime = Materials({**materials.images, "wasmtime": newer}, materials.guests, materials.models)
    changed = msgspec.structs.replace(materials.guests[GuestId.parse("wasm/o3")], sha256="another guest")
    other_guest = Materials(materials.images, {**materials.guests, GuestId.parse("wasm/o3"): changed}, materials.models)
    assert found(tmp_path, materials)
    assert not found(tmp_path, other_runtime)
    assert not found(tmp_path, other_guest)
    assert not found(tmp_path, materials, Arm.parse("wasmtime-aot-cranelift@o0"))


def test_a_module_is_never_used_on_another_processor(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    make(tmp_path, materials)
    assert PrecompiledModules(tmp_path / "artifacts", materials).find(Case(ARM, "", 0)) is not None
    assert PrecompiledModules(tmp_path / "artifacts", materials, "another processor").find(Case(ARM, "", 0)) is None


def test_an_artifact_is_readable_by_the_containers_unprivileged_user(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    make(tmp_path, materials)
    again = PrecompiledModules(tmp_path / "artifacts", materials).find(Case(ARM, "", 0))
    assert again is not None
    assert again[0].parent.stat().st_mode & 0o555 == 0o555
    assert again[0].stat().st_mode & 0o444 == 0o444


CACHED = Arm.parse("wasmtime-aot-cranelift-cache@o3")


def test_a_cache_that_a_first_run_filled_is_unpacked_for_the_trials_after_it(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    trial = make(tmp_path, materials, arm=CACHED)
    assert trial.outcome is Outcome.OK
    modules = PrecompiledModules(tmp_path / "artifacts", materials)
    found_cache = modules.find(Case(CACHED, "", 0))
    assert found_cache is not None
    directory = found_cache[0]
    assert (directory / "entry").read_bytes() == b"machine code"
    assert directory.stat().st_mode & 0o555 == 0o555
    assert (directory / "entry").stat().st_mode & 0o444 == 0o444, "Wasmer keeps entries to itself"
    (directory / "entry").write_bytes(b"changed between sessions")
    again = PrecompiledModules(tmp_path / "artifacts", materials).find(Case(CACHED, "", 0))
    assert again is not None
    assert (again[0] / "entry").read_bytes() == b"machine code"


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (b"no archive", "no readable cache"),
        (packed_cache("../escape"), "no readable cache"),
        (packed_cache("/etc/passwd")[:700], "no readable cache"),
        (tarred_directory(), "empty cache"),
    ],
)
def test_a_run_that_leaves_no_cache_has_failed(tmp_path: Path, left: bytes, why: str) -> None:
    materials = make_materials(tmp_path)

    def leave(job: Job, report: ProbeReport) -> JobResult:
        encoded = base64.b64encode(left).decode()
        digest = hashlib.sha256(left).hexdigest()
        changed = msgspec.structs.replace(report, output_base64=encoded, file_sha256=digest, file_bytes=len(left))
        return JobResult(changed, oom_killed=False)

    trial = make(tmp_path, materials, FakeEngine(materials, misbehaves={CACHED.id: leave}), CACHED)
    assert trial.outcome is Outcome.CRASHED
    assert why in (trial.why or "")
    assert not found(tmp_path, materials, CACHED)


def leave_half_made(directory: Path, campaign: str) -> Path:
    """What a lab that was killed while it kept a module for a campaign leaves."""
    left = directory / "artifacts" / f".making-{campaign}.abc" / "out"
    left.mkdir(parents=True)
    (left / "guest.cwasm").write_bytes(b"mach")
    return left.parent


def test_a_module_that_was_changed_after_it_was_made_is_not_used(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    make(tmp_path, materials)
    again = PrecompiledModules(tmp_path / "artifacts", materials).find(Case(ARM, "", 0))
    assert again is not None
    again[0].write_bytes(b"machine c0de")
    assert not found(tmp_path, materials), "of the same length, and another"


@pytest.mark.parametrize("record", [b"", b"{", b'{"why": "\xff"}', b"[" * 100_000])
def test_a_module_whose_record_is_damaged_is_made_again(tmp_path: Path, record: bytes) -> None:
    materials = make_materials(tmp_path)
    make(tmp_path, materials)
    next((tmp_path / "artifacts").glob("*/trial.json")).write_bytes(record)
    assert not found(tmp_path, materials)


def test_a_link_in_a_modules_place_is_not_followed(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    make(tmp_path, materials)
    again = PrecompiledModules(tmp_path / "artifacts", materials).find(Case(ARM, "", 0))
    assert again is not None
    (tmp_path / "elsewhere").write_bytes(b"machine code")
    again[0].unlink()
    again[0].symlink_to(tmp_path / "elsewhere")
    assert not found(tmp_path, materials)


def test_what_a_killed_precompilation_left_is_swept_by_its_own_campaign_only(tmp_path: Path) -> None:
    left = leave_half_made(tmp_path, "toy-t-1")
    materials = make_materials(tmp_path / "again")
    artifacts = PrecompiledModules(tmp_path / "artifacts", materials)
    assert artifacts.remove_leftovers("toy-t-2") == 0
    assert (left / "out" / "guest.cwasm").is_file(), "another campaign may be at it right now"
    assert artifacts.remove_leftovers("toy-t-1") == 1
    assert list((tmp_path / "artifacts").iterdir()) == []


def test_removing_leftovers_takes_no_finished_artifact_and_needs_no_directory(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    assert PrecompiledModules(tmp_path / "artifacts", materials).remove_leftovers("c") == 0
    make(tmp_path, materials)
    assert PrecompiledModules(tmp_path / "artifacts", materials).remove_leftovers("c") == 0
    assert found(tmp_path, materials)


def test_a_campaign_removes_leftovers_before_it_precompiles(tmp_path: Path) -> None:
    stage = Stage(tmp_path, experiment(arms=("native@o3", ARM.id)))
    leftover = stage.home / "artifacts" / f".making-{CAMPAIGN}.abc" / "out"
    leftover.mkdir(parents=True)
    stage.play()
    assert not leftover.parent.exists()
    assert any((stage.home / "artifacts").iterdir())


def test_a_precompilation_has_a_limit_of_its_own_where_the_experiment_gives_one(tmp_path: Path) -> None:
    for name, expected in (("256MiB", 256 << 20), ("4GiB", 4 << 30)):
        stage = Stage(tmp_path / name, experiment(arms=("native@o3", ARM.id), memory="256MiB", compile_memory=name))
        engine = FakeEngine(stage.materials)
        stage.play(engine)
        limits = {job.case.endswith("precompilation"): job.memory_bytes for job in engine.jobs}
        assert limits == {True: expected, False: 256 << 20}
