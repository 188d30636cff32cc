"""A foreign frozen graph, made canonical in a process of its own: ``python -m MODULE JOB…``.

Old exports leave out attributes that have a default, keep batch-norm in its parts, check numerics, compute shapes at
run time or fix the batch at 1. What comes out computes the same, for any batch, from operators that guests have.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lab.core.errors import ModelError
from lab.zoo.tensorflow import graphdef
from lab.zoo.tensorflow.build_worker import write_graph
from lab.zoo.tensorflow.canonical import canonicalise, consumers, placeholders, with_inputs, without_transparent
from lab.zoo.tensorflow.foreign import check_foreign
from lab.zoo.tensorflow.graphdef import Graph, constant, data_inputs, ordered, value_of
from lab.zoo.tensorflow.padding import Shapes, fold_pads
from lab.zoo.tensorflow.tf_v1 import tf
from lab.zoo.worker import ImportJob, run_worker

_NO_OUTPUTS = ("Assert", "Const", "NoOp", "Placeholder")


def adopt(job: ImportJob) -> None:
    """Reads, canonicalises and writes one graph.

    Raises:
        ModelError: the file, the shape, the outputs or an operator is not one that guests can take, or the graph holds
            what an import may not hold (`lab.zoo.tensorflow.foreign`).
    """
    graph = graphdef.read(Path(job.path))
    outputs = job.outputs or _sinks(graph)
    graph = ordered(graph, outputs)
    check_foreign(graph, Path(job.path).stat().st_size)
    shape = job.shape or _declared_shape(graph)
    image = _free_placeholder(graph, shape)
    graph = _defaults_filled(without_transparent(graph, outputs))
    graph = ordered(_free_reshapes(graph, shape[0]), outputs)
    shapes = graphdef.static_shapes(graph)
    graph = canonicalise(fold_pads(_constant_reshapes(graph, shapes), shapes), outputs)
    if image not in graph:
        raise ModelError(f"no output depends on the input '{image}'", "name the network's outputs with --outputs")
    write_graph(graph, image, outputs, Path(job.directory))


def _sinks(graph: Graph) -> tuple[str, ...]:
    """Nodes that nothing takes a tensor from, in the file's order."""
    sinks = tuple(
        name
        for name, taken in consumers(graph).items()
        if not taken and name in graph and graph[name].op not in _NO_OUTPUTS
    )
    if not sinks:
        raise ModelError("the graph has no output: every node feeds another", "name its outputs with --outputs")
    return sinks


def _declared_shape(graph: Graph) -> tuple[int, ...]:
    """The shape that the one placeholder declares; a free batch is 1."""
    node = graph[_only_placeholder(graph)]
    batch, *image = [dim.size for dim in node.attr["shape"].shape.dim] or [-1]
    if len(image) != 3 or min(image) < 1 or image[0] != image[1] or image[2] != 3:
        raise ModelError(
            f"input '{node.name}' is declared as {_show([batch, *image])}: not the size of square colour images",
            "if the graph takes such images, give their size with --input-shape, such as 1,224,224,3",
        )
    return max(batch, 1), *image


def _only_placeholder(graph: Graph) -> str:
    inputs = placeholders(graph)
    if len(inputs) != 1:
        listed = ", ".join(inputs) or "none"
        raise ModelError(f"the graph must have one input, it has {listed}", "export it with one image placeholder")
    return inputs[0]


def _free_placeholder(graph: Graph, shape: tuple[int, ...]) -> str:
    """Gives the one placeholder that shape, with a free batch, and returns its name."""
    node = graph[_only_placeholder(graph)]
    given = [dim.size for dim in node.attr["shape"].shape.dim]
    fits = len(given) == len(shape) and all(a in (-1, b) for a, b in zip(given[1:], shape[1:], strict=True))
    if given and not fits:
        raise ModelError(
            f"input '{node.name}' has shape {_show(given)}, not {_show(shape)}",
            f"give --input-shape {_show([shape[0], *given[1:]])}",
        )
    node.attr["shape"].shape.Clear()
    for size in (-1, *shape[1:]):
        node.attr["shape"].shape.dim.add(size=size)
    return str(node.name)


def _show(shape: object) -> str:
    return ",".join(map(str, shape)) if isinstance(shape, list | tuple) else str(shape)


def _defaults_filled(graph: Graph) -> Graph:
    """The same nodes with every attribute that has a default: TensorFlow fills them as it imports the graph."""
    return graphdef.nodes_of(graphdef.import_graph(graphdef.to_message(graph)).as_graph_def())


def _free_reshapes(graph: Graph, batch: int) -> Graph:
    """Constant reshapes to [batch, …] become reshapes to [-1, …]: the same at that batch, and right at any other."""
    freed = dict(graph)
    for name, node in graph.items():
        wanted = data_inputs(node)[1] if node.op == "Reshape" else None
        if wanted is None or graph[wanted].op != "Const":
            continue
        shape = value_of(graph[wanted]).copy()
        if shape.size > 1 and shape[0] == batch and -1 not in shape:
            shape[0] = -1
            _set_shape(freed, name, shape)
    return freed


def _constant_reshapes(graph: Graph, shapes: Shapes) -> Graph:
    """Reshapes whose target is computed at run time get it as a constant, if all but the batch is known."""
    constants = dict(graph)
    for name, node in graph.items():
        shape = shapes.get(name)
        if node.op == "Reshape" and graph[data_inputs(node)[1]].op != "Const" and shape and None not in shape[1:]:
            _set_shape(constants, name, np.array([-1, *shape[1:]], np.int32))
    return constants


def _set_shape(graph: Graph, name: str, shape: graphdef.Array) -> None:
    """Gives a Reshape a constant target of its own."""
    target = f"{name}/constant_shape"
    graph[target] = constant(target, shape.astype(np.int32))
    graph[name] = with_inputs(graph[name], [graph[name].input[0], target])
    graph[name].attr["Tshape"].type = tf.int32.as_datatype_enum


if __name__ == "__main__":
    run_worker(ImportJob, adopt)
