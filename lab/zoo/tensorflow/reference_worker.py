"""TensorFlow's outputs for input tensors, in a process of its own, on one thread: ``python -m MODULE JOB…``.

Large constants are taken out of the graph and fed: TensorFlow would otherwise hold VGG's weights four times.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lab.core.errors import ModelError
from lab.disk.whole import write_whole
from lab.zoo.tensorflow import graphdef
from lab.zoo.tensorflow.graphdef import Array, Graph
from lab.zoo.tensorflow.tf_v1 import session
from lab.zoo.worker import ReferenceJob, run_worker

_FED_BYTES = 1 << 20


def compute(job: ReferenceJob) -> None:
    """Computes the outputs for each input: raw little-endian float32, concatenated in the order asked for."""
    graph, feeds = without_large_constants(graphdef.read(Path(job.graph)))
    imported = graphdef.import_graph(graphdef.to_message(graph))
    del graph
    with session(imported) as running:
        for run in job.runs:
            tensor = np.fromfile(run.input, "<f4").reshape(run.shape)
            results = _run(running, job.outputs, {**feeds, f"{job.input_node}:0": tensor})
            write_whole(Path(run.result), b"".join(result.astype("<f4").tobytes() for result in results))


def without_large_constants(graph: Graph) -> tuple[Graph, dict[str, Array]]:
    """The graph with placeholders instead of its large constants, and what to feed them."""
    feeds: dict[str, Array] = {}
    for name, node in graph.items():
        if node.op != "Const" or len(node.attr["value"].tensor.tensor_content) < _FED_BYTES:
            continue
        value = graphdef.value_of(node)
        feeds[f"{name}:0"] = value
        node.Clear()
        node.name, node.op = name, "Placeholder"
        node.attr["dtype"].type = _FLOAT
        for size in value.shape:
            node.attr["shape"].shape.dim.add(size=size)
    return graph, feeds


_FLOAT = 1
"""DT_FLOAT; the graphs here hold no large constants of another type."""


def _run(running: Any, outputs: tuple[str, ...], feeds: dict[str, Array]) -> list[Array]:
    results: list[Array] = running.run([f"{name}:0" for name in outputs], feeds)
    for name, result in zip(outputs, results, strict=True):
        if not np.isfinite(result).all():
            raise ModelError(f"output '{name}' is not finite in TensorFlow", "check the weights and the preprocessing")
    return results


if __name__ == "__main__":
    run_worker(ReferenceJob, compute)
