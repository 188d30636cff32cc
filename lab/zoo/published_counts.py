"""How the publishers of a network count its parameters: by rules of their own, which Table I's figures follow.

slim's table of MobileNetV1 counts weights, the classifier's bias and three of the four values of each batch-norm
channel; that of MobileNetV2 leaves batch-norm out. VGG has no batch-norm, and YuNet's authors count trainable scalars.
"""

from __future__ import annotations

from lab.zoo.table import Facts

_PER_CHANNEL = 4
"""Scale, offset, moving mean, moving variance: two are trained, two recorded."""
_COUNTED_PER_CHANNEL = {"mobilenet_v1_": 3, "mobilenet_v2_": 0}


def published_parameters(name: str, facts: Facts) -> int:
    """The count as the network's publishers make it; trainable scalars where they have no other rule."""
    channels = (facts.variables - facts.parameters) // 2
    for prefix, counted in _COUNTED_PER_CHANNEL.items():
        if name.startswith(prefix):
            return facts.variables - (_PER_CHANNEL - counted) * channels
    return facts.parameters
