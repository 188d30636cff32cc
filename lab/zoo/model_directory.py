"""What a model's directory holds, and how it is read and written.

    <home>/models/<name>-<weights>-<key>/
        graph.pb            the frozen graph, or what was imported: graph.onnx, graph.tflite
        facts.json          what the build found out about it
        input.b1.f32        input tensor for batch 1, raw little-endian float32; likewise for each batch
        reference.b1.f32    TensorFlow's outputs for it, concatenated in the order of the outputs
        meta.json           written last: a directory without it is not a model

Version history of `META_SCHEMA`:
    1  first
"""

from __future__ import annotations

from pathlib import Path, PurePath

import msgspec

from lab.core.errors import DataError
from lab.core.model import Model, ModelInput, OutputTensor
from lab.core.names import GraphFormat
from lab.disk.checked import read_checked, write_checked
from lab.zoo.counts import GraphStats, published_parameters

META_SCHEMA = 1
GRAPH_FILE = "graph.pb"
FACTS_FILE = "facts.json"
META_FILE = "meta.json"


class Built(msgspec.Struct, frozen=True):
    """``facts.json``.

    Attributes:
        image_shape: height, width and channels of the input; of one that is no image, its shape behind the batch.
        outputs: node and shape at batch 1, in order.
        format: of the graph's file.
        is_channels_first: whether the input is channels, height, width instead.
        fixed_batch: the only batch that the graph takes; None if it takes any.
        takes_any_float: whether the file leaves open how pixels become the input's values.
        bounds: least and largest value of an input of single bytes; None of any other.
    """

    graph_sha256: str
    input_node: str
    image_shape: tuple[int, ...]
    outputs: tuple[tuple[str, tuple[int, ...]], ...]
    facts: GraphStats
    format: GraphFormat = GraphFormat.PB
    is_channels_first: bool = False
    fixed_batch: int | None = None
    takes_any_float: bool = True
    bounds: tuple[float, float] | None = None

    @property
    def graph_file(self) -> str:
        """Name of the graph's file."""
        return graph_file(self.format)


def graph_file(graph_format: GraphFormat) -> str:
    """Name of a graph's file in its model's directory."""
    return f"{PurePath(GRAPH_FILE).stem}.{graph_format}"


class Prepared(msgspec.Struct, frozen=True):
    """One input in ``meta.json``; paths are relative to its directory.

    Attributes:
        reference_sha256: None in one that an earlier version of the lab left.
    """

    batch: int
    shape: tuple[int, ...]
    file: str
    sha256: str
    reference: str
    reference_sha256: str | None = None


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """``meta.json``.

    Attributes:
        weights: ``pretrained``, ``seeded`` or ``imported``.
        source: description of where weights and inputs come from.
        tensorflow: the release that computed the reference, of TensorFlow or of the format's own runtime.
    """

    schema: int = META_SCHEMA
    name: str
    weights: str
    source: str
    tensorflow: str
    built: Built
    inputs: tuple[Prepared, ...]


def read_meta(directory: Path) -> Meta | None:
    """The directory's ``meta.json``; None if there is none.

    Raises:
        DataError: it is damaged, or of an unknown version.
    """
    path = directory / META_FILE
    remedy = f"delete {directory}; it is made again when it is needed"
    if not path.exists():
        return None
    try:
        meta = read_checked(path, Meta)
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}", remedy) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", remedy) from error
    if meta.schema != META_SCHEMA:
        raise DataError(f"{path} has schema {meta.schema}, this lab reads {META_SCHEMA}", remedy)
    for name in (name for entry in meta.inputs for name in (entry.file, entry.reference)):
        if name in {"", ".."} or PurePath(name).name != name:
            # trials are given these files: none may be one of the host's own
            raise DataError(f"{path} names {name[:100]!r}, which is not a file of its directory", remedy)
    return meta


def find_model(directory: Path) -> Model | None:
    """The model in a directory; None if there is none.

    Raises:
        DataError: as `read_meta`.
    """
    meta = read_meta(directory)
    return None if meta is None else to_model(directory, meta)


def write_meta(directory: Path, meta: Meta) -> None:
    """Makes the directory a model, or replaces what it says about itself."""
    write_checked(directory / META_FILE, meta)


def to_model(directory: Path, meta: Meta) -> Model:
    """The model with absolute paths."""
    root = directory.resolve()
    facts = meta.built.facts
    return Model(
        name=meta.name,
        weights=meta.weights,
        graph_path=root / meta.built.graph_file,
        graph_sha256=meta.built.graph_sha256,
        input_node=meta.built.input_node,
        outputs=tuple(OutputTensor(node, shape) for node, shape in meta.built.outputs),
        parameters=facts.parameters,
        conv_layers=facts.conv_layers,
        macs=facts.macs,
        inputs=tuple(
            ModelInput(
                batch=entry.batch,
                shape=entry.shape,
                input_path=root / entry.file,
                input_sha256=entry.sha256,
                reference_path=root / entry.reference,
                reference_sha256=entry.reference_sha256,
            )
            for entry in meta.inputs
        ),
        published_parameters=published_parameters(meta.name, facts),
        format=meta.built.format,
    )
