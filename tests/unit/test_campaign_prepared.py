"""Prepared guests: made by trials of their own, shared by the arms of a guest, and judged by marks of their own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lab.campaign.goldens import Goldens
from lab.campaign.job import compile_job, guest_args, prepare_job
from lab.campaign.modules.prepared import PreparedGuests
from lab.campaign.outcome import judge_marks
from lab.campaign.program import PreparedGuest
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Measure
from lab.core.guest import ALL_GUESTS, GuestId
from lab.core.names import Flag
from lab.core.phase import LOADING, Phase
from lab.core.probe import PROBE_SCHEMA, PhaseMark, ProbeReport
from lab.core.trial import Kind, Outcome, Trial
from lab.engines.host import cpu_flags_sha256
from tests.fakes import FakeEngine, crash, make_materials
from tests.stage import Stage, experiment

JIT = Arm.parse("wasmer-jit-llvm@o3-simd+tract-0.23+prepared")
AOT = Arm.parse("wasmer-aot-llvm@o3-simd+tract-0.23+prepared")
NATIVE = Arm.parse("native@o3+tract-0.23+prepared")
GENERIC = Arm.parse("native-generic@o3+tract-0.23+prepared")
LIMITS = Measure().limits


def stage_of(directory: Path, *arms: Arm) -> Stage:
    stage = Stage(directory, experiment(arms=tuple(arm.id for arm in arms), models=("tiny",), batches=(1,)))
    # the preparer that this edition will have
    wasmtime = msgspec.structs.replace(stage.materials.images["wasmtime"], version="50.0.1")
    stage.materials.images["wasmtime"] = wasmtime
    return stage


def of_kind(trials: list[Trial], kind: Kind) -> list[Trial]:
    return [trial for trial in trials if trial.kind is kind]


def test_a_prepared_arm_is_prepared_once_and_then_runs_without_loading(tmp_path: Path) -> None:
    trials = stage_of(tmp_path, JIT).play()
    (preparation,) = of_kind(trials, Kind.PREPARE)
    assert preparation.case == Case(JIT, "tiny", 1)
    assert preparation.prepare_ns == preparation.total_ns is not None
    assert preparation.artifact_bytes
    runs = of_kind(trials, Kind.RUN)
    assert [run.outcome for run in runs] == [Outcome.OK] * 3
    assert {(run.decode_ns, run.build_ns, run.optimise_ns) for run in runs} == {(None, None, None)}
    assert all(run.load_ns == run.read_ns is not None for run in runs)


def test_what_one_arm_prepared_another_takes_and_says_that_it_was_there(tmp_path: Path) -> None:
    preparations = of_kind(stage_of(tmp_path, JIT, AOT).play(), Kind.PREPARE)
    assert {trial.arm for trial in preparations} == {JIT, AOT}
    assert [Flag.FROM_CACHE in trial.flags for trial in preparations] == [False, True]
    assert len({trial.output_sha256 for trial in preparations}) == 1


def test_the_module_that_is_precompiled_is_the_prepared_one(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, AOT)
    engine = FakeEngine(stage.materials)
    trials = stage.play(engine)
    (compilation,) = of_kind(trials, Kind.COMPILE)
    assert compilation.case == Case(AOT, "tiny", 1)
    (job,) = (job for job in engine.jobs if job.case.endswith(" precompilation"))
    (mount,) = job.mounts
    assert mount.source.read_bytes().startswith(b"loaded: ")
    run = next(job for job in engine.jobs if job.case == Case(AOT, "tiny", 1).id)
    assert [mount.name for mount in run.mounts] == ["guest.wasmu", "input.f32"], "its model is in the module"


def test_a_native_guest_maps_its_heap_in_the_models_place(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, NATIVE)
    engine = FakeEngine(stage.materials)
    assert [run.outcome for run in of_kind(stage.play(engine), Kind.RUN)] == [Outcome.OK] * 3
    run = next(job for job in engine.jobs if job.case == Case(NATIVE, "tiny", 1).id)
    assert [mount.name for mount in run.mounts] == ["guest", "model.heap", "input.f32"]
    assert guest_args(Case(NATIVE, "tiny", 1), stage.materials, 1)[0] == "model.heap"


def test_a_preparation_that_fails_is_not_repeated_and_its_case_is_not_run(tmp_path: Path) -> None:
    stage, case = stage_of(tmp_path, AOT), Case(AOT, "tiny", 1)
    trials = stage.play(FakeEngine(stage.materials, misbehaves={f"{case.id} preparation": crash}))
    assert [trial.kind for trial in trials] == [Kind.PREPARE, Kind.RUN]
    assert (trials[1].outcome, trials[1].total_ns) == (Outcome.CRASHED, None)
    assert str(trials[1].why).startswith("preparation: killed by SIGABRT")


def test_a_preparation_is_of_one_guest_graph_shape_and_preparer(tmp_path: Path) -> None:
    materials = stage_of(tmp_path, JIT).materials
    guests, case = PreparedGuests(tmp_path / "kept", materials), Case(JIT, "tiny", 1)
    assert guests.make(case, FakeEngine(materials), LIMITS, campaign="c", started_at="").outcome is Outcome.OK
    assert guests.find(case) is not None
    assert guests.find(Case(JIT, "tiny", 3)) is None, "another batch"
    assert guests.find(Case(JIT, "small", 1)) is None, "another graph"
    assert PreparedGuests(tmp_path / "kept", materials, "another processor").find(case) is not None
    other = msgspec.structs.replace(materials.images["wasmtime"], binary_sha256="another")
    materials.images["wasmtime"] = other
    assert guests.find(case) is None


def test_a_heap_is_of_one_processor_and_one_choice_of_kernels(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    guests, case = PreparedGuests(tmp_path / "kept", materials), Case(NATIVE, "tiny", 1)
    guests.make(case, FakeEngine(materials), LIMITS, campaign="c", started_at="")
    assert guests.find(case) is not None
    assert guests.find(Case(GENERIC, "tiny", 1)) is None
    assert PreparedGuests(tmp_path / "kept", materials, "another processor").find(case) is None
    assert "TRACT_CPU_ISA" in prepare_job(Case(GENERIC, "tiny", 1), materials, LIMITS, campaign="c").env


def test_wasm_is_prepared_by_wasmtimes_wizer_whatever_runtime_runs_it(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    job = prepare_job(Case(JIT, "tiny", 3), materials, LIMITS, campaign="c")
    assert " ".join(job.argv) == (
        "/usr/local/bin/wasmtime wizer -C cache=n -S cli=y --dir . --env INFER_MODEL=model.pb "
        "--env INFER_SHAPE=3,2,2,3 --env INFER_OUTPUTS=logits --init-func wizer.initialize -o out/guest.wasm guest.wasm"
    )
    assert job.image == materials.images["wasmtime"].image_id
    assert [mount.name for mount in job.mounts] == ["guest.wasm", "model.pb"]
    assert (job.output_file, job.return_file) == ("out/guest.wasm", True)


def test_a_prepared_module_may_be_larger_than_a_plain_one(tmp_path: Path) -> None:
    materials = make_materials(tmp_path)
    plain = compile_job(Case(AOT.plain, "", 0), materials, LIMITS, campaign="c")
    prepared = PreparedGuest(tmp_path / "guest.wasm", "a" * 64)
    larger = compile_job(Case(AOT, "tiny", 1), materials, LIMITS, campaign="c", prepared=prepared)
    assert larger.output_limit_bytes > plain.output_limit_bytes
    assert larger.mounts[0].source == prepared.path


@pytest.mark.parametrize("is_prepared", [False, True])
def test_marks_are_those_of_the_guest_that_ran(is_prepared: bool) -> None:
    def report(*phases: Phase) -> ProbeReport:
        marks = tuple(PhaseMark(phase, 10 + place, 1) for place, phase in enumerate(phases))
        return ProbeReport(PROBE_SCHEMA, 0, None, False, False, 10_000_000, marks, None, None, None)

    with_loading = report(Phase.START, *LOADING, Phase.INFER, Phase.OUTPUT)
    without = report(Phase.START, Phase.READ, Phase.INFER, Phase.OUTPUT)
    fits, does_not = (without, with_loading) if is_prepared else (with_loading, without)
    assert judge_marks(fits, 1, is_prepared=is_prepared).outcome is Outcome.OK
    assert judge_marks(does_not, 1, is_prepared=is_prepared).outcome is Outcome.CRASHED


def test_a_prepared_guest_must_give_the_plain_ones_bits(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, NATIVE)
    model, plain = stage.materials.models["tiny"], stage.materials.guests[GuestId.parse("native/o3+tract-0.23")]
    stage.play()
    assert Goldens(stage.home / "goldens", cpu_flags_sha256()).known("native", plain.sha256, model, 1) is not None


def test_an_edition_without_wizer_says_so(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, JIT)
    stage.materials.images["wasmtime"] = msgspec.structs.replace(stage.materials.images["wasmtime"], version="49.0.0")
    (trial,) = stage.play()
    assert (trial.outcome, trial.total_ns) == (Outcome.UNSUPPORTED, None)
    assert "Wasmtime 49.0.0 here is built without" in str(trial.why)


def test_a_module_is_prepared_from_a_build_and_is_none_itself() -> None:
    assert GuestId.of(JIT).id == "wasm/o3-simd+tract-0.23"
    assert GuestId.of(NATIVE).id == "native/o3+tract-0.23+prepared"
    assert GuestId.of(NATIVE).plain.id == "native/o3+tract-0.23"
    assert not [guest for guest in ALL_GUESTS if guest.target == "wasm" and guest.profile.is_prepared]


def test_a_prepared_arm_is_compared_with_native_prepared() -> None:
    assert JIT.baseline == NATIVE
    assert NATIVE.baseline == NATIVE
    assert JIT.plain.id == "wasmer-jit-llvm@o3-simd+tract-0.23"
