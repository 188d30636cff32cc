"""Graphs in other formats: made once, kept by content, compared with their record, the same network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from lab.core.errors import DataError, ModelError
from lab.core.model import Model, OutputTensor
from lab.core.names import GraphFormat
from lab.zoo.conversion import converted
from lab.zoo.worker import ConvertJob, Ended, Job
from tests.fakes import make_models

Tensor = NDArray[np.float32]
BOTH = (GraphFormat.TFLITE, GraphFormat.ONNX)


class Converter:
    """Writes a line instead of converting; counts."""

    def __init__(self) -> None:
        self.jobs: list[ConvertJob] = []

    def __call__(self, module: str, jobs: Sequence[Job], done: Callable[[str], None]) -> Ended:
        for job in jobs:
            assert isinstance(job, ConvertJob)
            self.jobs.append(job)
            Path(job.result).write_text(f"{job.name} as {job.format}")
            done(job.name)
        return Ended(0, [])


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return msgspec.structs.replace(make_models(tmp_path, ["tiny"])["tiny"], converted=())


def ask(model: Model, converter: Converter, *formats: GraphFormat) -> Model:
    home = model.graph_path.parent
    return converted([model], formats, home, lambda name, what: None, converter)[model.name]


def test_a_graph_is_converted_once_and_lies_beside_the_frozen_one(model: Model) -> None:
    converter = Converter()
    first, second = ask(model, converter, *BOTH), ask(model, converter, *BOTH)
    assert first == second
    assert [job.format for job in converter.jobs] == [GraphFormat.ONNX, GraphFormat.TFLITE]
    assert first.graph(GraphFormat.TFLITE).parent == model.graph_path.parent
    assert first.graph(GraphFormat.TFLITE).read_text() == "tiny as tflite"
    assert first.graph(GraphFormat.PB) == model.graph_path


def test_another_graph_has_another_file(model: Model) -> None:
    converter = Converter()
    other = msgspec.structs.replace(model, graph_sha256="0" * 64)
    paths = {ask(each, converter, GraphFormat.TFLITE).graph(GraphFormat.TFLITE) for each in (model, other)}
    assert len(paths) == 2


def test_tensorflows_own_format_needs_no_converter(model: Model) -> None:
    converter = Converter()
    assert ask(model, converter, GraphFormat.PB) == model
    assert not converter.jobs


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_a_converted_graph_that_is_not_what_was_made_is_refused_by_name(model: Model, harm: str) -> None:
    converter = Converter()
    path = ask(model, converter, GraphFormat.TFLITE).graph(GraphFormat.TFLITE)
    path.unlink() if harm == "removed" else path.write_text("something else")
    with pytest.raises(DataError) as caught:
        ask(model, converter, GraphFormat.TFLITE)
    assert str(path) in caught.value.message
    Path(caught.value.remedy.split()[1].rstrip(";")).unlink()
    assert ask(model, converter, GraphFormat.TFLITE).graph(GraphFormat.TFLITE).read_text() == "tiny as tflite"


def test_a_format_that_was_not_asked_for_is_not_there(model: Model) -> None:
    with pytest.raises(KeyError, match="onnx"):
        model.graph(GraphFormat.ONNX)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A convolution, ReLU6 and a mean of fixed weights, in TensorFlow's format."""
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    tf = import_module("lab.zoo.tensorflow.tf_v1").tf
    directory, graph = tmp_path_factory.mktemp("network"), tf.Graph()
    kernel = np.linspace(-1, 1, 3 * 3 * 3 * 4, dtype=np.float32).reshape(3, 3, 3, 4)
    with graph.as_default():
        image = tf.placeholder(tf.float32, [None, 8, 8, 3], name="image")
        activated = tf.nn.relu6(tf.nn.conv2d(image, tf.constant(kernel), [1, 2, 2, 1], "SAME"))
        tf.identity(tf.reduce_mean(activated, [1, 2]), name="out")
    model = make_models(directory, ["tiny"])["tiny"]
    model.graph_path.write_bytes(graph.as_graph_def().SerializeToString())
    given = msgspec.structs.replace(model.inputs[0], shape=(1, 8, 8, 3))
    outputs = (OutputTensor("out", (1, 4)),)
    return msgspec.structs.replace(model, input_node="image", outputs=outputs, inputs=(given,))


def expected(image: Tensor) -> Tensor:
    """What the network gives, by its definition."""
    kernel = np.linspace(-1, 1, 3 * 3 * 3 * 4, dtype=np.float32).reshape(3, 3, 3, 4)
    padded = np.pad(image[0], ((0, 1), (0, 1), (0, 0)))
    patches = np.stack([padded[y : y + 3, x : x + 3] for y in range(0, 8, 2) for x in range(0, 8, 2)])
    found: Tensor = np.clip(np.einsum("pyxc,yxco->po", patches, kernel), 0, 6).mean(axis=0)[None]
    return found


def convert(network: Model, graph_format: GraphFormat, result: Path) -> bytes:
    outputs = tuple(tensor.node for tensor in network.outputs)
    source = str(network.graph_path)
    job = ConvertJob("net", source, network.input_node, network.inputs[0].shape, outputs, graph_format, str(result))
    import_module("lab.zoo.tensorflow.convert_worker").convert(job)
    return result.read_bytes()


def test_a_converted_graph_is_the_same_network(network: Model, tmp_path: Path) -> None:
    image = np.random.default_rng(1).normal(size=(1, 8, 8, 3)).astype(np.float32)
    content = convert(network, GraphFormat.ONNX, tmp_path / "a.onnx")
    (found,) = ReferenceEvaluator(onnx.load_model_from_string(content)).run(["out:0"], {"image:0": image})
    assert np.allclose(found, expected(image), atol=1e-4)

    content = convert(network, GraphFormat.TFLITE, tmp_path / "a.tflite")
    assert content == convert(network, GraphFormat.TFLITE, tmp_path / "b.tflite")
    interpreter = import_module("lab.zoo.tensorflow.tf_v1").tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    (detail,) = interpreter.get_output_details()
    assert detail["name"] == "out"
    assert np.allclose(interpreter.get_tensor(detail["index"]), expected(image), atol=1e-4)


def test_a_graph_that_a_converter_refuses_is_named_with_the_converters_reason(network: Model, tmp_path: Path) -> None:
    broken = msgspec.structs.replace(network, outputs=(OutputTensor("absent", (1, 4)),))
    for graph_format in BOTH:
        with pytest.raises(ModelError, match=f"net cannot be converted to {graph_format}"):
            convert(broken, graph_format, tmp_path / "out")
