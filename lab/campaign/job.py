"""From a case to a job: what is mounted where, and the command line."""

from __future__ import annotations

from pathlib import Path

from lab.campaign.materials import Materials
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.engines.engine import OUT_DIR, Job, Mount
from lab.engines.host import usable_cpus
from lab.runtimes.base import CACHE, GUEST_WASM, Runtime

MODEL_STEM = "model"
INPUT_FILE = "input.f32"
GUEST_SLOWDOWN_OPTION = "--slowdown"
OUTPUT_FILE = f"{OUT_DIR}/output.f32"
# The largest precompiled module that is taken; those of today's guests have 16 to 30 MB.
MODULE_LIMIT_BYTES = 256 * 2**20


def guest_args(case: Case, materials: Materials, iterations: int, slowdown_permille: int = 0) -> tuple[str, ...]:
    """The guest's arguments; a slowdown makes each inference so many thousandths longer, for `lab calibrate`."""
    model = materials.models[case.model]
    shape = model.input_for(case.batch).shape
    outputs = ",".join(tensor.node for tensor in model.outputs)
    return (
        *(model_file(materials.runtime(case.arm)), "--input", INPUT_FILE, "--shape", ",".join(map(str, shape))),
        *("--outputs", outputs, "--iterations", str(iterations), "--save", OUTPUT_FILE),
        *((GUEST_SLOWDOWN_OPTION, str(slowdown_permille)) if slowdown_permille else ()),
    )


def model_file(runtime: Runtime) -> str:
    """The model's graph in a trial's working directory; its suffix is its format."""
    return f"{MODEL_STEM}.{runtime.graph_format}"


def run_job(
    case: Case,
    materials: Materials,
    measure: Limits,
    *,
    campaign: str,
    iterations: int,
    module: Path | None,
    return_output: bool,
    slowdown_permille: int = 0,
) -> Job:
    """The job of one trial.

    Args:
        case: what to run.
        materials: with what.
        measure: limits.
        campaign: the label.
        iterations: inferences in the process.
        module: the precompiled one, for AOT arms; the directory, if it is a cache.
        return_output: whether the probe sends the output tensors back.
        slowdown_permille: see `guest_args`.
    """
    arm, runtime, model = case.arm, materials.runtime(case.arm), materials.models[case.model]
    return Job(
        image=materials.image(arm).image_id,
        argv=runtime.run_argv(guest_args(case, materials, iterations, slowdown_permille)),
        mounts=(
            *_program(arm, materials, module),
            Mount(model.graph(runtime.graph_format), model_file(runtime)),
            Mount(model.input_for(case.batch).input_path, INPUT_FILE),
        ),
        env=runtime.environment,
        timeout_s=trial_timeout_s(runtime, measure),
        memory_bytes=measure.memory_bytes,
        cpus=usable_cpus(measure.cpus),
        campaign=campaign,
        case=case.id,
        output_file=OUTPUT_FILE,
        return_file=return_output,
    )


def _program(arm: Arm, materials: Materials, module: Path | None) -> tuple[Mount, ...]:
    runtime, guest = materials.runtime(arm), materials.guest(arm).path
    if module is None:
        return (Mount(guest, runtime.guest_file),)
    if runtime.is_cached:
        return (Mount(guest, runtime.guest_file), Mount(module, CACHE))
    return (Mount(module, runtime.guest_file),)


def compile_job(arm: Arm, materials: Materials, measure: Limits, *, campaign: str) -> Job:
    """The job that precompiles an arm's guest and returns the module.

    The module comes back in the probe's report: no directory of the host is written by what runs in a sandbox.
    """
    runtime = materials.runtime(arm)
    argv = runtime.compile_argv()
    assert arm.mode is Mode.AOT  # noqa: S101 - only such arms have a compile step
    assert argv is not None  # noqa: S101
    return Job(
        image=materials.image(arm).image_id,
        argv=argv,
        mounts=(Mount(materials.guest(arm).path, GUEST_WASM),),
        env=runtime.environment,
        timeout_s=measure.compile_timeout_s,
        memory_bytes=measure.memory_bytes,
        cpus=usable_cpus(measure.cpus),
        campaign=campaign,
        case=f"{arm.id} precompilation",
        output_file=runtime.module_file,
        return_file=True,
        output_limit_bytes=MODULE_LIMIT_BYTES,
    )


def trial_timeout_s(runtime: Runtime, measure: Limits) -> float:
    """A trial that compiles the whole guest first gets the compile time-out on top of its own."""
    return measure.timeout_s + (measure.compile_timeout_s if runtime.compiles_at_start else 0.0)
