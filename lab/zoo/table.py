"""What Table I of the paper says about a network, as a record."""

from __future__ import annotations

import msgspec


class Facts(msgspec.Struct, frozen=True):
    """Counted in the frozen graph (`lab.zoo.tensorflow.graph_stats`), never typed in.

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
