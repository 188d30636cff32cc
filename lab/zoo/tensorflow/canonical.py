"""From any frozen graph to the one way of writing it that guests build: pruned, folded, batch-norm V1.

Constants are folded in NumPy: each operator here has one correct IEEE result, so the bytes don't depend on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from lab.core.errors import ModelError
from lab.zoo.tensorflow.graphdef import Array, Graph, Node, constant, data_inputs, new_node, ordered, source, value_of
from lab.zoo.tensorflow.operators import ATTRIBUTES, TRANSPARENT
from lab.zoo.tensorflow.tf_v1 import tf

_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_FLOAT = 1
"""DT_FLOAT."""
MAX_FOLDED_VALUES = 2**28
"""1 GiB of float32: more than twice the largest weight of VGG."""


def canonicalise(graph: Graph, outputs: tuple[str, ...]) -> Graph:
    """The graph as guests take it: nodes after their inputs, only what the outputs need.

    Raises:
        ModelError: guests lack an operator, an attribute or an output; the node is named.
    """
    slim = ordered(without_transparent(graph, outputs), outputs)
    folded = ordered(fold_constants(slim), outputs)
    return {name: _rewritten(node) for name, node in folded.items()}


def without_transparent(graph: Graph, outputs: Iterable[str]) -> Graph:
    """Every input that leads through transparent nodes leads past them; those that are outputs stay."""
    kept = set(outputs)

    def resolve(reference: str) -> str:
        name = source(reference)
        seen: set[str] = set()
        while name in graph and graph[name].op in TRANSPARENT and name not in kept and name not in seen:
            seen.add(name)
            reference = graph[name].input[0]
            name = source(reference)
        return reference

    rewired: Graph = {}
    for name, node in graph.items():
        inputs = [resolve(reference) for reference in node.input if not reference.startswith("^")]
        if list(node.input) == inputs:
            rewired[name] = node
        else:
            rewired[name] = with_inputs(node, inputs)
    return rewired


def with_inputs(node: Node, inputs: list[str]) -> Node:
    """A copy of the node with other inputs."""
    changed = new_node(node.name, node.op, inputs)
    for key, value in node.attr.items():
        changed.attr[key].CopyFrom(value)
    return changed


def _rewritten(node: Node) -> Node:
    """The node under its canonical operator, with the attributes of `ATTRIBUTES`."""
    if node.op == "Const":
        tensor = node.attr["value"].tensor
        written_so = tensor.tensor_content and tensor.HasField("tensor_shape")
        return node if written_so else constant(node.name, value_of(node))
    op = "FusedBatchNorm" if node.op in _BATCH_NORMS else node.op
    if op not in ATTRIBUTES:
        raise ModelError(
            f"node '{node.name}' is a {node.op}, which the guest has no operator for",
            f"export the graph for inference, from operators among {', '.join(ATTRIBUTES)}",
        )
    _check(node)
    canonical = new_node(node.name, op, [_first_output(node, reference) for reference in node.input])
    for key in ATTRIBUTES[op]:
        if key in node.attr:
            canonical.attr[key].CopyFrom(node.attr[key])
    return canonical


def _first_output(node: Node, reference: str) -> str:
    if ":" in reference and not reference.endswith(":0"):
        raise ModelError(
            f"node '{node.name}' ({node.op}) takes '{reference}', a second output, which guests don't compute",
            "export the graph for inference, without training statistics",
        )
    return source(reference)


def _check(node: Node) -> None:
    """Refuses attributes that guests would silently ignore."""
    attributes = node.attr
    complaint = None
    if node.op in _BATCH_NORMS and attributes["is_training"].b:
        complaint = "is in training mode", "export the graph for inference (is_training=False)"
    elif attributes["data_format"].s not in (b"", b"NHWC"):
        complaint = "is not NHWC", "export the graph with data_format NHWC"
    elif attributes["padding"].s == b"EXPLICIT":
        complaint = "pads explicitly", "export it with a Pad before a VALID convolution"
    elif any(step != 1 for step in attributes["dilations"].list.i):
        complaint = "is dilated", "networks with dilated convolutions cannot be imported"
    elif node.op == "Placeholder" and node.attr["dtype"].type != _FLOAT:
        complaint = "is not float32", "cut the graph behind its image decoding, with a float32 placeholder"
    if complaint:
        what, remedy = complaint
        raise ModelError(f"node '{node.name}' ({node.op}) {what}, which guests cannot do", remedy)


def placeholders(graph: Graph) -> list[str]:
    """Names of the graph's inputs."""
    return [name for name, node in graph.items() if node.op == "Placeholder"]


def consumers(graph: Graph) -> dict[str, list[str]]:
    """Node → nodes that take its output."""
    takers: dict[str, list[str]] = {name: [] for name in graph}
    for name, node in graph.items():
        for wanted in data_inputs(node):
            takers.setdefault(wanted, []).append(name)
    return takers


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
