"""Processes that import TensorFlow on the lab's behalf: their jobs, how they start, and how their errors come back.

Each takes one JSON argument per job. Importing TensorFlow takes seconds, so small networks share a process; each VGG
has its own, whose memory ends with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from lab.core import errors
from lab.core.errors import LabError, ModelError
from lab.core.names import GraphFormat

_ROOT = Path(__file__).resolve().parents[2]
_DONE = "done: "
_ERROR = "lab-error: "
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    # oneDNN chooses kernels by CPU and repacks weights: slower here, further from the operators' plain definition.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Without it `import tensorflow` imports Keras 3, which nothing here uses, and which takes a third of the time.
    "TF_USE_LEGACY_KERAS": "1",
}


class BuildJob(msgspec.Struct, frozen=True):
    """For `lab.zoo.tensorflow.build_worker`: freeze one network into a directory.

    Attributes:
        checkpoint: its weights: slim's checkpoint or YuNet's ONNX file; None: seeded.
    """

    name: str
    directory: str
    checkpoint: str | None = None


class ImportJob(msgspec.Struct, frozen=True):
    """For the import worker of its format: take a foreign graph into a directory; TensorFlow's is made canonical.

    Attributes:
        shape: shape of its input, batch first; empty: the one that the graph declares.
        outputs: names of the outputs; empty: the file's own, or the nodes that feed no other.
        format: of the file.
    """

    name: str
    path: str
    directory: str
    shape: tuple[int, ...]
    outputs: tuple[str, ...] = ()
    format: GraphFormat = GraphFormat.PB


class ReferenceRun(msgspec.Struct, frozen=True):
    """One input tensor, and the file that the outputs for it go to."""

    input: str
    shape: tuple[int, ...]
    result: str


class ReferenceJob(msgspec.Struct, frozen=True):
    """For the reference worker of its format: run one graph on its inputs."""

    name: str
    graph: str
    input_node: str
    outputs: tuple[str, ...]
    runs: tuple[ReferenceRun, ...]
    format: GraphFormat = GraphFormat.PB


class ConvertJob(msgspec.Struct, frozen=True):
    """For `lab.zoo.tensorflow.convert_worker`: write a graph in another format.

    Attributes:
        shape: of its input, at batch 1.
        outputs: names of the output nodes, in the order in which the converted graph has them.
        result: the file to write.
    """

    name: str
    graph: str
    input_node: str
    shape: tuple[int, ...]
    outputs: tuple[str, ...]
    format: GraphFormat
    result: str


def worker_of(kind: type[ImportJob | ReferenceJob], graph_format: GraphFormat) -> str:
    """The module of the worker that does such jobs on graphs of a format; only TensorFlow's takes TensorFlow."""
    where = "tensorflow" if graph_format is GraphFormat.PB else "fronts"
    return f"lab.zoo.{where}.{'import' if kind is ImportJob else 'reference'}_worker"


Job = BuildJob | ImportJob | ReferenceJob | ConvertJob

AnyJob = TypeVar("AnyJob", bound=Job)


class _Failure(msgspec.Struct, frozen=True):
    """A `LabError` on its way between processes."""

    kind: str
    message: str
    remedy: str


def run_worker(kind: type[AnyJob], work: Callable[[AnyJob], None]) -> None:
    """Run the jobs of a worker's command line, one after the other, and print which are done.

    A `LabError` is printed so that `call_worker` can raise it on the other side.
    """
    try:
        for argument in sys.argv[1:]:
            job = msgspec.json.decode(argument, type=kind)
            work(job)
            sys.stdout.write(f"{_DONE}{job.name}\n")
            sys.stdout.flush()
    except LabError as error:
        failure = _Failure(type(error).__name__, error.message, error.remedy)
        sys.stderr.write(_ERROR + msgspec.json.encode(failure).decode() + "\n")
        sys.exit(error.exit_code)


class Ended(msgspec.Struct, frozen=True):
    """How a worker's process ended.

    Attributes:
        code: exit code; negative for the signal that killed it.
        complaints: what it wrote to its error output, by line.
    """

    code: int
    complaints: list[str]


class Launcher(Protocol):
    """Starts a worker on jobs and waits for it; `done` is called with each job's name as it ends."""

    def __call__(self, module: str, jobs: Sequence[Job], done: Callable[[str], None]) -> Ended:
        """Run ``python -m module`` with the jobs as arguments."""


def on_host(module: str, jobs: Sequence[Job], done: Callable[[str], None]) -> Ended:
    """Start a worker as a process of this user: for the lab's own networks, and for graphs that are trusted."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
    command = [sys.executable, *arguments(module, jobs)]
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=complaints, text=True)
        with process:
            for line in process.stdout or ():
                if line.startswith(_DONE):
                    done(line.removeprefix(_DONE).strip())
        complaints.seek(0)
        return Ended(process.returncode, complaints.read().splitlines())


def arguments(module: str, jobs: Sequence[Job]) -> list[str]:
    """Python's own for running a worker on jobs."""
    return ["-m", module, *(msgspec.json.encode(job).decode() for job in jobs)]


def call_worker(
    module: str, jobs: Sequence[Job], done: Callable[[str], None] = lambda _: None, launch: Launcher = on_host
) -> None:
    """Runs a worker on jobs and waits for it; `done` is called with each job's name as it ends.

    Raises:
        LabError: whatever the worker raised.
        ModelError: it died otherwise, such as killed because memory ran out.
    """
    ended = launch(module, jobs, done)
    if ended.code != 0:
        raise _error_of(module, ended.code, ended.complaints)


def _error_of(module: str, code: int, lines: list[str]) -> LabError:
    for line in reversed(lines):
        if line.startswith(_ERROR):
            try:
                failure = msgspec.json.decode(line.removeprefix(_ERROR), type=_Failure)
            except msgspec.MsgspecError:
                continue
            kind = getattr(errors, failure.kind, ModelError)
            # what TensorFlow prints may look like one of ours
            if isinstance(kind, type) and issubclass(kind, LabError):
                return kind(failure.message, failure.remedy)
    if code < 0:
        return ModelError(
            f"{module} was killed by signal {-code}",
            "VGG needs about 4 GB of free memory; close other programs and run the same command again",
        )
    last = next((line.strip() for line in reversed(lines) if line.strip()), "no message")
    return ModelError(f"{module} failed: {last[:300]}", "check that TensorFlow is installed whole: `just setup`")
