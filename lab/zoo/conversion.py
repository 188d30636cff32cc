"""A model's graph in the formats of other frameworks, kept beside the graph, by content.

A converted file's name carries a key over the graph, the format and the converters, and its sha256 lies beside it: it
is compared with the file before every campaign. Conversion imports the graph into TensorFlow; whoever wants that in a
container, as for a stranger's graph, gives another launcher.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from lab.core.errors import DataError
from lab.core.model import ConvertedGraph, Model
from lab.core.names import GraphFormat
from lab.disk.content import file_sha256
from lab.disk.locks import lock
from lab.disk.whole import write_whole
from lab.zoo.entries import CONVERTERS
from lab.zoo.staging import Progress
from lab.zoo.worker import ConvertJob, Launcher, call_worker, on_host

REVISION = 1
"""Of how they are called; raised when `lab.zoo.tensorflow.convert_worker` makes other bytes of the same graph."""
_WORKER = "lab.zoo.tensorflow.convert_worker"


def converted(
    models: Sequence[Model],
    formats: Collection[GraphFormat],
    home: Path,
    progress: Progress,
    launch: Launcher = on_host,
) -> dict[str, Model]:
    """The models with their graphs in these formats, by name; converted where that has not been done.

    Args:
        models: whose graphs to convert.
        formats: wanted; TensorFlow's own is there anyway.
        home: the lab's cache directory.
        progress: called with a model's name and what is being done for it.
        launch: starts the worker.

    Raises:
        ModelError: a graph cannot be converted; only TensorFlow's can, and not to every format.
        DataError: a converted graph is not what was made.
    """
    wanted = sorted(set(formats) - {GraphFormat.PB})
    paths = {(model.name, each): _path(model, each) for model in models for each in wanted}
    if not all(_record(path).is_file() for path in paths.values()):
        with lock("conversion", directory=home, waiting=lambda: progress("models", "waiting: another lab converts")):
            jobs = [
                _job(model, each, paths[model.name, each])
                for model in models
                for each in wanted
                if not _record(paths[model.name, each]).is_file()
            ]
            for job in jobs:
                progress(job.name, f"converting to {job.format}")
            call_worker(_WORKER, jobs, launch=launch)
            for job in jobs:
                write_whole(_record(Path(job.result)), f"{file_sha256(Path(job.result))}\n".encode())
    return {
        model.name: msgspec.structs.replace(
            model, converted=tuple(_checked(each, paths[model.name, each]) for each in wanted)
        )
        for model in models
    }


def _path(model: Model, graph_format: GraphFormat) -> Path:
    made_by = [f"{package} {version(package)}" for package in CONVERTERS[graph_format]]
    outputs = [tensor.node for tensor in model.outputs]
    inputs = "\n".join([model.graph_sha256, model.input_node, *outputs, graph_format, str(REVISION), *made_by])
    return model.graph_path.parent / f"graph-{hashlib.sha256(inputs.encode()).hexdigest()[:12]}.{graph_format}"


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _job(model: Model, graph_format: GraphFormat, result: Path) -> ConvertJob:
    shape = (1, *model.inputs[0].shape[1:])
    outputs = tuple(tensor.node for tensor in model.outputs)
    return ConvertJob(model.name, str(model.graph_path), model.input_node, shape, outputs, graph_format, str(result))


def _checked(graph_format: GraphFormat, path: Path) -> ConvertedGraph:
    wanted = _record(path).read_text().strip()
    found = file_sha256(path) if path.is_file() else "no file"
    if found != wanted:
        raise DataError(
            f"{path} is not what was made: sha256 {wanted[:12]}… then, {found[:12]}… now",
            f"delete {_record(path)}; it is converted again when it is needed",
        )
    return ConvertedGraph(graph_format, path, wanted)
