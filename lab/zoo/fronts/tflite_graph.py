"""TensorFlow Lite's format: what a file says of its graph, and what LiteRT makes of an input. Imported in workers only.

LiteRT itself reads the file. Quantised graphs are refused. Of those that TensorFlow's converter makes, tract 0.22 does
not read two kinds (inputs of uint8, quantised weights alone); on the third (inputs of int8) it gives other values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.core.errors import ModelError
from lab.zoo.counts import GraphStats
from lab.zoo.fronts.facts import GraphFacts, InputFacts, OutputFacts, missing_runtime

Floats = NDArray[np.float32]

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
_PASSIVE = ("DELEGATE",)


def inspect(path: Path, shape: tuple[int, ...], outputs: tuple[str, ...]) -> GraphFacts:
    """What the file says of its graph.

    Args:
        path: the file.
        shape: must be the file's own; empty: as it says.
        outputs: must be the file's own, in its order; empty: as it says.

    Raises:
        ModelError: it is damaged, or has no single input of numbers and known size.
    """
    net = _open(path)
    _refuse_quantised(path, net)
    inputs, found = net.get_input_details(), net.get_output_details()
    if len(inputs) != 1:
        listed = ", ".join(each["name"] for each in inputs) or "none"
        raise ModelError(f"the graph must have one input, it has {listed}", "convert it with one input")
    given, names = inputs[0], tuple(each["name"] for each in found)
    declared = tuple(int(size) for size in given["shape"])
    if shape not in ((), declared) or any(size < 1 for size in given["shape_signature"][1:]):
        raise ModelError(
            f"guests take the input as the file has it, {','.join(map(str, given['shape_signature']))}",
            "leave out --input-shape, or convert the network again with the shape that you want",
        )
    if outputs not in ((), names) or any("," in name for name in names):
        raise ModelError(f"the outputs of the graph are {', '.join(names)}", "leave out --outputs")
    stored = np.dtype(given["dtype"])
    if stored.kind not in "fiu":
        raise ModelError(f"input '{given['name']}' holds no numbers", "convert it with an input of numbers")
    return GraphFacts(
        InputFacts(given["name"], declared[1:], declared[0], is_float=stored.kind == "f", bounds=_bounds(stored)),
        tuple(OutputFacts(each["name"], tuple(int(s) for s in each["shape"])) for each in found),
        _stats(net),
    )


def run(path: Path, outputs: Sequence[str], tensors: Sequence[Floats]) -> list[list[Floats]]:
    """LiteRT's outputs for each input tensor, on one thread, as float32.

    Raises:
        ModelError: LiteRT is not installed, or refuses the graph.
    """
    net = _open(path)
    given = net.get_input_details()[0]
    by_name = {each["name"]: each for each in net.get_output_details()}
    results = []
    for tensor in tensors:
        try:
            net.set_tensor(given["index"], tensor.astype(given["dtype"]))
            net.invoke()
        except (RuntimeError, ValueError) as why:
            text = " ".join(str(why).split())[:300]
            raise ModelError(f"LiteRT cannot run the graph: {text}", "convert it again") from why
        results.append([net.get_tensor(by_name[name]["index"]).astype(np.float32) for name in outputs])
    return results


def _open(path: Path) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415 - an extra
    except ImportError:
        raise missing_runtime("ai-edge-litert") from None
    try:
        # without XNNPACK: the operators' plain definition, in which each rounds by itself
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        net = Interpreter(model_path=str(path), num_threads=1, experimental_op_resolver_type=plain)
        net.allocate_tensors()
    except (RuntimeError, ValueError) as why:
        text = " ".join(str(why).split())[:200]
        raise ModelError(f"LiteRT does not read {path.name}: {text}", "copy it again, or convert it again") from why
    return net


def _refuse_quantised(path: Path, net: Any) -> None:
    for each in net.get_tensor_details():
        if each["quantization"][0] or len(each["quantization_parameters"]["scales"]):
            raise ModelError(
                f"{path.name} is quantised (tensor '{each['name']}'), and no guest computes that as LiteRT does",
                "convert the network without converter.optimizations, so that its weights stay float32",
            )


def _bounds(stored: np.dtype[Any]) -> tuple[float, float] | None:
    """The least and the largest number that a tensor of one byte holds."""
    if stored.kind == "f" or stored.itemsize > 1:
        return None
    return float(np.iinfo(stored).min), float(np.iinfo(stored).max)


def _stats(net: Any) -> GraphStats:
    """Counts by the definitions of `GraphStats`: parameters are the kernels and biases of products."""
    operations: dict[str, int] = {}
    parameters = macs = 0
    tensors = {each["index"]: each for each in net.get_tensor_details()}
    for each in net._get_ops_details():
        op = each["op_name"]
        if op in _PASSIVE:
            continue
        operations[op] = operations.get(op, 0) + 1
        if op in (*_CONVOLUTIONS, "FULLY_CONNECTED"):
            sizes = [tuple(tensors[index]["shape"]) for index in each["inputs"][1:3] if index in tensors]
            parameters += sum(math.prod(map(int, size)) for size in sizes)
            if op in _CONVOLUTIONS[:2]:
                result = tensors[each["outputs"][0]]["shape"]
                kernel = [int(size) for size in sizes[0]]
                per_value = math.prod(kernel[1:] if op == "CONV_2D" else kernel[1:3])
                macs += math.prod(int(size) for size in result[1:]) * per_value
    return GraphStats(
        parameters=parameters,
        variables=parameters,
        conv_layers=sum(operations.get(op, 0) for op in _CONVOLUTIONS),
        macs=macs,
        operations=dict(sorted(operations.items())),
    )
