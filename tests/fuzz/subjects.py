"""What is fuzzed: the importer and guests with graphs, and every runtime with modules."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from lab.builds.confined_workers import ConfinedWorkers, placed
from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.campaign.materials import Materials
from lab.campaign.modules.precompiled import PrecompiledModules
from lab.campaign.trial_runner import utc_now
from lab.core.arm import Arm, Mode
from lab.core.case import Case
from lab.core.errors import BuildFailed
from lab.core.experiment import Limits
from lab.core.guest import GuestId
from lab.disk.content import file_sha256, sha256
from lab.disk.paths import ROOT, home
from lab.engines.confined import Confined
from lab.engines.containers import ContainerEngine
from lab.runtimes import registry
from lab.zoo.worker import ImportJob
from tests.fuzz.batch import CASES, PURPOSE, Subject, commanded

GRAPH_ARMS = ("native@o3", "wasmtime-aot-cranelift@o3", "wasmer-aot-singlepass@o3")
_PREFERRED_ARMS = ("wasmer-jit-singlepass@o3", "wasmedge-interpreter@o3")
"""Where a runtime's first arm would compile for long, or does not work in every version."""
SHAPE = (1, 8, 8, 3)
"""Of the input of every graph."""
GRAPH_LIMIT_S, MODULE_LIMIT_S = 10.0, 5.0
_GRAPH_MEMORY, _MODULE_MEMORY = 1 << 30, 512 << 20
_COMPILING = Limits(
    iterations=1,
    timeout_s=60.0,
    compile_timeout_s=900.0,
    memory_bytes=4 << 30,
    cpus=None,
    precision_fraction=1.0,
    seed=1,
)
_MODULE_SUFFIX = ".wasm"
"""The launcher of JavaScript engines takes other files for precompiled modules."""
_IMPORT_LOOP = Path(__file__).with_name("import_loop.py")
_INPUT = "/work/input.f32"


def importer(image: ImageInfo, output: str) -> Subject:
    """The importer, as `lab models import` starts it, but with many graphs in turn."""
    with tempfile.NamedTemporaryFile() as unread:
        job = ImportJob("fuzz", unread.name, "/", SHAPE)
        worker = ConfinedWorkers(image.image_id, _GRAPH_MEMORY).confined("import_loop", placed(job))
    python = worker.argv[0]

    def confined(cases: Path, count: int) -> Confined:
        words = (CASES, str(count), f"{GRAPH_LIMIT_S:g}", output, *map(str, SHAPE))
        return msgspec.structs.replace(
            worker,
            argv=(python, "-m", "import_loop", *words),
            reads={
                **{place: source for place, source in worker.reads.items() if not place.startswith("/work/in")},
                "/lab/import_loop.py": _IMPORT_LOOP,
                CASES: cases,
            },
            timeout_s=count * GRAPH_LIMIT_S + 300,
            purpose=PURPOSE,
        )

    sources = sorted([*(ROOT / "lab" / "zoo").rglob("*.py"), _IMPORT_LOOP])
    return Subject("importer", sha256(b"".join(path.read_bytes() for path in sources)), GRAPH_LIMIT_S, confined)


def guest_under(arm: Arm, materials: Materials, output: str, scratch: Path) -> Subject:
    """A guest that is given graphs, natively or under a runtime."""
    given = scratch / "input.f32"
    np.linspace(0, 1, int(np.prod(SHAPE)), dtype="<f4").tofile(given)
    runtime, program = materials.runtime(arm), _program(arm, materials)
    shape = ",".join(map(str, SHAPE))

    def command(case: str) -> Sequence[str]:
        words = (case, "--input", "input.f32", "--shape", shape, "--outputs", output, "--save", "out/output.f32")
        return runtime.run_argv(words)

    image, reads = materials.image(arm), {f"/work/{runtime.guest_file}": program, _INPUT: given}
    identity = _identity(image.image_id, file_sha256(program))
    confined = commanded(
        image.image_id,
        reads,
        command,
        env=runtime.environment,
        limit_s=GRAPH_LIMIT_S,
        memory_bytes=_GRAPH_MEMORY,
    )
    return Subject(f"guest, {arm.system}", identity, GRAPH_LIMIT_S, confined)


def runtime_alone(arm: Arm, materials: Materials) -> Subject:
    """A runtime that is given modules."""
    runtime, image = materials.runtime(arm), materials.image(arm)

    def command(case: str) -> Sequence[str]:
        return [case if word == runtime.guest_file else word for word in runtime.run_argv(())]

    confined = commanded(
        image.image_id,
        {},
        command,
        env=runtime.environment,
        limit_s=MODULE_LIMIT_S,
        memory_bytes=_MODULE_MEMORY,
        suffix=_MODULE_SUFFIX,
    )
    return Subject(arm.system, _identity(image.image_id, _MODULE_SUFFIX), MODULE_LIMIT_S, confined, _MODULE_SUFFIX)


def module_arms(runtimes: Iterable[str]) -> list[Arm]:
    """An arm of each of these runtimes that takes a module as it is; none of those ahead of time only."""
    arms = [*map(Arm.parse, _PREFERRED_ARMS), *registry.all_arms()]
    found = {arm.runtime: arm for arm in reversed(arms) if not arm.is_native and arm.mode is not Mode.AOT}
    return [found[name] for name in sorted(found) if name in set(runtimes)]


def materials_of(images: dict[str, ImageInfo], guests: dict[GuestId, GuestBuild]) -> Materials:
    """What subjects are made of."""
    return Materials(images, guests, {})


def _program(arm: Arm, materials: Materials) -> Path:
    """The guest's binary, or its precompiled module, made here if it is not kept."""
    if arm.mode is not Mode.AOT:
        return materials.guest(arm).path
    modules = PrecompiledModules(home() / "artifacts", materials)
    case = Case(arm, "", 0)
    found = modules.find(case)
    if found is None:
        made = modules.make(case, ContainerEngine(), _COMPILING, campaign=PURPOSE, started_at=utc_now())
        found = modules.find(case)
        if found is None:
            raise BuildFailed(f"{arm.id} has no precompiled module: {made.why}", "see `lab runtimes`")
    return found[0]


def _identity(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
