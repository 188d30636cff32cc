"""Small frozen graphs with every operator of the guest and some that an import folds away; and mutants of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lab.zoo.tensorflow.tf_v1 import Tensor, tf
from tests.fuzz.messages import mutated
from tests.fuzz.subjects import SHAPE


class Seed(NamedTuple):
    """A graph that works, and the node that its output is."""

    content: bytes
    output: str


def seeds() -> list[Seed]:
    """Each of them is imported, and runs."""
    return [_frozen(_convolutions), _frozen(_branches), _frozen(_computed_reshape)]


def mutant(chosen: list[Seed], seed: int, number: int) -> Seed:
    """The mutant of that number: the same for the same seed, whichever were made before."""
    rng = random.Random(f"graph {seed} {number}")  # noqa: S311 - seeded on purpose
    original = chosen[number % len(chosen)]
    return original._replace(content=mutated(original.content, rng))


def _frozen(network: Callable[[Tensor], Tensor]) -> Seed:
    graph = tf.Graph()
    with graph.as_default():
        image = tf.placeholder(tf.float32, (None, *SHAPE[1:]), "input")
        tf.identity(network(image), "output")
    return Seed(graph.as_graph_def().SerializeToString(deterministic=True), "output")


def _weights(*shape: int) -> Tensor:
    count = int(np.prod(shape))
    return tf.constant(np.linspace(-0.4, 0.5, count, dtype=np.float32).reshape(shape))


def _convolutions(image: Tensor) -> Tensor:
    padded = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]])
    hidden = tf.nn.conv2d(padded, _weights(3, 3, 3, 4), strides=2, padding="VALID")
    hidden, *_ = tf.raw_ops.FusedBatchNorm(
        x=hidden, scale=_weights(4), offset=_weights(4), mean=_weights(4), variance=_weights(4) + 1, is_training=False
    )
    hidden = tf.nn.relu6(hidden)
    hidden = tf.nn.depthwise_conv2d(hidden, _weights(3, 3, 4, 1), [1, 1, 1, 1], "SAME")
    hidden = tf.nn.relu(tf.nn.bias_add(hidden, _weights(4)))
    hidden = tf.nn.avg_pool2d(hidden, 4, 1, "VALID")
    hidden = tf.squeeze(tf.nn.conv2d(hidden, _weights(1, 1, 4, 5), 1, "SAME"), [1, 2])
    return tf.nn.softmax(hidden)


def _branches(image: Tensor) -> Tensor:
    left = tf.sigmoid(tf.nn.max_pool2d(image, 2, 2, "SAME"))
    right = tf.nn.conv2d(image, _weights(3, 3, 3, 2), 2, "SAME")
    joined = tf.concat([left, right], 3)
    scaled = (joined + _weights(5)) * tf.math.rsqrt(_weights(5) + 2) - _weights(5)
    return tf.reshape(tf.tile(scaled, [1, 1, 2, 1]), [-1, 4 * 8 * 5])


def _computed_reshape(image: Tensor) -> Tensor:
    hidden = tf.nn.conv2d(image, _weights(3, 3, 3, 2), 4, "SAME")
    checked = tf.debugging.check_numerics(hidden, "not finite")
    return tf.reshape(checked, tf.concat([tf.shape(hidden)[:1], [2 * 2 * 2]], 0))
