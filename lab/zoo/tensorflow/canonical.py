"""From any frozen graph to the one way of writing it that guests build: pruned, folded, batch-norm V1."""

from __future__ import annotations

from collections.abc import Iterable

from lab.core.errors import ModelError
from lab.zoo.tensorflow.folding import fold_constants
from lab.zoo.tensorflow.graphdef import Graph, Node, constant, data_inputs, new_node, ordered, source, value_of
from lab.zoo.tensorflow.operators import ATTRIBUTES, TRANSPARENT

_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


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


_FLOAT = 1
"""DT_FLOAT."""


def placeholders(graph: Graph) -> list[str]:
    """Names of the graph's inputs."""
    return [name for name, node in graph.items() if node.op == "Placeholder"]


def consumers(graph: Graph) -> dict[str, list[str]]:
    """Node → nodes that take its output."""
    found: dict[str, list[str]] = {name: [] for name in graph}
    for name, node in graph.items():
        for wanted in data_inputs(node):
            found.setdefault(wanted, []).append(name)
    return found
