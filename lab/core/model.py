"""A model as the rest of the lab sees it: files with known content, and the sizes that predictions rest on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.core.names import GraphFormat

REFERENCES = {
    GraphFormat.PB: "TensorFlow",
    GraphFormat.ONNX: "ONNX Runtime",
    GraphFormat.TFLITE: "LiteRT",
}
"""What runs a graph of each format to make reference outputs."""


class OutputTensor(msgspec.Struct, frozen=True):
    """One output of a graph.

    Attributes:
        node: the graph node.
        shape: at batch 1, batch first.
    """

    node: str
    shape: tuple[int, ...]


class ModelInput(msgspec.Struct, frozen=True):
    """One input tensor of a model and what its format's own runtime makes of it (`Model.reference`).

    Attributes:
        batch: images in it.
        shape: as the graph takes it, batch first.
        input_path: raw little-endian float32.
        input_sha256: hash of that file.
        reference_path: that runtime's outputs for it: every output tensor's raw little-endian float32, concatenated in
            the order of `Model.outputs`. Its bits depend on the CPU: it is compared by tolerance.
        reference_sha256: hash of that file; None of a model that an earlier version of the lab made.
    """

    batch: int
    shape: tuple[int, ...]
    input_path: Path
    input_sha256: str
    reference_path: Path
    reference_sha256: str | None = None


class ConvertedGraph(msgspec.Struct, frozen=True):
    """The graph in another format: the same network for another framework.

    Attributes:
        sha256: hash of that file.
    """

    format: GraphFormat
    path: Path
    sha256: str


class Model(msgspec.Struct, frozen=True):
    """A frozen graph with its inputs and reference outputs.

    Attributes:
        name: such as ``mobilenet_v1_0.25_128``.
        weights: ``pretrained``, ``seeded`` or ``imported``.
        graph_path: the frozen GraphDef protobuf, canonical for tract; or the file that was imported, of another format.
        graph_sha256: hash of that file.
        input_node: the placeholder's name.
        outputs: output tensors, in the order in which guests write them.
        parameters: trainable scalars (Table I of the paper).
        conv_layers: convolutions, depthwise included; fully connected layers written as convolutions included.
        macs: multiply-accumulates of one inference at batch 1: what cost predictions scale with.
        inputs: input tensors, by batch size.
        published_parameters: the same counted by the rule of those who published the network; None if not known.
        converted: the graph in other formats, those that were asked for.
        format: of `graph_path`.
    """

    name: str
    weights: str
    graph_path: Path
    graph_sha256: str
    input_node: str
    outputs: tuple[OutputTensor, ...]
    parameters: int
    conv_layers: int
    macs: int
    inputs: tuple[ModelInput, ...]
    published_parameters: int | None = None
    converted: tuple[ConvertedGraph, ...] = ()
    format: GraphFormat = GraphFormat.PB

    @property
    def reference(self) -> str:
        """What made the reference outputs."""
        return REFERENCES[self.format]

    def graph(self, graph_format: GraphFormat) -> Path:
        """The graph's file in that format.

        Raises:
            KeyError: the model was prepared without it.
        """
        if graph_format is self.format:
            return self.graph_path
        for candidate in self.converted:
            if candidate.format is graph_format:
                return candidate.path
        raise KeyError(f"{self.name} has no graph in format {graph_format}")

    def input_for(self, batch: int) -> ModelInput:
        """The input of that batch size.

        Raises:
            KeyError: the model was prepared without it.
        """
        for candidate in self.inputs:
            if candidate.batch == batch:
                return candidate
        raise KeyError(f"{self.name} has no input of batch {batch}")
