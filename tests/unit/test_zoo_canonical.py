"""Foreign graphs: what canonicalising changes, what it keeps, and what it refuses."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from lab.core.errors import ModelError
from lab.zoo.model_directory import FACTS_FILE, GRAPH_FILE, Built
from lab.zoo.worker import ImportJob

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def zoo() -> SimpleNamespace:
    names = ("import_worker", "canonical", "graphdef", "operators", "tf_v1")
    return SimpleNamespace(**{name: import_module(f"lab.zoo.tensorflow.{name}") for name in names})


@pytest.fixture
def export(zoo: SimpleNamespace, tmp_path: Path) -> Any:
    """Writes a graph that a function builds on a placeholder 1×8×8×3 as a frozen GraphDef."""
    tf = zoo.tf_v1.tf

    def write(layers: Any, shape: tuple[int | None, ...] = (1, 8, 8, 3), dtype: Any = None) -> Path:
        with tf.Graph().as_default() as graph:
            layers(tf, tf.placeholder(dtype or tf.float32, shape, name="image"))
        path = tmp_path / "foreign.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
        return path

    return write


@pytest.fixture
def adopted(zoo: SimpleNamespace, tmp_path: Path) -> Any:
    """Canonicalises a file and returns its nodes and what was found out about it."""

    def run(path: Path, shape: tuple[int, ...] = (1, 8, 8, 3), outputs: tuple[str, ...] = ()) -> tuple[Any, Built]:
        zoo.import_worker.adopt(ImportJob("foreign", str(path), str(tmp_path), shape, outputs))
        built = msgspec.json.decode((tmp_path / FACTS_FILE).read_bytes(), type=Built)
        return zoo.graphdef.read(tmp_path / GRAPH_FILE), built

    return run


def outcome(zoo: SimpleNamespace, graph: Any, output: str, image: np.ndarray) -> np.ndarray:
    with zoo.tf_v1.session(zoo.graphdef.import_graph(zoo.graphdef.to_message(graph))) as running:
        result: np.ndarray = running.run(f"{output}:0", {"image:0": image})
    return result


def picture(batch: int = 1) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(batch, 8, 8, 3)).astype(np.float32)


def kernel(size: int, filters: int = 4) -> np.ndarray:
    return np.random.default_rng(6).normal(size=(size, size, 3, filters)).astype(np.float32)


def test_unfused_batch_norm_becomes_a_product_and_a_sum_with_the_same_result(
    zoo: SimpleNamespace, export: Any, adopted: Any
) -> None:
    def layers(tf: Any, image: Any) -> None:
        convolved = tf.nn.conv2d(image, kernel(3), 1, "SAME")
        variance, mean = tf.constant([0.5, 1, 2, 3.0]), tf.constant([1.0, -1, 0.5, 0])
        scale = tf.rsqrt(tf.identity(variance) + 0.001) * tf.constant([1.0, 2, 3, 4])
        checked = tf.debugging.check_numerics(convolved, "never")
        tf.add(checked * scale, tf.constant(0.25) - mean * scale, name="normalised")

    path = export(layers)
    graph, built = adopted(path)
    assert built.facts.operations == {"AddV2": 1, "Conv2D": 1, "Mul": 1}
    original = outcome(zoo, zoo.graphdef.read(path), "normalised", picture())
    np.testing.assert_allclose(outcome(zoo, graph, "normalised", picture()), original, rtol=1e-5, atol=1e-6)


def test_fused_batch_norm_becomes_its_first_version(zoo: SimpleNamespace, export: Any, adopted: Any) -> None:
    def layers(tf: Any, image: Any) -> None:
        three = tf.constant([1.0, 2, 3])
        tf.identity(tf.nn.fused_batch_norm(image, three, three, three, three, is_training=False)[0], name="out")

    path = export(layers)
    graph, _ = adopted(path)
    assert [node.op for node in graph.values() if node.op.startswith("Fused")] == ["FusedBatchNorm"]
    original = outcome(zoo, zoo.graphdef.read(path), "out", picture())
    np.testing.assert_allclose(outcome(zoo, graph, "out", picture()), original, rtol=1e-6)


@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 2, 1), (3, 1, 1), (5, 2, 2), (7, 2, 3), (3, 2, 0)])
def test_a_pad_before_a_convolution_goes_into_its_kernel(
    zoo: SimpleNamespace, export: Any, adopted: Any, size: int, stride: int, padding: int
) -> None:
    def layers(tf: Any, image: Any) -> None:
        end = max(padding, 1)
        padded = tf.pad(image, [[0, 0], [padding, end], [padding, end], [0, 0]])
        tf.nn.conv2d(padded, kernel(size), stride, "VALID", name="convolved")

    path = export(layers)
    graph, built = adopted(path)
    assert "Pad" not in built.facts.operations
    original = outcome(zoo, zoo.graphdef.read(path), "convolved", picture())
    np.testing.assert_allclose(outcome(zoo, graph, "convolved", picture()), original, rtol=1e-4, atol=1e-5)


def test_a_graph_exported_for_one_image_takes_three(zoo: SimpleNamespace, export: Any, adopted: Any) -> None:
    def layers(tf: Any, image: Any) -> None:
        flat = tf.reshape(image, [1, 192])
        tf.reshape(tf.nn.softmax(flat), tf.shape(flat), name="predictions")

    graph, built = adopted(export(layers))
    assert outcome(zoo, graph, "predictions", picture(3)).shape == (3, 192)
    assert built.outputs == (("predictions", (1, 192)),)


def test_attributes_left_out_by_old_exports_are_filled(zoo: SimpleNamespace, export: Any, adopted: Any) -> None:
    path = export(lambda tf, image: tf.nn.conv2d(image, kernel(3), 1, "SAME", name="convolved"))
    nodes = zoo.graphdef.read(path)
    del nodes["convolved"].attr["dilations"]
    path.write_bytes(zoo.graphdef.to_message(nodes).SerializeToString())
    graph, _ = adopted(path)
    assert list(graph["convolved"].attr["dilations"].list.i) == [1, 1, 1, 1]


def test_canonicalising_twice_gives_the_same_bytes(export: Any, adopted: Any, tmp_path: Path) -> None:
    path = export(lambda tf, image: tf.nn.relu6(tf.nn.conv2d(image, kernel(3), 1, "SAME"), name="out"))
    _, first = adopted(path)
    (tmp_path / GRAPH_FILE).rename(path)
    _, second = adopted(path)
    assert first.graph_sha256 == second.graph_sha256


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        (lambda tf, image: tf.tan(image, name="odd"), ("odd", "Tan")),
        (lambda tf, image: tf.nn.conv2d(image, kernel(3), 1, "SAME", dilations=2, name="far"), ("far", "dilated")),
        (lambda tf, image: tf.get_variable("w", [3], use_resource=False) + image, ("w", "variable")),
        (lambda tf, image: tf.add(image, tf.placeholder(tf.float32, [3], name="second")), ("image, second",)),
    ],
)
def test_what_guests_cannot_take_is_refused_by_name(
    export: Any, adopted: Any, layers: Any, named: tuple[str, ...]
) -> None:
    with pytest.raises(ModelError) as refusal:
        adopted(export(layers))
    assert all(word in refusal.value.message for word in named), refusal.value.message
    assert refusal.value.remedy


@pytest.mark.parametrize("declared", [(1, 8, 8, 3), (None, 8, 8, 3), (4, 8, 8, 3)])
def test_a_graph_that_declares_its_input_needs_no_shape(
    export: Any, adopted: Any, declared: tuple[int | None, ...]
) -> None:
    _, built = adopted(export(lambda tf, image: tf.nn.relu(image, name="out"), declared), shape=())
    assert built.image_shape == (8, 8, 3)
    assert built.outputs == (("out", (1, 8, 8, 3)),)


@pytest.mark.parametrize("declared", [None, (None, None, None, 3), (1, 8, 9, 3), (1, 8, 8, 1), (1, 192)])
def test_a_graph_that_does_not_is_refused_with_the_option_that_says_it(
    export: Any, adopted: Any, declared: tuple[int | None, ...] | None
) -> None:
    with pytest.raises(ModelError, match="'image' is declared as") as refusal:
        adopted(export(lambda tf, image: tf.nn.relu(image), declared), shape=())
    assert "--input-shape" in refusal.value.remedy


def test_a_wrong_shape_is_refused_with_the_right_one(export: Any, adopted: Any) -> None:
    path = export(lambda tf, image: tf.nn.relu(image))
    with pytest.raises(ModelError) as refusal:
        adopted(path, shape=(1, 16, 16, 3))
    assert "1,8,8,3" in refusal.value.remedy


def test_a_truncated_graph_is_refused(export: Any, adopted: Any) -> None:
    path = export(lambda tf, image: tf.nn.conv2d(image, kernel(3), 1, "SAME"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match="no whole GraphDef"):
        adopted(path)


def test_an_unknown_output_is_refused_by_name(export: Any, adopted: Any) -> None:
    with pytest.raises(ModelError, match="no node 'logits'"):
        adopted(export(lambda tf, image: tf.nn.relu(image)), outputs=("logits",))


def test_the_zoo_and_the_guest_know_the_same_operators(zoo: SimpleNamespace) -> None:
    source = (ROOT / "rust-guest" / "infer" / "src" / "ops.rs").read_text(encoding="utf-8")
    assert set(zoo.operators.ATTRIBUTES) == set(re.findall(r'ops\.insert\("(\w+)"', source))
