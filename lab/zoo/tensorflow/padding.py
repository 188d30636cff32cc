"""Pad before a VALID convolution → SAME with a kernel that zeros make larger: no Pad, and the batch stays free.

tract's own Pad misreads TensorFlow's paddings. SAME pads what its kernel needs, a little more at the end than at the
start; zero rows before and after the kernel move that to where the Pad had it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lab.zoo.tensorflow.canonical import consumers, with_inputs
from lab.zoo.tensorflow.graphdef import Graph, Node, constant, data_inputs, shape_of, value_of
from lab.zoo.tensorflow.operators import CONVOLUTIONS

Shapes = Mapping[str, "tuple[int | None, ...] | None"]


class Growth(NamedTuple):
    """Zeros before and after a kernel along one axis."""

    before: int
    after: int


def fold_pads(graph: Graph, shapes: Shapes) -> Graph:
    """The graph without the Pads that all their consumers can do without; others stay: guests have a Pad of theirs."""
    taken = consumers(graph)
    result = dict(graph)
    for name, node in graph.items():
        if node.op != "Pad":
            continue
        replaced = [_without_pad(graph, node, graph[consumer], shapes) for consumer in taken[name]]
        for nodes in replaced if all(replaced) else ():
            result.update(nodes or {})
    return result


def _without_pad(graph: Graph, pad: Node, convolution: Node, shapes: Shapes) -> Graph | None:
    """The convolution on the Pad's input, with its grown kernel; None if that cannot be."""
    image, paddings = data_inputs(pad)
    shape, kernel_name = shapes.get(image), data_inputs(convolution)[-1]
    if (
        convolution.op not in CONVOLUTIONS
        or convolution.attr["padding"].s != b"VALID"
        or not shape
        or None in shape[1:3]
    ):
        return None
    if graph[paddings].op != "Const" or graph[kernel_name].op != "Const":
        return None
    amounts, strides = value_of(graph[paddings]).tolist(), convolution.attr["strides"].list.i
    if len(amounts) != 4 or any(amounts[0]) or any(amounts[3]):
        return None
    kernel = shape_of(graph[kernel_name])
    growths = [growth(int(shape[axis] or 0), kernel[axis - 1], strides[axis], *amounts[axis]) for axis in (1, 2)]
    if None in growths:
        return None
    grown_name = f"{convolution.name}/grown_kernel"
    grown = np.pad(value_of(graph[kernel_name]), [*(tuple(item or ()) for item in growths), (0, 0), (0, 0)])
    same = with_inputs(convolution, [image, grown_name])
    same.attr["padding"].s = b"SAME"
    return {grown_name: constant(grown_name, grown), convolution.name: same}


def growth(size: int, kernel: int, stride: int, before: int, after: int) -> Growth | None:
    """Return how a kernel must grow for SAME to do what padding and VALID did; None if it cannot.

    Args:
        size: size of the unpadded input along the axis.
        kernel: size of the kernel along the axis.
        stride: stride of the convolution.
        before: zeros at the start.
        after: zeros at the end.
    """
    outputs = (size + before + after - kernel) // stride + 1
    if outputs != -(-size // stride):
        return None
    for grown in range(kernel, 2 * kernel + 1):
        for first in range(grown - kernel + 1):
            total = max((outputs - 1) * stride + grown - size, 0)
            if total // 2 - first == before:
                return Growth(first, grown - kernel - first)
    return None
