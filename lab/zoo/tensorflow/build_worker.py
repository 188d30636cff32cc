"""Networks, from weights to a frozen graph, in a process of their own: ``python -m MODULE JOB…``.

Writes ``graph.pb`` and ``facts.json``. The weights come from a checkpoint (slim's, or YuNet's ONNX file) or are seeded;
either way a checkpoint is restored, so that both take the same path to the frozen graph.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from lab.core.errors import ModelError
from lab.disk.whole import write_whole
from lab.zoo.entries import ENTRIES
from lab.zoo.model_directory import FACTS_FILE, GRAPH_FILE, Built
from lab.zoo.tensorflow import graphdef
from lab.zoo.tensorflow.checkpoint import freeze, restore, seeded_weights, write
from lab.zoo.tensorflow.graph_stats import stats_of
from lab.zoo.tensorflow.graphdef import Graph
from lab.zoo.tensorflow.networks import Network
from lab.zoo.tensorflow.networks import build as build_network
from lab.zoo.tensorflow.tf_v1 import session
from lab.zoo.tensorflow.yunet import onnx_weights
from lab.zoo.worker import BuildJob, run_worker


def build(job: BuildJob) -> None:
    """Builds one network into a directory."""
    network = build_network(ENTRIES[job.name])
    checkpoint = Path(job.checkpoint) if job.checkpoint else None
    graph = _frozen(job.name, network, checkpoint, Path(job.directory))
    write_graph(graph, "input", network.outputs, Path(job.directory))


def write_graph(graph: Graph, input_node: str, outputs: tuple[str, ...], directory: Path) -> None:
    """Writes the graph and, last, what is known about it.

    Raises:
        ModelError: the size of its input or of an output is not known.
    """
    shapes = graphdef.static_shapes(graph)
    height, width, channels = _known(input_node, shapes[input_node])
    built = Built(
        graph_sha256=graphdef.write(graph, directory / GRAPH_FILE),
        input_node=input_node,
        image_shape=(height, width, channels),
        outputs=tuple((name, (1, *_known(name, shapes[name]))) for name in outputs),
        facts=stats_of(graph),
    )
    write_whole(directory / FACTS_FILE, msgspec.json.encode(built))


def _known(name: str, shape: tuple[int | None, ...] | None) -> tuple[int, ...]:
    """The shape behind the batch, if all of it is known."""
    sizes = tuple(size for size in (shape or ())[1:] if size is not None)
    if shape is None or len(sizes) != len(shape) - 1:
        raise ModelError(
            f"the shape of '{name}' is not known: {shape}", "give the whole input shape with --input-shape"
        )
    return sizes


def _frozen(name: str, network: Network, checkpoint: Path | None, directory: Path) -> Graph:
    """Restores (and first writes, if there is none) a checkpoint and freezes it."""
    with tempfile.TemporaryDirectory(dir=directory, prefix="checkpoint-") as scratch:
        if checkpoint is None:
            checkpoint = write(network, seeded_weights(name, network), Path(scratch) / "seeded.ckpt")
        elif checkpoint.suffix == ".onnx":
            checkpoint = write(network, onnx_weights(checkpoint), Path(scratch) / "onnx.ckpt")
        with session(network.graph) as running:
            restore(network, running, checkpoint)
            return freeze(running, network.outputs)


if __name__ == "__main__":
    run_worker(BuildJob, build)
