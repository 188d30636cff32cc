"""From a built graph to a model: inputs, reference outputs and ``meta.json`` are added to its directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from lab.core.errors import NoSpace
from lab.core.names import GraphFormat
from lab.core.units import show_bytes
from lab.disk.content import decode_json, file_sha256, sha256
from lab.disk.whole import draft_directory, remove_leftovers, write_whole
from lab.zoo.entries import Preprocessing
from lab.zoo.model_directory import FACTS_FILE, Built, Meta, Prepared, read_meta, write_meta
from lab.zoo.recipe import Pictures
from lab.zoo.worker import Launcher, ReferenceJob, ReferenceRun, call_worker, on_host, worker_of

Progress = Callable[[str, str], None]
"""Called with a model's name and what is being done for it."""

_MARGIN_BYTES = 64 << 20


class Staged(msgspec.Struct, frozen=True):
    """A directory with a graph in it that is to become a model.

    Attributes:
        description: text for `Meta.source`.
        preprocessing: what pixels go through; None: as the graph's file says.
    """

    name: str
    weights: str
    description: str
    directory: Path
    preprocessing: Preprocessing | None
    images: Pictures


def check_space(home: Path, needed_bytes: int) -> None:
    """Refuses to start what the disk cannot hold.

    Raises:
        NoSpace: less is free than is needed, with a margin.
    """
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    needed = needed_bytes + _MARGIN_BYTES
    if free < needed:
        raise NoSpace(
            f"making the models takes {show_bytes(needed)}, {home} has {show_bytes(free)} free",
            "free some space, point LAB_HOME at a larger disk, or leave out vgg_16 and vgg_19",
        )


@contextmanager
def staging(home: Path, name: str) -> Iterator[Path]:
    """An empty directory beside the models, gone at the end unless published; leftovers of killed runs go first."""
    models = home / "models"
    remove_leftovers(models)
    with draft_directory(models, name) as directory:
        yield directory


def complete(staged: Sequence[Staged], batches: Sequence[int], progress: Progress, launch: Launcher = on_host) -> None:
    """Adds the inputs for these batches and the reference outputs for them; ``meta.json`` comes last.

    Args:
        staged: of one format.
        batches: sizes to have inputs for; a graph that fixes its batch gets that one alone.
        progress: called with a model's name and what is being done for it.
        launch: starts the process that computes the reference.

    Raises:
        ModelError: images are missing or do not fit, or the format's runtime cannot run a graph.
    """
    prepared = {item.name: _write_inputs(item, batches) for item in staged}
    jobs = [_reference_job(item, _built(item.directory), prepared[item.name]) for item in staged]
    for item in staged:
        progress(item.name, "computing the reference")
    for graph_format in dict.fromkeys(job.format for job in jobs):
        those = [job for job in jobs if job.format is graph_format]
        call_worker(worker_of(ReferenceJob, graph_format), those, launch=launch)
    for item in staged:
        known = read_meta(item.directory)
        older = [entry for entry in (known.inputs if known else ()) if entry.batch not in batches]
        newer = [_with_reference(item.directory, entry) for entry in prepared[item.name]]
        inputs = sorted((*older, *newer), key=lambda entry: entry.batch)
        write_meta(item.directory, _meta(item, tuple(inputs)))


def _built(directory: Path) -> Built:
    return decode_json(directory / FACTS_FILE, Built, f"delete {directory}; it is made again when it is needed")


def _meta(item: Staged, inputs: tuple[Prepared, ...]) -> Meta:
    built = _built(item.directory)
    return Meta(
        name=item.name,
        weights=item.weights,
        source=item.description,
        tensorflow=_version_of_reference(built.format),
        built=built,
        inputs=inputs,
    )


_RUNTIME_PACKAGES = {
    GraphFormat.PB: ("tensorflow-cpu", "tensorflow"),
    GraphFormat.ONNX: ("onnxruntime",),
    GraphFormat.TFLITE: ("ai-edge-litert",),
}


def _version_of_reference(graph_format: GraphFormat) -> str:
    packages = _RUNTIME_PACKAGES[graph_format]
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return packages[-1]


def _write_inputs(item: Staged, batches: Sequence[int]) -> tuple[Prepared, ...]:
    from lab.zoo.inputs import input_tensor  # noqa: PLC0415 - NumPy, for those who make inputs

    built = _built(item.directory)
    prepared = []
    for batch in batches if built.fixed_batch is None else (built.fixed_batch,):
        tensor = input_tensor(built, item.preprocessing, item.images, batch)
        content = tensor.astype("<f4").tobytes()
        file = f"input.b{batch}.f32"
        write_whole(item.directory / file, content)
        prepared.append(Prepared(batch, tensor.shape, file, sha256(content), f"reference.b{batch}.f32"))
    return tuple(prepared)


def _with_reference(directory: Path, entry: Prepared) -> Prepared:
    """An input with the hash of what TensorFlow has just computed for it."""
    return msgspec.structs.replace(entry, reference_sha256=file_sha256(directory / entry.reference))


def _reference_job(item: Staged, built: Built, prepared: tuple[Prepared, ...]) -> ReferenceJob:
    runs = tuple(
        ReferenceRun(str(item.directory / entry.file), entry.shape, str(item.directory / entry.reference))
        for entry in prepared
    )
    nodes = tuple(node for node, _ in built.outputs)
    graph = str(item.directory / built.graph_file)
    return ReferenceJob(item.name, graph, built.input_node, nodes, runs, built.format)
