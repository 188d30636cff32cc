"""Graphs in TensorFlow Lite's format, facts out of the file, LiteRT's answer; quantised ones are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lab.core.errors import ModelError
from lab.core.names import GraphFormat
from lab.zoo.importing import import_graph

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

KERNEL = np.random.default_rng(1).normal(size=(3, 3, 3, 4)).astype(np.float32)
SHAPE = [1, 8, 8, 3]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A 3×3 convolution with a rectifier, as ``float`` or with its input, output and weights in ``uint8``."""
    tf: Any = import_module("lab.zoo.tensorflow.tf_v1").tf
    directory = tmp_path_factory.mktemp("tflite")
    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.float32, SHAPE, name="image")
        tf.nn.relu(tf.nn.conv2d(image, tf.constant(KERNEL), 1, "SAME"), name="out")
    (directory / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())

    def convert(kind: str) -> Path:
        path = directory / f"{kind}.tflite"
        if not path.exists():
            source = str(directory / "net.pb")
            converter = tf.lite.TFLiteConverter.from_frozen_graph(source, ["image"], ["out"], {"image": SHAPE})
            if kind == "uint8":
                examples = np.random.default_rng(2).uniform(-1, 1, (20, *SHAPE)).astype(np.float32)
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.representative_dataset = lambda: ([example] for example in examples)
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                converter.inference_input_type = converter.inference_output_type = tf.uint8
            path.write_bytes(converter.convert())
        return path

    return convert


def expected(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The rectified convolution at row 3, column 3."""
    return np.maximum(np.tensordot(image[0, 2:5, 2:5], KERNEL, 3), 0)


def test_a_float_graph_becomes_a_model_of_one_batch_with_litert_as_its_reference(
    converted: Callable[[str], Path], tmp_path: Path
) -> None:
    model = import_graph(converted("float"), "net", None, tmp_path)
    assert (model.format, model.reference) == (GraphFormat.TFLITE, "LiteRT")
    assert (model.conv_layers, model.macs) == (1, 64 * 4 * 27)
    assert model.parameters in (108, 112), "the converter may add a bias of zeros"
    (given,) = model.inputs
    assert given.shape == tuple(SHAPE)
    assert [tensor.shape for tensor in model.outputs] == [(1, 8, 8, 4)]
    image = np.fromfile(given.input_path, "<f4").reshape(given.shape)
    reference = np.fromfile(given.reference_path, "<f4").reshape(8, 8, 4)
    assert reference[3, 3] == pytest.approx(expected(image), rel=1e-5, abs=1e-5)


def test_a_quantised_graph_is_refused_with_the_way_out(converted: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"uint8\.tflite is quantised") as refused:
        import_graph(converted("uint8"), "net", None, tmp_path)
    assert "float32" in refused.value.remedy


def test_the_preprocessing_of_images_is_asked(converted: Callable[[str], Path], tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    Image.new("RGB", (20, 20), (255, 0, 127)).save(picture)
    with pytest.raises(ModelError, match="which preprocessing is it"):
        import_graph(converted("float"), "net", None, tmp_path / "home", images=picture)


def test_another_shape_or_a_damaged_file_is_refused(converted: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="guests take the input as the file has it, 1,8,8,3"):
        import_graph(converted("float"), "net", (2, 8, 8, 3), tmp_path)
    damaged = tmp_path / "cut.tflite"
    damaged.write_bytes(converted("float").read_bytes()[:100])
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        import_graph(damaged, "cut", None, tmp_path)
