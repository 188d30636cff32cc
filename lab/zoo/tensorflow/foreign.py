"""What a foreign graph may hold, decided before TensorFlow is asked anything about it.

TensorFlow executes constant subgraphs, with the operators' real kernels, while it imports a graph: a graph that reads a
file, writes one or opens a connection does so during import. So a graph is refused here if it holds an operator that is
neither one of a guest's nor one that is folded away, a constant whose content does not fill its shape, or a tensor type
that no network needs. Attributes for TensorFlow's own bookkeeping and device names are dropped.
"""

from __future__ import annotations

import math

from lab.core.errors import ModelError
from lab.core.units import show_bytes
from lab.zoo.tensorflow.canonical import FOLDS
from lab.zoo.tensorflow.graphdef import Graph, Node
from lab.zoo.tensorflow.operators import ATTRIBUTES, TRANSPARENT

SHAPES = ("Gather", "GatherV2", "Max", "Min", "Prod", "Range", "Shape", "Slice", "StridedSlice")
"""Operators that graphs compute the targets of reshapes with: they disappear with those targets."""

ALLOWED = frozenset((*ATTRIBUTES, *TRANSPARENT, *FOLDS, *SHAPES, "FusedBatchNormV2", "FusedBatchNormV3"))
"""Every operator that an import may hold. None of them touches a file, the network, or another device."""

EXPANSION = 4
"""A constant that names one value for all its elements may take so many times the graph file's size."""
LEAST_LIMIT_BYTES = 64 * 2**20
_VARIABLES = ("VarHandleOp", "Variable", "VariableV2")
_SIZES = {1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 9: 8, 10: 1, 14: 2, 17: 2, 19: 2, 22: 4, 23: 8}
"""Bytes of an element by number of the data type (tensorflow/core/framework/types.proto): numbers and booleans only."""
_VALUES = ("half_val", "float_val", "double_val", "int_val", "int64_val", "bool_val", "uint32_val", "uint64_val")
_TYPES = ("T", "dtype", "Tidx", "Tshape", "Tpaddings", "Tmultiples", "SrcT", "DstT", "out_type")


def check_foreign(graph: Graph, file_bytes: int) -> None:
    """Refuse what an import must not hold, and strip what it does not need. Calls no TensorFlow function.

    Args:
        graph: nodes that the outputs depend on; changed in place.
        file_bytes: size of the file that they come from.

    Raises:
        ModelError: a node has an operator, a type or a constant that is not allowed; it is named.
    """
    limit = max(LEAST_LIMIT_BYTES, EXPANSION * file_bytes)
    for node in graph.values():
        _check_operator(node)
        _check_types(node)
        if node.op == "Const":
            limit -= _constant_bytes(node)
            if limit < 0:
                held = show_bytes(file_bytes)
                raise ModelError(
                    f"the constants up to node '{node.name}' take far more memory than the file of {held}",
                    "export the graph again, with its weights as they are",
                )
        _strip(node)


def _check_operator(node: Node) -> None:
    if node.op in _VARIABLES:
        raise ModelError(
            f"node '{node.name}' ({node.op}) is a variable", "freeze the graph: turn its variables into constants"
        )
    if node.op not in ALLOWED:
        raise ModelError(
            f"node '{node.name}' is a {node.op}, which an imported graph may not hold",
            f"export the graph for inference, from operators among {', '.join(sorted(ATTRIBUTES))}",
        )


def _check_types(node: Node) -> None:
    for key in _TYPES:
        number = node.attr[key].type if key in node.attr else 0
        if number and number not in _SIZES:
            raise ModelError(
                f"node '{node.name}' ({node.op}) holds tensors of type number {number}, which are no numbers",
                "cut the graph behind its decoding, with a float32 placeholder",
            )


def _constant_bytes(node: Node) -> int:
    """Bytes of a constant's tensor, once it is known that its content fills its shape."""
    tensor = node.attr["value"].tensor
    sizes = [int(dim.size) for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
        raise _broken(node, "has a shape that is not known")
    if tensor.dtype not in _SIZES or tensor.dtype != node.attr["dtype"].type:
        raise _broken(node, "has a type that is none of numbers, or two types")
    count = math.prod(sizes)
    width = _SIZES[tensor.dtype]
    if tensor.tensor_content:
        if len(tensor.tensor_content) != count * width:
            raise _broken(node, f"holds {len(tensor.tensor_content)} bytes where its shape takes {count * width}")
    else:
        values = sum(len(getattr(tensor, field)) for field in _VALUES)
        if values > count or (count and not values):
            raise _broken(node, f"holds {values} values where its shape takes {count}")
    return count * width


def _broken(node: Node, what: str) -> ModelError:
    return ModelError(f"constant '{node.name}' {what}", "copy the graph again if it was cut short, or export it again")


def _strip(node: Node) -> None:
    """Drop what only steers TensorFlow: device names, debugging, and attributes of its own bookkeeping."""
    node.device = ""
    node.ClearField("experimental_debug_info")
    for key in [key for key in node.attr if key.startswith("_")]:
        del node.attr[key]
