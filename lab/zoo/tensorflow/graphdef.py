"""GraphDef protobufs as a dictionary of nodes: reading, constants, order, bytes.

A weight lives in one NodeDef from the moment it is made; passes hand these on and never copy them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from lab.core.errors import ModelError
from lab.zoo.tensorflow.tf_v1 import graph_pb2, node_def_pb2, tf

Node = Any
"""A NodeDef."""
Graph = dict[str, Node]
"""Nodes by name."""
Array = NDArray[Any]

PRODUCER = 27
"""Version of the GraphDef format that is written (TensorFlow 1.13's); fixed, or bytes would follow the release."""


def read(path: Path) -> Graph:
    """The nodes of a GraphDef file.

    Raises:
        ModelError: it cannot be read, or is no whole GraphDef.
    """
    try:
        message = graph_pb2.GraphDef.FromString(path.read_bytes())
    except OSError as why:
        raise ModelError(f"{path} cannot be read: {why.strerror}", "check the path and its permissions") from why
    except DecodeError as why:
        raise ModelError(
            f"{path} is no whole GraphDef: {why}",
            "a frozen graph in binary protobuf is needed; copy it again if it was cut short",
        ) from why
    if not message.node:
        raise ModelError(f"{path} holds no nodes", "export the graph frozen, as binary GraphDef (not a SavedModel)")
    return nodes_of(message)


def nodes_of(message: Any) -> Graph:
    """The nodes of a GraphDef message."""
    return {node.name: node for node in message.node}


def to_message(graph: Graph) -> Any:
    """The GraphDef message of these nodes in their order."""
    message = graph_pb2.GraphDef()
    message.versions.producer = PRODUCER
    for node in graph.values():
        message.node.append(node)
    return message


def write(graph: Graph, path: Path) -> str:
    """Writes the GraphDef, nodes in their order, and returns its sha256. Equal graphs have equal bytes.

    Messages with a repeated field may be written one element after the other: VGG's weights are never held twice.
    """
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for part in _parts(graph):
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def _parts(graph: Graph) -> Iterator[bytes]:
    for node in graph.values():
        message = graph_pb2.GraphDef()
        message.node.append(node)
        yield message.SerializeToString(deterministic=True)
    yield graph_pb2.GraphDef(versions={"producer": PRODUCER}).SerializeToString(deterministic=True)


def new_node(name: str, op: str, inputs: Iterable[str] = ()) -> Node:
    """A node without attributes."""
    return node_def_pb2.NodeDef(name=name, op=op, input=list(inputs))


def constant(name: str, array: Array) -> Node:
    """A Const whose tensor is written one way only: raw little-endian content."""
    node = new_node(name, "Const")
    dtype = tf.as_dtype(array.dtype).as_datatype_enum
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    tensor.tensor_shape.SetInParent()  # a scalar's empty shape would not be written at all, and tract wants one
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    tensor.tensor_content = np.ascontiguousarray(little).tobytes()
    return node


def value_of(node: Node) -> Array:
    """A Const's array."""
    array: Array = tf.make_ndarray(node.attr["value"].tensor)
    return array


def shape_of(node: Node) -> tuple[int, ...]:
    """A Const's shape, without touching its content."""
    return tuple(int(dim.size) for dim in node.attr["value"].tensor.tensor_shape.dim)


def source(reference: str) -> str:
    """The node that an input refers to: ``name``, ``name:0`` → ``name``."""
    return reference.removeprefix("^").split(":")[0]


def data_inputs(node: Node) -> list[str]:
    """Nodes it takes tensors from, in order; control inputs order side effects, of which inference has none."""
    return [source(reference) for reference in node.input if not reference.startswith("^")]


def ordered(graph: Graph, outputs: Iterable[str]) -> Graph:
    """What the outputs depend on, every node after its inputs; the order depends on names and edges only.

    Raises:
        ModelError: an output or an input does not exist, or the graph has a cycle.
    """
    done: Graph = {}
    open_: set[str] = set()
    stack = list(reversed(list(outputs)))
    while stack:
        name = stack[-1]
        if name in done:
            stack.pop()
            continue
        node = graph.get(name)
        if node is None:
            raise ModelError(
                f"the graph has no node '{name}'", "name its outputs as its export does, or export it again"
            )
        missing = [wanted for wanted in data_inputs(node) if wanted not in done]
        if not missing:
            done[name] = graph[stack.pop()]
            open_.discard(name)
            continue
        if name in open_:
            raise ModelError(
                f"the graph has a cycle through '{name}'", "loops cannot be imported; export the graph unrolled"
            )
        open_.add(name)
        stack.extend(reversed(missing))
    return done


def static_shapes(graph: Graph) -> dict[str, tuple[int | None, ...] | None]:
    """Shape of every node's first output as TensorFlow infers it; None: an unknown size, or an unknown rank.

    Raises:
        ModelError: TensorFlow refuses the graph.
    """
    imported = import_graph(to_message(graph))
    shapes: dict[str, tuple[int | None, ...] | None] = {}
    for operation in imported.get_operations():
        shape = operation.outputs[0].shape if operation.outputs else None
        shapes[operation.name] = None if shape is None or shape.rank is None else tuple(shape.as_list())
    return shapes


def import_graph(message: Any) -> Any:
    """TensorFlow's graph of a GraphDef, attributes with defaults filled in.

    Raises:
        ModelError: an operator is unknown, or the shapes don't fit each other.
    """
    graph = tf.Graph()
    try:
        with graph.as_default():
            tf.import_graph_def(message, name="")
    except (ValueError, TypeError, RuntimeError, tf.errors.OpError) as why:
        reason = " ".join(str(why).split())[:300]
        raise ModelError(
            f"TensorFlow refuses the graph: {reason}", "check --input-shape against what the graph was exported for"
        ) from why
    return graph
