"""YuNet with 75,856 parameters (``yunet_n`` of its training code; Wu, Peng & Yu, 2023): its graph, its weights.

Variables bear the names of the published ONNX file with dots turned into slashes, so that its weights can be loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from lab.core.errors import ModelError
from lab.zoo.tensorflow.layers import Activation, Layers, Signal, add, max_pool
from lab.zoo.tensorflow.seeding import Floats
from lab.zoo.tensorflow.tf_v1 import Tensor, tf

STRIDES = (8, 16, 32)
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Head → numbers per position: face or not, there or not, box, five landmarks."""

_SIGMOID_HEADS = ("cls", "obj")
_NORM = "bn"
_STEM = "backbone/model0/conv1"
_PLAIN_HEADS = "bbox_head/multi_level_"
_SHARED = "bbox_head/multi_level_share"
_POINTWISE = ".conv1.weight"
_EPSILON = np.float32(0.001)


def yunet(layers: Layers, image: Signal) -> list[Tensor]:
    """The ONNX file's twelve outputs in its order: each head at strides 8, 16, 32; [-1, positions, numbers]."""
    levels = _neck(layers, _backbone(layers, image))
    shared = [
        _unit(layers, level, f"bbox_head/multi_level_share_convs/{number}/0", 64) for number, level in enumerate(levels)
    ]
    outputs = []
    for head, numbers in HEADS.items():
        for level, stride in enumerate(STRIDES):
            raw = _unit(layers, shared[level], f"bbox_head/multi_level_{head}/{level}", numbers, plain=True)
            name = f"{head}_{stride}"
            sigmoid = head in _SIGMOID_HEADS
            positions = int(raw.tensor.shape[1]) * int(raw.tensor.shape[2])
            rows = tf.reshape(raw.tensor, [-1, positions, numbers], name=f"{name}/rows" if sigmoid else name)
            outputs.append(tf.sigmoid(rows, name=name) if sigmoid else rows)
    return outputs


def _backbone(layers: Layers, image: Signal) -> list[Signal]:
    """Feature maps at strides 8, 16, 32, 64 channels each."""
    signal = _unit(layers, _stem(layers, image), "backbone/model0/conv2", 16)
    signal = max_pool(signal, "backbone/model0/pool")
    signal = _unit(layers, signal, "backbone/model1/conv1", 16)
    signal = _unit(layers, signal, "backbone/model1/conv2", 64)
    maps = []
    for stage in (2, 3, 4, 5):
        signal = _unit(layers, signal, f"backbone/model{stage}/conv1", 64)
        signal = _unit(layers, signal, f"backbone/model{stage}/conv2", 64)
        if stage >= 3:
            maps.append(signal)
        if stage <= 4:
            signal = max_pool(signal, f"backbone/model{stage}/pool")
    return maps


def _neck(layers: Layers, maps: list[Signal]) -> list[Signal]:
    """Top-down: each map takes up what the coarser one found."""
    finest, middle, coarsest = maps
    low = _unit(layers, coarsest, "neck/lateral_convs/2", 64)
    mid = _unit(layers, add(middle, _double(low, "neck/up2"), "neck/add1"), "neck/lateral_convs/1", 64)
    high = _unit(layers, add(finest, _double(mid, "neck/up1"), "neck/add0"), "neck/lateral_convs/0", 64)
    return [high, mid, low]


def _stem(layers: Layers, image: Signal) -> Signal:
    """3×3, stride 2, one zero on every side, which SAME does not do at stride 2: it pads on one side only.

    SAME with a 4×4 kernel pads one on every side; with its last row and column zero that kernel is the 3×3 one.
    """
    return layers.convolution(
        image,
        "backbone/model0/conv1",
        "backbone/model0/conv1",
        kernel=3,
        filters=16,
        stride=2,
        bias=True,
        norm=_NORM,
        activation=Activation.RELU,
        pad_kernel=1,
    )


def _unit(layers: Layers, signal: Signal, scope: str, filters: int, plain: bool = False) -> Signal:
    """1×1 then 3×3 depthwise, each with bias; then, unless plain, batch-norm and ReLU."""
    mixed = layers.convolution(signal, f"{scope}/conv1", f"{scope}/conv1", kernel=1, filters=filters, bias=True)
    return layers.convolution(
        mixed,
        f"{scope}/conv2",
        f"{scope}/conv2",
        kernel=3,
        filters=None,
        bias=True,
        norm=None if plain else _NORM,
        activation=Activation.NONE if plain else Activation.RELU,
    )


def _double(signal: Signal, name: str) -> Signal:
    """Nearest-neighbour upsampling by 2, with nothing but joins and reshapes; [-1, h, w, c] → [-1, 2h, 2w, c]."""
    height, width, channels = (int(size) for size in signal.tensor.shape[1:])
    beside = tf.concat([signal.tensor, signal.tensor], 3, name=f"{name}/beside")
    rows = tf.reshape(beside, [-1, height, 2 * width * channels], name=f"{name}/rows")
    below = tf.concat([rows, rows], 2, name=f"{name}/below")
    doubled = tf.reshape(below, [-1, 2 * height, 2 * width, channels], name=f"{name}/doubled")
    return Signal(doubled, signal.moments)


def onnx_weights(path: Path) -> Iterator[tuple[str, Floats]]:
    """Every variable of `yunet` with its value from the file.

    The export folded each batch-norm into the convolution before it: that convolution is taken as it is, and the
    batch-norm here is set to change nothing.

    Raises:
        ModelError: the file cannot be read, or is another network.
    """
    try:
        graph = onnx.load(str(path)).graph
        initialisers = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        convolutions = [node for node in graph.node if node.op_type == "Conv"]
        by_input = {node.input[0]: node for node in convolutions}
        yield from _onnx_layer(_STEM, by_input["input"], initialisers, depthwise=False, norm=True)
        for node in convolutions:
            if not node.input[1].endswith(_POINTWISE):
                continue
            scope = node.input[1].removesuffix(_POINTWISE).replace(".", "/")
            norm = scope.startswith(_SHARED) or not scope.startswith(_PLAIN_HEADS)
            yield from _onnx_layer(f"{scope}/conv1", node, initialisers, depthwise=False, norm=False)
            yield from _onnx_layer(f"{scope}/conv2", by_input[node.output[0]], initialisers, depthwise=True, norm=norm)
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


def _onnx_layer(
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
