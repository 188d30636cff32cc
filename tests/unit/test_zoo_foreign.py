"""Graphs from unknown sources: what could do harm is refused before TensorFlow sees it."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.core.errors import ModelError
from lab.zoo.worker import ImportJob

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")


@pytest.fixture(scope="module")
def tf() -> Any:
    return import_module("lab.zoo.tensorflow.tf_v1").tf


def export(tf: Any, path: Path, layers: Any) -> Path:
    """A frozen graph that a function builds on a float32 placeholder 1×8×8×3."""
    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.float32, [1, 8, 8, 3], name="image")
        tf.identity(layers(image), name="out")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def plant(tf: Any, path: Path, op: str, **attributes: bytes | list[bytes]) -> Path:
    """A graph whose reshape takes its target from an operator; made by hand, since building it would execute it."""
    export(tf, path, lambda image: tf.reshape(image, tf.constant([1, 192], name="target")))
    graphdef = import_module("lab.zoo.tensorflow.graphdef")
    nodes = graphdef.read(path)
    planted = graphdef.new_node("planted", op, ["target"])
    planted.attr["T"].type = 3
    for key, value in attributes.items():
        if isinstance(value, bytes):
            planted.attr[key].s = value
        else:
            planted.attr[key].list.s.extend(value)
    reshape = next(node for node in nodes.values() if node.op == "Reshape")
    reshape.input[1] = "planted"
    path.write_bytes(graphdef.to_message({**nodes, "planted": planted}).SerializeToString())
    return path


def adopt(path: Path) -> None:
    worker = import_module("lab.zoo.tensorflow.import_worker")
    worker.adopt(ImportJob("foreign", str(path), str(path.parent), (1, 8, 8, 3), ("out",)))


@pytest.mark.parametrize("op", ["ReadFile", "DecodeRaw", "MatchingFiles", "PyFunc", "ParseTensor", "DecodeJpeg"])
def test_a_graph_with_an_operator_that_no_network_needs_is_refused_by_name(tf: Any, tmp_path: Path, op: str) -> None:
    with pytest.raises(ModelError, match=f"node 'planted' is a {op}"):
        adopt(plant(tf, tmp_path / "g.pb", op))


@pytest.mark.parametrize("url", ["file://{directory}/written", "grpc://127.0.0.1:9"])
def test_a_graph_that_writes_a_file_or_opens_a_connection_is_refused(tf: Any, tmp_path: Path, url: str) -> None:
    target = url.format(directory=tmp_path).encode()
    path = plant(tf, tmp_path / "g.pb", "DebugIdentity", debug_urls=[target], tensor_name=b"t:0")
    with pytest.raises(ModelError, match="node 'planted' is a DebugIdentity"):
        adopt(path)
    assert not (tmp_path / "written").exists()


def test_a_constant_that_would_fill_the_memory_is_not_computed(tf: Any) -> None:
    canonical, graphdef = import_module("lab.zoo.tensorflow.canonical"), import_module("lab.zoo.tensorflow.graphdef")
    column, row = np.ones((100_000, 1), np.float32), np.ones((1, 100_000), np.float32)
    graph = {"a": graphdef.constant("a", column), "b": graphdef.constant("b", row)}
    graph["product"] = graphdef.new_node("product", "Mul", ["a", "b"])
    with pytest.raises(ModelError, match=r"'product'.* makes a constant of 10000000000 values"):
        canonical.fold_constants(graph)
    sizes = np.array([100_000, 100_000], np.int32)
    graph = {"a": graphdef.constant("a", sizes), "b": graphdef.constant("b", np.array(1, np.float32))}
    graph["filled"] = graphdef.new_node("filled", "Fill", ["a", "b"])
    with pytest.raises(ModelError, match=r"'filled'.* makes a constant of 10000000000 values"):
        canonical.fold_constants(graph)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda tensor: tensor.tensor_shape.dim[0].__setattr__("size", -2), "shape that is not known"),
        (lambda tensor: tensor.tensor_shape.dim[0].__setattr__("size", 2**62 + 1), "where its shape takes"),
        (lambda tensor: tensor.__setattr__("tensor_content", b"abcd"), "where its shape takes"),
        (lambda tensor: tensor.__setattr__("dtype", 7), "is none of numbers"),
    ],
    ids=["negative size", "overflowing size", "content too short", "strings"],
)
def test_a_constant_whose_content_does_not_fill_its_shape_is_refused(
    tf: Any, tmp_path: Path, spoil: Any, complaint: str
) -> None:
    path = export(tf, tmp_path / "g.pb", lambda image: image + np.arange(3, dtype=np.float32))
    graphdef = import_module("lab.zoo.tensorflow.graphdef")
    nodes = graphdef.read(path)
    spoil(next(node for node in nodes.values() if node.op == "Const").attr["value"].tensor)
    path.write_bytes(graphdef.to_message(nodes).SerializeToString())
    with pytest.raises(ModelError, match=complaint):
        adopt(path)


def test_one_value_for_more_elements_than_the_file_could_hold_is_refused(tf: Any, tmp_path: Path) -> None:
    path = export(tf, tmp_path / "g.pb", lambda image: image + np.ones(3, np.float32))
    graphdef = import_module("lab.zoo.tensorflow.graphdef")
    nodes = graphdef.read(path)
    tensor = next(node for node in nodes.values() if node.op == "Const").attr["value"].tensor
    tensor.tensor_content = b""
    tensor.float_val[:] = [1.0]
    tensor.tensor_shape.dim[0].size = 10**10
    path.write_bytes(graphdef.to_message(nodes).SerializeToString())
    with pytest.raises(ModelError, match="far more memory than the file"):
        adopt(path)


def test_device_names_and_bookkeeping_are_dropped(tf: Any, tmp_path: Path) -> None:
    path = export(tf, tmp_path / "g.pb", tf.nn.relu)
    graphdef, foreign = import_module("lab.zoo.tensorflow.graphdef"), import_module("lab.zoo.tensorflow.foreign")
    nodes = graphdef.read(path)
    for node in nodes.values():
        node.device = "/job:elsewhere"
        node.attr["_XlaMustCompile"].b = True
    foreign.check_foreign(nodes, path.stat().st_size)
    assert all(not node.device and not [key for key in node.attr if key.startswith("_")] for node in nodes.values())


def test_no_operator_that_an_import_may_hold_touches_files_or_the_network(tf: Any) -> None:
    foreign = import_module("lab.zoo.tensorflow.foreign")
    suspicious = (
        "File",
        "Read",
        "Write",
        "Save",
        "Restore",
        "Debug",
        "Py",
        "Remote",
        "Rpc",
        "Dataset",
        "Print",
        "Decode",
    )
    assert not [name for name in foreign.ALLOWED if any(part in name for part in suspicious)]
    assert all(hasattr(tf.raw_ops, name) for name in foreign.ALLOWED - {"Placeholder"})
