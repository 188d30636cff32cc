"""One of the eight networks as a TensorFlow graph with uninitialised variables."""

from __future__ import annotations

from typing import Any, NamedTuple

from lab.zoo.entries import Entry, Preprocessing
from lab.zoo.tensorflow.layers import Layers, Signal
from lab.zoo.tensorflow.mobilenet import mobilenet_v1, mobilenet_v2
from lab.zoo.tensorflow.seeding import LayerPlan, Moments
from lab.zoo.tensorflow.tf_v1 import Tensor, tf
from lab.zoo.tensorflow.vgg import vgg
from lab.zoo.tensorflow.yunet import yunet

_IMAGE_MOMENTS = {
    Preprocessing.MOBILENET: Moments(0.0, 0.14),
    Preprocessing.VGG: Moments(0.0, 48.0 * 48.0),
    Preprocessing.YUNET: Moments(112.0, 112.0 * 112.0 + 48.0 * 48.0),
}
"""Moments of an ordinary picture (mean about 112, deviation about 48) after preprocessing."""


class Network(NamedTuple):
    """A graph, the names of its outputs (logits first), and its layers' plans."""

    graph: Any
    outputs: tuple[str, ...]
    plans: tuple[LayerPlan, ...]

    @property
    def variables(self) -> list[Tensor]:
        """Its variables in the order of their creation."""
        with self.graph.as_default():
            return list(tf.global_variables())


def build(entry: Entry) -> Network:
    """The network's graph; its input is ``input``, float32 [-1, side, side, 3]."""
    graph = tf.Graph()
    with graph.as_default():
        layers = Layers()
        image = layers.placeholder(entry.side, _IMAGE_MOMENTS[entry.preprocessing])
        outputs = _outputs(entry, layers, image)
    return Network(graph, tuple(output.op.name for output in outputs), tuple(layers.plans))


def _outputs(entry: Entry, layers: Layers, image: Signal) -> list[Tensor]:
    if entry.depth is not None:
        return vgg(layers, image, entry.depth)
    if entry.multiplier is None:
        return yunet(layers, image)
    write = mobilenet_v2 if entry.name.startswith("mobilenet_v2") else mobilenet_v1
    return write(layers, image, entry.multiplier)
