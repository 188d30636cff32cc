"""VGG-16 and VGG-19 (Simonyan & Zisserman, 2014), with the names of slim's implementations."""

from __future__ import annotations

from lab.zoo.tensorflow.layers import Activation, Layers, Signal, max_pool
from lab.zoo.tensorflow.tf_v1 import Tensor, tf

CLASSES = 1000
"""ImageNet's thousand; slim's VGG has no background."""

LOGIT_SPREAD = 1.0
"""Deviation of seeded logits; the pools before them, whose gain depends on the picture, about double it."""

_FILTERS = (64, 128, 256, 512, 512)
_REPEATS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def vgg(layers: Layers, image: Signal, depth: int) -> list[Tensor]:
    """Logits, [-1, 1000]: slim's VGG ends there."""
    name = f"vgg_{depth}"

    def layer(
        signal: Signal, scope: str, kernel: int, filters: int, padding: str = "SAME", last: bool = False
    ) -> Signal:
        scope = f"{name}/{scope}"
        return layers.convolution(
            signal,
            scope,
            scope,
            kernel=kernel,
            filters=filters,
            padding=padding,
            bias=True,
            activation=Activation.NONE if last else Activation.RELU,
            gain=LOGIT_SPREAD if last else 1.0,
        )

    signal = image
    for group, (filters, repeats) in enumerate(zip(_FILTERS, _REPEATS[depth], strict=True), start=1):
        for number in range(1, repeats + 1):
            signal = layer(signal, f"conv{group}/conv{group}_{number}", 3, filters)
        signal = max_pool(signal, f"{name}/pool{group}/MaxPool")
    # The fully connected layers are convolutions, as slim has them.
    signal = layer(signal, "fc6", 7, 4096, "VALID")
    signal = layer(signal, "fc7", 1, 4096)
    signal = layer(signal, "fc8", 1, CLASSES, last=True)
    return [tf.squeeze(signal.tensor, [1, 2], name=f"{name}/fc8/squeezed")]
