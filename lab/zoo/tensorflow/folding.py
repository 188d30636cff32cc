"""Constant folding in NumPy: each operator here has one correct IEEE result, so the bytes don't depend on the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lab.core.errors import ModelError
from lab.zoo.tensorflow.graphdef import Array, Graph, Node, constant, data_inputs, value_of
from lab.zoo.tensorflow.tf_v1 import tf

MAX_FOLDED_VALUES = 2**28
"""1 GiB of float32: more than twice the largest weight of VGG."""

Fold = Callable[[Node, list[Array]], Array]


def _squeeze(node: Node, inputs: list[Array]) -> Array:
    axes = tuple(node.attr["squeeze_dims"].list.i)
    return np.squeeze(inputs[0], axes or None)


def _cast(node: Node, inputs: list[Array]) -> Array:
    return inputs[0].astype(tf.as_dtype(node.attr["DstT"].type).as_numpy_dtype)


def _sum_of(_: Node, inputs: list[Array]) -> Array:
    total: Array = np.add(inputs[0], inputs[1])
    return total


def _reciprocal_root(_: Node, inputs: list[Array]) -> Array:
    root: Array = np.sqrt(inputs[0])
    return np.asarray(root.dtype.type(1) / root)


FOLDS: dict[str, Fold] = {
    "Add": _sum_of,
    "AddV2": _sum_of,
    "Cast": _cast,
    "ConcatV2": lambda _, inputs: np.concatenate(inputs[:-1], axis=int(inputs[-1])),
    "ExpandDims": lambda _, inputs: np.expand_dims(inputs[0], int(inputs[1])),
    "Fill": lambda _, inputs: np.full(inputs[0], inputs[1], inputs[1].dtype),
    "Mul": lambda _, inputs: np.multiply(inputs[0], inputs[1]),
    "Neg": lambda _, inputs: np.negative(inputs[0]),
    "Pack": lambda node, inputs: np.stack(inputs, axis=node.attr["axis"].i),
    "Pad": lambda _, inputs: np.pad(inputs[0], inputs[1]),
    "RealDiv": lambda _, inputs: np.divide(inputs[0], inputs[1]),
    "Reshape": lambda _, inputs: inputs[0].reshape(inputs[1]),
    "Rsqrt": _reciprocal_root,
    "Sqrt": lambda _, inputs: np.sqrt(inputs[0]),
    "Square": lambda _, inputs: np.multiply(inputs[0], inputs[0]),
    "Squeeze": _squeeze,
    "Sub": lambda _, inputs: np.subtract(inputs[0], inputs[1]),
    "Transpose": lambda _, inputs: np.transpose(inputs[0], inputs[1]),
}


_BROADCASTING = ("Add", "AddV2", "Mul", "RealDiv", "Sub")


def _check_size(node: Node, inputs: list[Array]) -> None:
    """Refuse to make a constant out of proportion: a few bytes of a graph may ask for gigabytes."""
    count = sum(value.size for value in inputs)
    if node.op == "Fill":
        count = math.prod(int(size) for size in inputs[0])
    elif node.op == "Pad":
        grown = zip(inputs[0].shape, inputs[1], strict=False)
        count = math.prod(size + max(0, int(before)) + max(0, int(after)) for size, (before, after) in grown)
    elif node.op in _BROADCASTING:
        count = math.prod(np.broadcast_shapes(*(value.shape for value in inputs)))
    if count > MAX_FOLDED_VALUES:
        raise ModelError(
            f"node '{node.name}' ({node.op}) makes a constant of {count} values, more than {MAX_FOLDED_VALUES}",
            "export the graph with its weights as constants",
        )


def fold_constants(graph: Graph) -> Graph:
    """The graph, its nodes in the same order, with every node that depends on constants only made one.

    `graph` has every node after its inputs.

    Raises:
        ModelError: a constant would be too large.
    """
    folded: Graph = {}
    for name, node in graph.items():
        inputs = [folded[wanted] for wanted in data_inputs(node)]
        if node.op in FOLDS and inputs and all(wanted.op == "Const" for wanted in inputs):
            values = [value_of(wanted) for wanted in inputs]
            _check_size(node, values)
            folded[name] = constant(name, FOLDS[node.op](node, values))
        else:
            folded[name] = node
    return folded
