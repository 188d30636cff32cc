"""MobileNetV1 (Howard et al., 2017) and MobileNetV2 (Sandler et al., 2018), with slim's names."""

from __future__ import annotations

from lab.zoo.tensorflow.layers import Activation, Layers, Signal, add, average_pool, softmax
from lab.zoo.tensorflow.tf_v1 import Tensor, tf

CLASSES = 1001
"""ImageNet's thousand, and the background before them."""

LOGIT_SPREAD = 2.0
"""Standard deviation of seeded logits: predictions differ clearly, and none is 1."""

_V1_POINTWISE = (
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), (1, 512), (1, 512), (1, 512), (1, 512), (1, 512),
    (2, 1024), (1, 1024),
)  # fmt: skip
"""Stride of the depthwise, channels of the pointwise convolution: the paper's Table 1."""

_V2_GROUPS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first: the paper's Table 2."""


def v1_channels(channels: int, multiplier: float) -> int:
    """Channels of a V1 layer under the width multiplier."""
    return max(int(channels * multiplier), 8)


def v2_channels(channels: float, multiplier: float) -> int:
    """Channels of a V2 layer: a multiple of 8 that lost no more than a tenth."""
    wanted = channels * multiplier
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def mobilenet_v1(layers: Layers, image: Signal, multiplier: float) -> list[Tensor]:
    """Logits and predictions, [-1, 1001] each."""
    name = "MobilenetV1"

    def layer(signal: Signal, scope: str, kernel: int, filters: int | None, stride: int) -> Signal:
        return layers.convolution(
            signal,
            f"{name}/{scope}",
            f"{name}/{name}/{scope}",
            kernel=kernel,
            filters=filters,
            stride=stride,
            norm="BatchNorm",
            activation=Activation.RELU6,
        )

    signal = layer(image, "Conv2d_0", 3, v1_channels(32, multiplier), 2)
    for number, (stride, channels) in enumerate(_V1_POINTWISE, start=1):
        signal = layer(signal, f"Conv2d_{number}_depthwise", 3, None, stride)
        signal = layer(signal, f"Conv2d_{number}_pointwise", 1, v1_channels(channels, multiplier), 1)
    return _classify(layers, signal, name, f"{name}/Logits/AvgPool_1a")


def mobilenet_v2(layers: Layers, image: Signal, multiplier: float) -> list[Tensor]:
    """Logits and predictions, [-1, 1001] each."""
    name = "MobilenetV2"

    def layer(
        signal: Signal, scope: str, kernel: int, filters: int | None, stride: int = 1, linear: bool = False
    ) -> Signal:
        activation = Activation.NONE if linear else Activation.RELU6
        scope = f"{name}/{scope}"
        return layers.convolution(
            signal, scope, scope, kernel=kernel, filters=filters, stride=stride, norm="BatchNorm", activation=activation
        )

    def block(signal: Signal, scope: str, expansion: int, filters: int, stride: int) -> Signal:
        inner = signal
        if expansion > 1:
            inner = layer(inner, f"{scope}/expand", 1, v2_channels(signal.channels * expansion, 1))
        inner = layer(inner, f"{scope}/depthwise", 3, None, stride)
        inner = layer(inner, f"{scope}/project", 1, filters, linear=True)
        keeps_shape = stride == 1 and signal.channels == filters
        return add(inner, signal, f"{name}/{scope}/add") if keeps_shape else inner

    signal = layer(image, "Conv", 3, v2_channels(32, multiplier), 2)
    number = 0
    for expansion, channels, blocks, first_stride in _V2_GROUPS:
        for position in range(blocks):
            scope = f"expanded_conv_{number}" if number else "expanded_conv"
            stride = first_stride if position == 0 else 1
            signal = block(signal, scope, expansion, v2_channels(channels, multiplier), stride)
            number += 1
    signal = layer(signal, "Conv_1", 1, v2_channels(1280, multiplier))
    return _classify(layers, signal, name, f"{name}/Logits/AvgPool")


def _classify(layers: Layers, signal: Signal, name: str, pool: str) -> list[Tensor]:
    """Average over the whole map (at most 7×7, as slim has it), then a 1×1 convolution to classes."""
    pooled = average_pool(signal, min(7, int(signal.tensor.shape[1])), pool)
    scope = f"{name}/Logits/Conv2d_1c_1x1"
    logits = layers.convolution(pooled, scope, scope, kernel=1, filters=CLASSES, bias=True, gain=LOGIT_SPREAD)
    squeezed = tf.squeeze(logits.tensor, [1, 2], name=f"{name}/Logits/SpatialSqueeze")
    return [squeezed, softmax(squeezed, f"{name}/Predictions")]
