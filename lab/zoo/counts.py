"""Counts in a network's frozen graph, and how its publishers count parameters: by rules that Table I's figures follow.

slim's table of MobileNetV1 counts weights, the classifier's bias and three of the four values of each batch-norm
channel; that of MobileNetV2 leaves batch-norm out. VGG has no batch-norm, and YuNet's authors count trainable scalars.
"""

from __future__ import annotations

import msgspec

_PER_CHANNEL = 4
"""Scale, offset, moving mean, moving variance: two are trained, two recorded."""
_COUNTED_PER_CHANNEL = {"mobilenet_v1_": 3, "mobilenet_v2_": 0}


class GraphStats(msgspec.Struct, frozen=True):
    """What Table I of the paper says about a network, counted in its frozen graph by `lab.zoo.tensorflow.graph_stats`.

    Attributes:
        parameters: trainable scalars: kernels, biases, and a batch-norm's scale and offset. Its moving mean and
            variance are recorded, not trained; rows and columns that only pad a kernel with zeros are none either.
        variables: parameters and moving statistics: the size of slim's list of model variables.
        conv_layers: convolutions, depthwise and fully-connected-as-convolution included.
        macs: multiply-accumulates of its convolutions at batch 1, as executed (a padded kernel counts whole).
        operations: nodes by operator; constants, input and identities are no operations.
    """

    parameters: int
    variables: int
    conv_layers: int
    macs: int
    operations: dict[str, int]


def published_parameters(name: str, stats: GraphStats) -> int:
    """The count as the network's publishers make it; trainable scalars where they have no other rule."""
    channels = (stats.variables - stats.parameters) // 2
    for prefix, counted in _COUNTED_PER_CHANNEL.items():
        if name.startswith(prefix):
            return stats.variables - (_PER_CHANNEL - counted) * channels
    return stats.parameters
