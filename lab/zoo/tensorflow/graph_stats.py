"""What Table I of the paper says about a network, counted in its frozen graph."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from lab.core.errors import ModelError
from lab.zoo.counts import GraphStats
from lab.zoo.tensorflow.graphdef import Graph, Node, data_inputs, shape_of, static_shapes, value_of
from lab.zoo.tensorflow.operators import CONVOLUTIONS

_PASSIVE = ("Const", "Identity", "Placeholder")
_TRAINED_INPUTS = {
    "Conv2D": (1,),
    "DepthwiseConv2dNative": (1,),
    "BiasAdd": (1,),
    "FusedBatchNorm": (1, 2),
    # An unfused batch-norm, folded, is a product with one vector and a sum with another: scale and offset.
    "Mul": (0, 1),
    "Add": (0, 1),
    "AddV2": (0, 1),
    "Sub": (0, 1),
}
_RECORDED_INPUTS = {"FusedBatchNorm": (3, 4)}


def stats_of(graph: Graph) -> GraphStats:
    """Count what Table I of the paper gives in a canonical graph.

    Raises:
        ModelError: TensorFlow refuses the graph, or a convolution's sizes are not known.
    """
    shapes = static_shapes(graph)
    trained = _constants(graph, _TRAINED_INPUTS)
    recorded = _constants(graph, _RECORDED_INPUTS)
    parameters = sum(_scalars(graph, name) for name in trained)
    operations = Counter(node.op for node in graph.values() if node.op not in _PASSIVE)
    return GraphStats(
        parameters=parameters,
        variables=parameters + sum(_scalars(graph, name) for name in recorded - trained),
        conv_layers=sum(operations[op] for op in CONVOLUTIONS),
        macs=sum(_macs(graph, node, shapes[name]) for name, node in graph.items() if node.op in CONVOLUTIONS),
        operations=dict(sorted(operations.items())),
    )


def _constants(graph: Graph, positions: Mapping[str, tuple[int, ...]]) -> set[str]:
    """Constants that are inputs of these operators at these positions; one that is shared counts once."""
    constants: set[str] = set()
    for node in graph.values():
        inputs = data_inputs(node)
        constants.update(inputs[at] for at in positions.get(node.op, ()) if graph[inputs[at]].op == "Const")
    return constants


def _scalars(graph: Graph, name: str) -> int:
    """Size of a constant, less the last rows and columns of a kernel that are zero throughout."""
    node = graph[name]
    shape = shape_of(node)
    if len(shape) != 4 or shape[0] < 2:
        return math.prod(shape)
    used = np.any(value_of(node) != 0, axis=(2, 3))
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    if not len(rows):
        return math.prod(shape)
    return int(rows[-1] + 1) * int(columns[-1] + 1) * shape[2] * shape[3]


def _macs(graph: Graph, node: Node, output: tuple[int | None, ...] | None) -> int:
    """Multiply-accumulates of a convolution at batch 1."""
    kernel = graph[data_inputs(node)[1]]
    sizes = [size for size in (output or ())[1:] if size is not None]
    if kernel.op != "Const" or len(sizes) != 3:
        raise ModelError(
            f"node '{node.name}' ({node.op}) has no constant kernel, or an output of unknown size",
            "give the whole input shape with --input-shape, and a graph whose weights are frozen",
        )
    height, width, channels, _ = shape_of(kernel)
    return math.prod(sizes) * height * width * (channels if node.op == "Conv2D" else 1)
