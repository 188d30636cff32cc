"""YuNet with 75,856 parameters (``yunet_n`` of its training code; Wu, Peng & Yu, 2023), as a TensorFlow graph.

Variables bear the names of the published ONNX file with dots turned into slashes, so that its weights can be loaded.
"""

from __future__ import annotations

from lab.zoo.tensorflow.layers import Activation, Layers, Signal, add, max_pool
from lab.zoo.tensorflow.tf_v1 import Tensor, tf

STRIDES = (8, 16, 32)
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Head → numbers per position: face or not, there or not, box, five landmarks."""

_SIGMOID_HEADS = ("cls", "obj")
_NORM = "bn"


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
