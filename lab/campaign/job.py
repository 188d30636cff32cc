"""From a case to a job: what is mounted where, and the command line."""

from __future__ import annotations

from lab.campaign.materials import Materials
from lab.campaign.program import AS_IT_IS, PreparedGuest, TrialProgram
from lab.core.arm import Mode
from lab.core.case import Case
from lab.core.experiment import Limits
from lab.core.names import Target
from lab.core.trial import Kind
from lab.engines.engine import OUT_DIR, Job, Mount
from lab.engines.host import usable_cpus
from lab.runtimes.base import CACHE, GUEST_NATIVE, GUEST_WASM, Runtime
from lab.runtimes.preparation import HEAP, prepare_argv, prepared_name

MODEL_STEM = "model"
INPUT_FILE = "input.f32"
GUEST_SLOWDOWN_OPTION = "--slowdown"
OUTPUT_FILE = f"{OUT_DIR}/output.f32"
# The largest precompiled module that is taken; those of today's guests have 16 to 30 MB.
MODULE_LIMIT_BYTES = 256 * 2**20
# The largest prepared module or heap: those of the paper's largest network have 580 MB.
PREPARED_LIMIT_BYTES = 768 * 2**20


def guest_args(case: Case, materials: Materials, iterations: int, slowdown_permille: int = 0) -> tuple[str, ...]:
    """The guest's arguments; a slowdown makes each inference so many thousandths longer, for `lab calibrate`."""
    return (
        *(_model_of(case, materials), "--input", INPUT_FILE, "--shape", _shape(case, materials)),
        *("--outputs", _outputs(case, materials), "--iterations", str(iterations), "--save", OUTPUT_FILE),
        *((GUEST_SLOWDOWN_OPTION, str(slowdown_permille)) if slowdown_permille else ()),
    )


def model_file(runtime: Runtime) -> str:
    """The model's graph in a trial's working directory; its suffix is its format."""
    return f"{MODEL_STEM}.{runtime.graph_format}"


def _model_of(case: Case, materials: Materials) -> str:
    """The guest's model: a prepared module has it already, and opens no file of that name."""
    is_heap = case.arm.guest.is_prepared and case.arm.target == Target.NATIVE
    return HEAP if is_heap else model_file(materials.runtime(case.arm))


def _shape(case: Case, materials: Materials) -> str:
    return ",".join(map(str, materials.models[case.model].input_for(case.batch).shape))


def _outputs(case: Case, materials: Materials) -> str:
    return ",".join(tensor.node for tensor in materials.models[case.model].outputs)


def run_job(
    case: Case,
    materials: Materials,
    measure: Limits,
    *,
    campaign: str,
    iterations: int,
    return_output: bool,
    program: TrialProgram = AS_IT_IS,
    slowdown_permille: int = 0,
) -> Job:
    """The job of one trial.

    Args:
        case: what to run.
        materials: with what.
        measure: limits.
        campaign: the label.
        iterations: inferences in the process.
        return_output: whether the probe sends the output tensors back.
        program: what was made for the case beforehand.
        slowdown_permille: see `guest_args`.
    """
    arm, runtime, model = case.arm, materials.runtime(case.arm), materials.models[case.model]
    return Job(
        image=materials.image(arm).image_id,
        argv=runtime.run_argv(guest_args(case, materials, iterations, slowdown_permille)),
        mounts=(
            *_program(case, materials, program),
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


def _program(case: Case, materials: Materials, program: TrialProgram) -> tuple[Mount, ...]:
    """The guest, or what was made of it, and its model where it does not hold it."""
    runtime, guest, model = materials.runtime(case.arm), materials.guest(case.arm).path, materials.models[case.model]
    graph: tuple[Mount, ...] = (Mount(model.graph(runtime.graph_format), model_file(runtime)),)
    if program.prepared is not None and case.arm.target == Target.NATIVE:
        graph = (Mount(program.prepared.path, HEAP),)
    elif program.prepared is not None:
        guest, graph = program.prepared.path, ()
    if program.module is None:
        return (Mount(guest, runtime.guest_file), *graph)
    if runtime.is_cached:
        return (Mount(guest, runtime.guest_file), Mount(program.module, CACHE), *graph)
    return (Mount(program.module, runtime.guest_file), *graph)


def prepare_command(case: Case, materials: Materials) -> tuple[str, ...]:
    """The command that prepares a case's guest."""
    graph = model_file(materials.runtime(case.arm))
    return prepare_argv(case.arm, graph, _shape(case, materials), _outputs(case, materials))


def prepare_job(case: Case, materials: Materials, measure: Limits, *, campaign: str) -> Job:
    """The job that prepares a case's guest, and returns what it made in the probe's report, as `compile_job` does."""
    arm, runtime = case.arm, materials.runtime(case.arm)
    is_native = arm.target == Target.NATIVE
    return Job(
        image=materials.preparer(arm).image_id,
        argv=prepare_command(case, materials),
        mounts=(
            Mount(materials.guest(arm).path, GUEST_NATIVE if is_native else GUEST_WASM),
            Mount(materials.models[case.model].graph_path, model_file(runtime)),
        ),
        env=runtime.environment if is_native else {},
        timeout_s=measure.compile_timeout_s,
        memory_bytes=measure.making_memory_bytes,
        cpus=usable_cpus(measure.cpus),
        campaign=campaign,
        case=f"{case.id} {Kind.PREPARE.noun}",
        output_file=f"{OUT_DIR}/{prepared_name(arm)}",
        return_file=True,
        output_limit_bytes=PREPARED_LIMIT_BYTES,
    )


def compile_job(
    case: Case, materials: Materials, measure: Limits, *, campaign: str, prepared: PreparedGuest | None = None
) -> Job:
    """The job that precompiles a guest and returns the module.

    The module comes back in the probe's report: no directory of the host is written by what runs in a sandbox.

    Args:
        case: a `Case.module`.
        materials: with what.
        measure: limits.
        campaign: the label.
        prepared: the module that holds the case's model, if its guest is prepared.
    """
    arm = case.arm
    runtime = materials.runtime(arm)
    guest = materials.guest(arm).path if prepared is None else prepared.path
    argv = runtime.compile_argv()
    assert arm.mode is Mode.AOT  # noqa: S101 - only such arms have a compile step
    assert argv is not None  # noqa: S101
    return Job(
        image=materials.image(arm).image_id,
        argv=argv,
        mounts=(Mount(guest, GUEST_WASM),),
        env=runtime.environment,
        timeout_s=measure.compile_timeout_s,
        memory_bytes=measure.making_memory_bytes,
        cpus=usable_cpus(measure.cpus),
        campaign=campaign,
        case=f"{arm.id if prepared is None else case.id} {Kind.COMPILE.noun}",
        output_file=runtime.module_file,
        return_file=True,
        output_limit_bytes=MODULE_LIMIT_BYTES if prepared is None else PREPARED_LIMIT_BYTES,
    )


def trial_timeout_s(runtime: Runtime, measure: Limits) -> float:
    """A trial that compiles the whole guest first gets the compile time-out on top of its own."""
    return measure.timeout_s + (measure.compile_timeout_s if runtime.compiles_at_start else 0.0)
