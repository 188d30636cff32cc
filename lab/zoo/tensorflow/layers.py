"""Layers of TF-slim's networks, written with TensorFlow's v1 operators under slim's variable names.

A `Layers` collects, beside the graph, what seeding has to know about every convolution: each network is described once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from lab.zoo.tensorflow.seeding import RECTIFIED, RECTIFIED_MAX_OF_4, LayerPlan, Moments
from lab.zoo.tensorflow.tf_v1 import Tensor, tf

EPSILON = 0.001
"""Epsilon of every batch-norm: slim's MobileNets and YuNet's training code agree on it."""


class Activation(StrEnum):
    """What follows a convolution; the value is the operator's name."""

    NONE = "Identity"
    RELU = "Relu"
    RELU6 = "Relu6"


class Signal(NamedTuple):
    """A tensor in the graph, NHWC with a free batch, and the moments it is expected to have."""

    tensor: Tensor
    moments: Moments

    @property
    def channels(self) -> int:
        """Size of the last axis."""
        return int(self.tensor.shape[-1])


class Layers:
    """Writes layers into the current graph.

    Attributes:
        plans: every convolution so far, in order.
    """

    def __init__(self) -> None:
        self.plans: list[LayerPlan] = []

    def placeholder(self, side: int, moments: Moments) -> Signal:
        """``input``, float32 [-1, side, side, 3]."""
        return Signal(tf.placeholder(tf.float32, [None, side, side, 3], name="input"), moments)

    def convolution(
        self,
        signal: Signal,
        scope: str,
        op_scope: str,
        *,
        kernel: int,
        filters: int | None,
        stride: int = 1,
        padding: str = "SAME",
        norm: str | None = None,
        bias: bool = False,
        activation: Activation = Activation.NONE,
        gain: float = 1.0,
        pad_kernel: int = 0,
    ) -> Signal:
        """Convolution, bias, batch-norm and activation; those that are asked for, in this order.

        Args:
            signal: its input.
            scope: scope of the variables' names.
            op_scope: of the operators; slim's MobileNetV1 says its name twice there.
            kernel: height and width of the kernel.
            filters: channels out; None makes it depthwise.
            stride: stride in both directions.
            padding: ``SAME`` or ``VALID``.
            norm: name of the batch-norm's scope below `scope` and `op_scope`.
            bias: whether it has ``biases``.
            activation: the operator that comes last.
            gain: see `LayerPlan`.
            pad_kernel: rows and columns of zeros to append to the kernel in the graph (not in the variable).
        """
        depthwise = filters is None
        shape = (kernel, kernel, signal.channels, 1 if filters is None else filters)
        name = "depthwise_weights" if depthwise else "weights"
        norm_scope = f"{scope}/{norm}" if norm else None
        plan = LayerPlan(scope, name, shape, depthwise, bias, norm_scope, signal.moments, gain)
        self.plans.append(plan)
        taps = _variable(f"{scope}/{name}", shape)
        if pad_kernel:
            taps = tf.pad(taps, [[0, pad_kernel], [0, pad_kernel], [0, 0], [0, 0]], name=f"{op_scope}/padded_{name}")
        tensor = _convolve(signal.tensor, taps, op_scope, stride, padding, depthwise)
        if bias:
            biases = _variable(f"{scope}/biases", (plan.channels_out,))
            tensor = tf.nn.bias_add(tensor, biases, name=f"{op_scope}/BiasAdd")
        if norm_scope:
            tensor = _batch_norm(tensor, norm_scope, f"{op_scope}/{norm}", plan.channels_out)
        if activation is Activation.NONE:
            return Signal(tensor, Moments(0.0, gain * gain))
        activate = tf.nn.relu if activation is Activation.RELU else tf.nn.relu6
        return Signal(activate(tensor, name=f"{op_scope}/{activation}"), RECTIFIED)


def add(left: Signal, right: Signal, name: str) -> Signal:
    """The sum of two signals that know nothing of each other."""
    mean = left.moments.mean + right.moments.mean
    square = left.moments.variance + right.moments.variance + mean * mean
    return Signal(tf.raw_ops.AddV2(x=left.tensor, y=right.tensor, name=name), Moments(mean, square))


def max_pool(signal: Signal, name: str) -> Signal:
    """The largest of each 2×2, stride 2, of a rectified signal."""
    return Signal(tf.nn.max_pool2d(signal.tensor, 2, 2, "VALID", name=name), RECTIFIED_MAX_OF_4)


def average_pool(signal: Signal, side: int, name: str) -> Signal:
    """The average over side × side of a rectified signal; late in a network, channels differ more than positions."""
    return Signal(tf.nn.avg_pool2d(signal.tensor, side, side, "VALID", name=name), signal.moments)


def softmax(logits: Tensor, scope: str) -> Tensor:
    """Predictions as slim makes them, ``scope/Softmax`` between two reshapes; [-1, classes]."""
    classes = int(logits.shape[-1])
    flat = tf.reshape(logits, [-1, classes], name=f"{scope}/Reshape")
    return tf.reshape(tf.nn.softmax(flat, name=f"{scope}/Softmax"), [-1, classes], name=f"{scope}/Reshape_1")


def _convolve(tensor: Tensor, kernel: Tensor, op_scope: str, stride: int, padding: str, depthwise: bool) -> Tensor:
    if depthwise:
        strides = [1, stride, stride, 1]
        return tf.nn.depthwise_conv2d_native(tensor, kernel, strides, padding, name=f"{op_scope}/depthwise")
    return tf.nn.conv2d(tensor, kernel, stride, padding, name=f"{op_scope}/Conv2D")


def _batch_norm(tensor: Tensor, scope: str, op_scope: str, channels: int) -> Tensor:
    beta, gamma, mean, variance = (
        _variable(f"{scope}/{name}", (channels,)) for name in ("beta", "gamma", "moving_mean", "moving_variance")
    )
    normalised, _, _ = tf.nn.fused_batch_norm(
        tensor, gamma, beta, mean, variance, EPSILON, is_training=False, name=f"{op_scope}/FusedBatchNorm"
    )
    return normalised


def _variable(name: str, shape: tuple[int, ...]) -> Tensor:
    """A reference variable, as v1 made them: its node bears the variable's own name, which freezing relies on."""
    return tf.get_variable(name, shape, tf.float32, tf.zeros_initializer(), use_resource=False)
