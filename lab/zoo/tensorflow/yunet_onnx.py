"""YuNet's published weights: the ONNX file of its training code, as values of our graph's variables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from lab.core.errors import ModelError
from lab.zoo.tensorflow.seeding import Floats

_STEM = "backbone/model0/conv1"
_PLAIN_HEADS = "bbox_head/multi_level_"
_SHARED = "bbox_head/multi_level_share"
_POINTWISE = ".conv1.weight"
_EPSILON = np.float32(0.001)


def onnx_weights(path: Path) -> Iterator[tuple[str, Floats]]:
    """Every variable of our YuNet with its value from the file.

    The export folded each batch-norm into the convolution before it: that convolution is taken as it is, and our
    batch-norm is set to change nothing.

    Raises:
        ModelError: the file cannot be read, or is another network.
    """
    try:
        graph = onnx.load(str(path)).graph
        initialisers = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        convolutions = [node for node in graph.node if node.op_type == "Conv"]
        by_input = {node.input[0]: node for node in convolutions}
        yield from _layer(_STEM, by_input["input"], initialisers, depthwise=False, norm=True)
        for node in convolutions:
            if not node.input[1].endswith(_POINTWISE):
                continue
            scope = node.input[1].removesuffix(_POINTWISE).replace(".", "/")
            norm = scope.startswith(_SHARED) or not scope.startswith(_PLAIN_HEADS)
            yield from _layer(f"{scope}/conv1", node, initialisers, depthwise=False, norm=False)
            yield from _layer(f"{scope}/conv2", by_input[node.output[0]], initialisers, depthwise=True, norm=norm)
    except (OSError, ValueError, KeyError, IndexError) as why:
        raise _foreign(path, why) from why
    except Exception as why:
        # protobuf's error class depends on its implementation
        if type(why).__name__ != "DecodeError":
            raise
        raise _foreign(path, why) from why


def _foreign(path: Path, why: Exception) -> ModelError:
    return ModelError(
        f"{path} is not the ONNX file of yunet_n: {why!r}",
        "use yunet_n_320_320.onnx of libfacedetection.train, the network with 75,856 parameters",
    )


def _layer(
    scope: str, node: Any, initialisers: dict[str, Any], *, depthwise: bool, norm: bool
) -> Iterator[tuple[str, Floats]]:
    """One convolution, OIHW → HWIO (depthwise: C1HW → HWC1), its bias, and a batch-norm that changes nothing."""
    weights, biases = initialisers[node.input[1]], initialisers[node.input[2]]
    axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    yield f"{scope}/{'depthwise_weights' if depthwise else 'weights'}", np.ascontiguousarray(weights.transpose(axes))
    yield f"{scope}/biases", biases
    if norm:
        zeros, ones = np.zeros_like(biases), np.ones_like(biases)
        yield f"{scope}/bn/beta", zeros
        yield f"{scope}/bn/gamma", ones
        yield f"{scope}/bn/moving_mean", zeros
        yield f"{scope}/bn/moving_variance", ones - _EPSILON
