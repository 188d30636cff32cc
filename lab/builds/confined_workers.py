"""Workers that read somebody else's graph, in a container that has nothing to read, to write or to call beside it.

The container runs the lab's own Python: the interpreter, the environment's packages and the lab's code are mounted
read-only, over the system libraries of this machine. So the pinned TensorFlow reads the graph, and no second copy of it
is built.
"""

from __future__ import annotations

import shutil
import stat
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from lab.core.errors import ModelError
from lab.core.units import show_bytes, show_duration
from lab.disk.paths import ROOT
from lab.disk.whole import whole_file
from lab.engines.confined import Confined, run_confined
from lab.zoo.model_directory import FACTS_FILE, GRAPH_FILE, graph_file
from lab.zoo.worker import ENVIRONMENT, ConvertJob, Ended, ImportJob, Job, ReferenceJob, ReferenceRun, arguments

MEMORY_BYTES = 6 << 30
"""Of one worker, what it writes included: VGG needs about 4 GB."""
TIMEOUT_S = 1800.0
_MARGIN_BYTES = 256 << 20

_IN, _OUT = PurePosixPath("/work/in"), PurePosixPath("/work/out")
_PYTHON, _PACKAGES, _CODE = "/python", "/packages", "/lab"
_SYSTEM = Path("/usr")
_LIBRARY_CACHE = Path("/etc/ld.so.cache")


class Placed(msgspec.Struct, frozen=True):
    """A job as the container sees it.

    Attributes:
        job: with the container's paths.
        reads: files of this machine, by their name in the container's input directory.
        writes: where the files that the worker leaves go, by their name.
    """

    job: Job
    reads: dict[str, Path]
    writes: dict[str, Path]


class ConfinedWorkers:
    """Starts workers in containers; a `lab.zoo.worker.Launcher`.

    Args:
        image: any of the lab's images; nothing of it is used but its directories.
        memory_bytes: limit of one worker.
        timeout_s: after which one is killed.
    """

    def __init__(self, image: str, memory_bytes: int = MEMORY_BYTES, timeout_s: float = TIMEOUT_S) -> None:
        self._image, self._memory_bytes, self._timeout_s = image, memory_bytes, timeout_s

    def __call__(self, module: str, jobs: Sequence[Job], done: Callable[[str], None]) -> Ended:
        """Run a worker on each job, one after the other.

        Raises:
            ModelError: it ran out of time or space, or left out what it should have written.
            EngineMissing, EngineForbidden, EngineFailed: from the container engine.
        """
        ended = Ended(0, [])
        for job in jobs:
            ended = self._run(module, placed(job))
            if ended.code != 0:
                return ended
            done(job.name)
        return ended

    def _run(self, module: str, work: Placed) -> Ended:
        for file in work.reads.values():
            if not file.stat().st_mode & stat.S_IROTH:
                remedy = f"`chmod o+r {file}`, or read it with --engine process if you trust it"
                raise ModelError(f"the container's user may not read {file}", remedy)
        what = self.confined(module, work)
        with tempfile.TemporaryFile() as archive:
            end = run_confined(what, archive)
            if end.is_late:
                raise ModelError(
                    f"importing {work.job.name} took more than {show_duration(what.timeout_s)}",
                    "import a smaller graph, or one that you trust with --engine process",
                )
            if end.code == 0:
                if not end.is_whole:
                    too_much = f"importing {work.job.name} wrote more than {show_bytes(what.out_bytes)}"
                    raise ModelError(too_much, "import a smaller graph")
                keep(archive, work)
        return Ended(end.code, end.complaints)

    def confined(self, module: str, work: Placed) -> Confined:
        """The command of a worker with its walls."""
        packages = list(dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")))
        places = {f"{_PACKAGES}/{number}": path for number, path in enumerate(packages)}
        reads = {str(_SYSTEM): _SYSTEM, f"{_CODE}/lab": ROOT / "lab", **places}
        if _LIBRARY_CACHE.is_file():
            reads[str(_LIBRARY_CACHE)] = _LIBRARY_CACHE
        env = {**ENVIRONMENT, "PYTHONPATH": ":".join([_CODE, *places]), "PYTHONDONTWRITEBYTECODE": "1"}
        prefix = Path(sys.base_prefix).resolve()
        if prefix != _SYSTEM:
            reads[_PYTHON] = prefix
            env["PYTHONHOME"] = _PYTHON
        interpreter = f"{_SYSTEM if prefix == _SYSTEM else _PYTHON}/bin/python3.{sys.version_info.minor}"
        return Confined(
            image=self._image,
            argv=(interpreter, *arguments(module, [work.job])),
            reads=reads | {str(_IN / name): file for name, file in work.reads.items()},
            out=str(_OUT),
            out_bytes=2 * sum(file.stat().st_size for file in work.reads.values()) + _MARGIN_BYTES,
            env=env,
            memory_bytes=self._memory_bytes,
            timeout_s=self._timeout_s,
            purpose="import",
        )


def placed(job: Job) -> Placed:
    """Where the container has the files of a job.

    Raises:
        TypeError: the job reads nothing foreign.
    """
    if isinstance(job, ImportJob):
        source, directory = Path(job.path), Path(job.directory)
        made = (graph_file(job.format), FACTS_FILE)
        inside = msgspec.structs.replace(job, path=str(_IN / source.name), directory=str(_OUT))
        return Placed(inside, {source.name: source}, {name: directory / name for name in made})
    if isinstance(job, ReferenceJob):
        graph = graph_file(job.format)
        reads = {graph: Path(job.graph), **{Path(run.input).name: Path(run.input) for run in job.runs}}
        writes = {Path(run.result).name: Path(run.result) for run in job.runs}
        runs = tuple(
            ReferenceRun(str(_IN / Path(run.input).name), run.shape, str(_OUT / Path(run.result).name))
            for run in job.runs
        )
        return Placed(msgspec.structs.replace(job, graph=str(_IN / graph), runs=runs), reads, writes)
    if isinstance(job, ConvertJob):
        result = Path(job.result)
        converting = msgspec.structs.replace(job, graph=str(_IN / GRAPH_FILE), result=str(_OUT / result.name))
        return Placed(converting, {GRAPH_FILE: Path(job.graph)}, {result.name: result})
    raise TypeError(f"{type(job).__name__} reads no foreign graph")


def keep(archive: IO[bytes], work: Placed) -> None:
    """Put the files that a worker was asked for in their place; whatever else the archive holds is left there.

    Raises:
        ModelError: one is missing, or the archive is damaged.
    """
    archive.seek(0)
    missing = dict(work.writes)
    try:
        with tarfile.open(fileobj=archive, mode="r") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                target = None if content is None else missing.pop(member.name.removeprefix("./"), None)
                if target is not None and content is not None:
                    with whole_file(target) as draft, draft.open("wb") as file:
                        shutil.copyfileobj(content, file)
    except tarfile.TarError as error:
        raise ModelError(f"what importing {work.job.name} made is damaged: {error}", "import it again") from error
    if missing:
        raise ModelError(f"importing {work.job.name} made no {', '.join(missing)}", "import it again")
