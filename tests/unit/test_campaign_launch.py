from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.campaign.job import compile_job, guest_args, model_file, run_job, trial_timeout_s
from lab.campaign.program import PreparedGuest, TrialProgram
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.experiment import Limits, Measure
from lab.core.model import OutputTensor
from lab.engines.engine import Job
from lab.runtimes import registry
from tests.fakes import make_materials

MEASURE = Measure(timeout="60s", compile_timeout="600s", memory="1GiB").limits
RUNNABLE = [arm for arm in registry.all_arms() if registry.unsupported(arm) is None]


def job_of(tmp_path: Path, arm: Arm, *, return_output: bool = False, measure: Limits = MEASURE) -> Job:
    module = tmp_path / "artifact" if arm.mode is Mode.AOT else None
    prepared = PreparedGuest(tmp_path / "prepared", "a" * 64) if arm.guest.is_prepared else None
    case = Case(arm, "tiny", 3)
    return run_job(
        case,
        make_materials(tmp_path),
        measure,
        campaign="c",
        iterations=2,
        return_output=return_output,
        program=TrialProgram(prepared, module),
    )


def test_a_guest_is_given_its_model_input_shape_outputs_and_repeats(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    two = msgspec.structs.replace(materials.models["tiny"], outputs=(OutputTensor("a", (1,)), OutputTensor("b", (1,))))
    materials.models["tiny"] = two
    assert " ".join(guest_args(Case(Arm.parse("native@o3"), "tiny", 3), materials, 2)) == (
        "model.pb --input input.f32 --shape 3,2,2,3 --outputs a,b --iterations 2 --save out/output.f32"
    )


@pytest.mark.parametrize("arm", RUNNABLE, ids=lambda arm: arm.id)
def test_every_arm_is_given_its_program_model_and_input_read_only(tmp_path: Path, arm: Arm) -> None:
    job = job_of(tmp_path, arm)
    names, runtime = [mount.name for mount in job.mounts], registry.pinned(arm, "")
    cache = ["cache"] if runtime.is_cached else []
    model = [model_file(runtime)]
    if arm.guest.is_prepared:
        model = ["model.heap"] if arm.is_native else []
    assert names == [runtime.guest_file, *cache, *model, "input.f32"]
    assert not any(mount.writable for mount in job.mounts)
    assert job.argv[-10:] == guest_args(Case(arm, "tiny", 3), make_materials(tmp_path / "again"), 2)[-10:]
    assert job.memory_bytes == 1 << 30


def test_the_output_is_written_in_every_trial_and_sent_back_only_on_demand(tmp_path: Path) -> None:
    arm = Arm.parse("native@o3")
    plain, shipped = job_of(tmp_path / "a", arm), job_of(tmp_path / "b", arm, return_output=True)
    assert plain.argv == shipped.argv, "the measured process is the same"
    assert plain.output_file == shipped.output_file == "out/output.f32", "it is hashed in every trial"
    assert (plain.return_file, shipped.return_file) == (False, True)


def test_a_precompilation_returns_its_module_and_writes_nowhere_on_the_host(tmp_path: Path) -> None:
    arm = Arm.parse("wasmtime-aot-cranelift@o3")
    job = compile_job(Case(arm, "", 0), make_materials(tmp_path), MEASURE, campaign="c")
    assert [(mount.name, mount.writable) for mount in job.mounts] == [("guest.wasm", False)]
    assert (job.output_file, job.return_file) == ("out/guest.cwasm", True)
    assert "out/guest.cwasm" in job.argv
    assert job.timeout_s == 600


@pytest.mark.parametrize(
    ("arm", "seconds"),
    [
        ("native@o3", 60),
        ("wamr-interpreter-fast@o3", 60),
        ("wasmtime-aot-cranelift@o3", 60),
        ("wavm-jit-llvm@o3", 660),
        ("wasmtime-interpreter-pulley@o3", 660),
    ],
)
def test_an_arm_that_compiles_at_start_gets_the_compile_timeout_on_top(arm: str, seconds: float) -> None:
    assert trial_timeout_s(registry.pinned(Arm.parse(arm), ""), MEASURE) == seconds


def test_trials_are_pinned_to_the_highest_numbered_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1, 5, 9})
    monkeypatch.setattr("lab.engines.host._CPUS", str(tmp_path))  # a kernel that knows of one kind
    arm = Arm.parse("native@o3")
    pinned = msgspec.structs.replace(MEASURE, cpus=2)
    assert job_of(tmp_path / "a", arm, measure=pinned).cpus == (5, 9)
    assert job_of(tmp_path / "b", arm).cpus is None
