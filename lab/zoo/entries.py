"""The eight networks of the paper's Table I: what each is called, what it takes, how its input is prepared."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lab.core.names import GraphFormat


class Preprocessing(StrEnum):
    """From RGB pixels in 0–255 to a network's input.

    `MOBILENET`: x / 127.5 − 1. `VGG`: the training set's mean colour subtracted. `YUNET`: BGR, as it is.
    """

    MOBILENET = "mobilenet"
    VGG = "vgg"
    YUNET = "yunet"


class Entry(msgspec.Struct, frozen=True):
    """One of the eight networks.

    Attributes:
        name: the network's name in experiments.
        preprocessing: how its input is prepared from pixels.
        side: height and width of its input, in pixels.
        graph_bytes: about what its frozen graph takes on disk; only the check for free space uses it.
        multiplier: MobileNets: factor on every channel count.
        depth: VGG: 16 or 19 layers with weights.
    """

    name: str
    preprocessing: Preprocessing
    side: int
    graph_bytes: int
    multiplier: float | None = None
    depth: int | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its input."""
        return (self.side, self.side, 3)


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry("mobilenet_v1_0.25_128", Preprocessing.MOBILENET, 128, 2_000_000, multiplier=0.25),
        Entry("mobilenet_v1_0.5_160", Preprocessing.MOBILENET, 160, 5_500_000, multiplier=0.5),
        Entry("mobilenet_v1_1.0_224", Preprocessing.MOBILENET, 224, 17_100_000, multiplier=1.0),
        Entry("mobilenet_v2_1.0_224", Preprocessing.MOBILENET, 224, 14_300_000, multiplier=1.0),
        Entry("mobilenet_v2_1.4_224", Preprocessing.MOBILENET, 224, 24_800_000, multiplier=1.4),
        Entry("vgg_16", Preprocessing.VGG, 224, 553_500_000, depth=16),
        Entry("vgg_19", Preprocessing.VGG, 224, 574_800_000, depth=19),
        Entry("yunet", Preprocessing.YUNET, 320, 400_000),
    )
}

CONVERTERS = {GraphFormat.TFLITE: ("tensorflow-cpu",), GraphFormat.ONNX: ("tf2onnx", "onnx", "tensorflow-cpu")}
"""Packages whose releases a format's bytes depend on."""
