"""Which format a file of a graph has: by its first bytes, since names say what somebody called it."""

from __future__ import annotations

from pathlib import Path

from lab.core.errors import ModelError
from lab.core.names import GraphFormat

_HEAD_BYTES = 512
_TFLITE_IDENTIFIER = b"TFL3"
# protobuf: field 1 of a GraphDef is a node; field 1 of ONNX is its version, as is that of a SavedModel, which is 1
_PB_NODE, _VERSION, _SAVED_MODEL_VERSION = 0x0A, 0x08, 1
_OTHERS = (
    (
        b"\x89HDF\r\n\x1a\n",
        "Keras weights in HDF5",
        "export the network as .tflite (tf.lite.TFLiteConverter) or .onnx (tf2onnx)",
    ),
    (b"PK\x03\x04", "a ZIP archive, as Keras and PyTorch write them", "export it as .tflite or .onnx"),
    (b"\x1f\x8b", "an archive, as NNEF's are, which no guest reads yet", "export it as .onnx"),
    (b"node {", "a GraphDef as text", "write it as a binary one: tf.io.write_graph(…, as_text=False)"),
)


def format_of(path: Path) -> GraphFormat:
    """The format of a graph's file, by its content.

    Raises:
        ModelError: there is no such file, or it is of a format that no guest reads; the remedy names the way out.
    """
    head = _head(path)
    if head[4:8] == _TFLITE_IDENTIFIER:
        return GraphFormat.TFLITE
    for start, what, remedy in _OTHERS:
        if head.startswith(start):
            raise ModelError(f"{path} is {what}", remedy)
    if head[:1] == bytes([_PB_NODE]):
        return GraphFormat.PB
    if head[:2] == bytes([_VERSION, _SAVED_MODEL_VERSION]):
        raise ModelError(f"{path} is a SavedModel", _FREEZE)
    if head[:1] == bytes([_VERSION]) and len(head) > 1:
        return GraphFormat.ONNX
    raise ModelError(
        f"{path} is no graph that the lab reads",
        "give a frozen GraphDef (.pb), ONNX or TensorFlow Lite's format (.tflite)",
    )


_FREEZE = "convert it: tf2onnx makes .onnx of it, tf.lite.TFLiteConverter.from_saved_model .tflite"


def _head(path: Path) -> bytes:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            raise ModelError(f"{path} is a directory with a SavedModel", _FREEZE)
        raise ModelError(f"{path} is a directory", "name the file of the graph in it")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise ModelError(f"there is no file {path} that can be read: {error.strerror}", "check the path") from error
