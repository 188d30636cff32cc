"""ONNX: what a file says of its graph, and what ONNX Runtime makes of an input. Imported in workers only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from lab.core.errors import ModelError
from lab.zoo.counts import GraphStats
from lab.zoo.fronts.facts import GraphFacts, InputFacts, OutputFacts, missing_runtime

Floats = NDArray[np.float32]

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_PASSIVE = ("Constant", "Identity")
# what a file of float32 can be turned into without loss, where its values allow
_TYPES: dict[int, Any] = {
    onnx.TensorProto.FLOAT: np.float32,
    onnx.TensorProto.FLOAT16: np.float16,
    onnx.TensorProto.DOUBLE: np.float64,
    onnx.TensorProto.UINT8: np.uint8,
    onnx.TensorProto.INT8: np.int8,
    onnx.TensorProto.INT32: np.int32,
    onnx.TensorProto.INT64: np.int64,
}
_NAMES_OF_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    **{f"tensor({name})": np.dtype(name).type for name in ("uint8", "int8", "int32", "int64")},
}


def inspect(path: Path, shape: tuple[int, ...], outputs: tuple[str, ...]) -> GraphFacts:
    """What the file says of its graph.

    Args:
        path: the file.
        shape: of its input, batch first, where the file leaves sizes open; empty: as it declares.
        outputs: names of tensors among its outputs, in the order wanted; empty: all of them, in its own order.

    Raises:
        ModelError: it is no whole model, keeps weights in other files, or has not one input of numbers and known size.
    """
    model = _read(path)
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    if len(inputs) != 1:
        listed = ", ".join(value.name for value in inputs) or "none"
        raise ModelError(f"the graph must have one input, it has {listed}", "export it with one input")
    image = _input(inputs[0], shape)
    known = _shapes(model, inputs[0].name, (1 if image.fixed_batch is None else image.fixed_batch, *image.shape))
    names = outputs or tuple(value.name for value in graph.output)
    unknown = [name for name in names if name not in {value.name for value in graph.output}]
    if unknown or any("," in name for name in names):
        raise ModelError(
            f"'{(unknown or names)[0]}' is no output of the graph",
            f"choose among {', '.join(value.name for value in graph.output)}",
        )
    found = tuple(OutputFacts(name, _known(name, known)) for name in names)
    return GraphFacts(image, found, _stats(graph, known, stored))


def run(path: Path, outputs: Sequence[str], tensors: Sequence[Floats]) -> list[list[Floats]]:
    """ONNX Runtime's outputs for each input tensor, on one thread, as float32.

    Raises:
        ModelError: it is not installed, or refuses the graph.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - an extra
    except ImportError:
        raise missing_runtime("onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        place = session.get_inputs()[0]
        stored = _NAMES_OF_TYPES[place.type]
        return [
            [result.astype(np.float32) for result in session.run(list(outputs), {place.name: tensor.astype(stored)})]
            for tensor in tensors
        ]
    except Exception as why:  # its errors are of several classes of its own
        text = " ".join(str(why).split())[:300]
        raise ModelError(f"ONNX Runtime cannot run the graph: {text}", "export it again") from why


def _read(path: Path) -> Any:
    """The model, once its structure is checked and everything that it holds is in this file."""
    try:
        model = onnx.load_model(path, load_external_data=False)
    except Exception as why:  # protobuf's errors have no base that is public
        raise ModelError(f"{path.name} is no whole ONNX model", "copy it again if it was cut short") from why
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ModelError(
                f"{path.name} keeps weights in other files: '{tensor.name}'",
                "save it as one file: onnx.save_model(…, save_as_external_data=False)",
            )
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as why:
        text = " ".join(str(why).split())[:200]
        raise ModelError(f"{path.name} is no valid ONNX model: {text}", "export it again") from why
    return model


def _input(value: Any, shape: tuple[int, ...]) -> InputFacts:
    """The input's shape behind the batch, and its batch if the file fixes it."""
    tensor = value.type.tensor_type
    if tensor.elem_type not in _TYPES:
        raise ModelError(f"input '{value.name}' holds no numbers that guests take", "export it with a float32 input")
    declared = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    if shape and (len(shape) != len(declared) or any(d not in (None, s) for d, s in zip(declared, shape, strict=True))):
        raise ModelError(
            f"input '{value.name}' is declared as {_show(declared)}, not {','.join(map(str, shape))}",
            "leave out --input-shape where the file says it",
        )
    sizes = tuple(size or 0 for size in (shape or declared)[1:])
    if not sizes or min(sizes) < 1:
        raise ModelError(
            f"input '{value.name}' is declared as {_show(declared)}: which size should it have?",
            "give it whole with --input-shape, such as 1,3,224,224",
        )
    stored = np.dtype(_TYPES[tensor.elem_type])
    bounds = (float(np.iinfo(stored).min), float(np.iinfo(stored).max)) if stored.itemsize == 1 else None
    return InputFacts(value.name, sizes, declared[0] or None, is_float=stored.kind == "f", bounds=bounds)


def _show(declared: Sequence[int | None]) -> str:
    return ",".join("?" if size is None else str(size) for size in declared)


def _shapes(model: Any, name: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...] | None]:
    """Shapes of all tensors that follow from that of the input."""
    for value in model.graph.input:
        if value.name == name:
            for dim, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
                dim.dim_value = size
    # what the file claims of its outputs may name the batch by a symbol
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    found: dict[str, tuple[int, ...] | None] = {}
    for value in (*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info):
        dims = value.type.tensor_type.shape.dim
        sizes = tuple(dim.dim_value for dim in dims)
        found[value.name] = sizes if sizes and min(sizes) > 0 else None
    for tensor in model.graph.initializer:
        found[tensor.name] = tuple(tensor.dims)
    return found


def _known(name: str, shapes: dict[str, tuple[int, ...] | None]) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None:
        raise ModelError(f"the shape of output '{name}' is not known", "export the graph with fixed sizes")
    return shape


def _stats(graph: Any, shapes: dict[str, tuple[int, ...] | None], stored: set[str]) -> GraphStats:
    """Counts by the definitions of `GraphStats`: stored floats count as parameters, norms' moving statistics apart."""
    floats = {
        tensor.name: math.prod(tensor.dims)
        for tensor in graph.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    }
    moving = {name for node in graph.node if node.op_type == "BatchNormalization" for name in node.input[3:5]}
    operations: dict[str, int] = {}
    macs = 0
    for node in graph.node:
        if node.op_type not in _PASSIVE:
            operations[node.op_type] = operations.get(node.op_type, 0) + 1
        kernel = shapes.get(node.input[1]) if node.op_type == "Conv" and node.input[1] in stored else None
        result = shapes.get(node.output[0]) if kernel else None
        if kernel and result:
            macs += math.prod(result[1:]) * math.prod(kernel[1:])
    return GraphStats(
        parameters=sum(size for name, size in floats.items() if name not in moving),
        variables=sum(floats.values()),
        conv_layers=sum(operations.get(op, 0) for op in _CONVOLUTIONS),
        macs=macs,
        operations=dict(sorted(operations.items())),
    )
