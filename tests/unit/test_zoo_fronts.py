"""Graphs in ONNX: facts out of the file, inputs as it takes them, ONNX Runtime's answer; what stays open is asked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from lab.campaign.experiment_file import check_obtainable
from lab.core.errors import ModelError
from lab.core.experiment import Experiment, Matrix, Tier
from lab.core.model import Model, OutputTensor
from lab.core.names import GraphFormat
from lab.zoo.entries import Preprocessing
from lab.zoo.importing import import_graph, model_name

CHANNELS_FIRST = ("batch", 3, 8, 8)
KERNEL = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3) / 100


def network(shape: tuple[int | str, ...], kind: int = TensorProto.FLOAT, **changes: Any) -> Any:
    """A 3×3 convolution of two channels, and its means: two outputs."""
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "kernel"], ["conv"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["conv"], ["means"]),
    ]
    sizes = {"conv": ("n", 2, "h", "w"), "means": ("n", 2, 1, 1)}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes.items()]
    inputs = [helper.make_tensor_value_info("image", kind, shape)]
    inputs += [helper.make_tensor_value_info(name, kind, shape) for name in changes.get("more_inputs", ())]
    kernel = numpy_helper.from_array(KERNEL, "kernel")
    graph = helper.make_graph(nodes, "net", inputs, outputs, [kernel])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def saved(path: Path, model: Any) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def taken(tmp_path: Path, model: Any, **options: Any) -> Model:
    path = saved(tmp_path / "net.onnx", model)
    return import_graph(path, "net", options.pop("input_shape", None), tmp_path / "home", **options)


def test_an_onnx_graph_becomes_a_model_by_what_its_file_says(tmp_path: Path) -> None:
    model = taken(tmp_path, network(CHANNELS_FIRST))
    assert (model.format, model.reference, model.input_node) == (GraphFormat.ONNX, "ONNX Runtime", "image")
    assert model.outputs == (OutputTensor("conv", (1, 2, 8, 8)), OutputTensor("means", (1, 2, 1, 1)))
    assert (model.parameters, model.conv_layers, model.macs) == (54, 1, 2 * 8 * 8 * 27)
    assert model.graph(GraphFormat.ONNX).read_bytes() == (tmp_path / "net.onnx").read_bytes()
    assert [given.shape for given in model.inputs] == [(1, 3, 8, 8), (3, 3, 8, 8)]
    for given in model.inputs:
        assert hashlib.sha256(given.input_path.read_bytes()).hexdigest() == given.input_sha256
        image = np.fromfile(given.input_path, "<f4").reshape(given.shape)
        assert image.max() <= 1, "as a MobileNet's, since nothing else is said"
        reference = np.fromfile(given.reference_path, "<f4")
        conv, means = np.split(reference, [given.batch * 2 * 64])
        centre = np.tensordot(image[:, :, 2:5, 2:5], KERNEL, ([1, 2, 3], [1, 2, 3]))
        assert conv.reshape(-1, 2, 8, 8)[:, :, 3, 3] == pytest.approx(centre, rel=1e-5, abs=1e-5)
        assert means == pytest.approx(conv.reshape(-1, 64).mean(axis=1), rel=1e-5, abs=1e-5)


def test_a_batch_that_the_file_fixes_is_the_only_one(tmp_path: Path) -> None:
    model = taken(tmp_path, network((1, 3, 8, 8)))
    assert [given.batch for given in model.inputs] == [1]
    plan = Experiment("e", "?", (Matrix(("native@o3+onnx",), ("net",), (3,)),), {"t": Tier("1m")})
    with pytest.raises(ModelError, match="'net' has no input of batch 3"):
        check_obtainable(plan, "t", tmp_path / "home")


def test_arms_are_of_guests_that_read_the_models_format(tmp_path: Path) -> None:
    taken(tmp_path, network(CHANNELS_FIRST))
    for arm in ("native@o3+onnx", "wasmtime-aot-cranelift@o3-simd+onnx", "onnxruntime-framework@python"):
        plan = Experiment("e", "?", (Matrix((arm,), ("net",)),), {"t": Tier("1m")})
        check_obtainable(plan, "t", tmp_path / "home")
    for arm in ("native@o3", "native@o3+tflite", "litert-framework@python"):
        plan = Experiment("e", "?", (Matrix((arm,), ("net",)),), {"t": Tier("1m")})
        with pytest.raises(ModelError, match="is in the format onnx, the guest of") as refused:
            check_obtainable(plan, "t", tmp_path / "home")
        assert "o3+onnx" in refused.value.remedy


def test_a_graph_of_bytes_gets_pixels_as_they_are(tmp_path: Path) -> None:
    model = taken(tmp_path, network(CHANNELS_FIRST, TensorProto.UINT8))
    image = np.fromfile(model.input_for(1).input_path, "<f4")
    assert (image.min(), image.max()) == (0, 255)
    assert image == pytest.approx(image.round(), abs=1e-4)


def test_the_preprocessing_of_images_is_asked_where_the_file_does_not_say_it(tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    Image.new("RGB", (20, 20), (255, 0, 127)).save(picture)
    with pytest.raises(ModelError, match="which preprocessing is it") as asked:
        taken(tmp_path, network(CHANNELS_FIRST), images=picture)
    assert "--preprocessing mobilenet" in asked.value.remedy
    model = taken(tmp_path, network(CHANNELS_FIRST), images=picture, preprocessing=Preprocessing.YUNET)
    blue, green, red = np.fromfile(model.input_for(1).input_path, "<f4").reshape(3, -1)
    assert (set(blue), set(green), set(red)) == ({127}, {0}, {255}), "channels in front, and blue first"


def test_a_tensor_of_the_users_is_taken_as_it_is(tmp_path: Path) -> None:
    tensor = np.linspace(-3, 3, 192).reshape(1, 3, 8, 8)
    np.save(tmp_path / "x.npy", tensor)
    model = taken(tmp_path, network(CHANNELS_FIRST), images=tmp_path / "x.npy")
    for given in model.inputs:
        assert np.fromfile(given.input_path, "<f4").reshape(given.shape) == pytest.approx(
            np.repeat(tensor, given.batch, axis=0)
        )
    np.save(tmp_path / "x.npy", tensor[:, :1])
    with pytest.raises(ModelError, match=r"x.npy holds float64 1×1×8×8 where the graph takes 1×3×8×8"):
        taken(tmp_path, network(CHANNELS_FIRST), images=tmp_path / "x.npy")


def test_sizes_that_the_file_leaves_open_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"declared as \?,3,\?,\?: which size should it have") as asked:
        taken(tmp_path, network(("batch", 3, "height", "width")))
    assert "--input-shape" in asked.value.remedy
    model = taken(tmp_path, network(("batch", 3, "height", "width")), input_shape=(1, 3, 8, 12))
    assert model.input_for(1).shape == (1, 3, 8, 12)
    assert model.outputs[0].shape == (1, 2, 8, 12)
    with pytest.raises(ModelError, match=r"declared as \?,3,8,8, not 1,3,9,9"):
        taken(tmp_path, network(CHANNELS_FIRST), input_shape=(1, 3, 9, 9))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("net.onnx", "net"),
        ("my net (é).onnx", "my_net_"),
        ("a--b-.onnx", "a_-b_"),
        ("-x.onnx", "my_-x"),
        ("vgg_16.pb", "my_vgg_16"),
        (f"{'n' * 300}.onnx", "n" * 100),
    ],
)
def test_a_file_of_any_name_gives_its_model_one(file: str, name: str) -> None:
    assert model_name(Path(file)) == name


def test_outputs_are_chosen_by_name(tmp_path: Path) -> None:
    assert [each.node for each in taken(tmp_path, network(CHANNELS_FIRST), outputs=("means",)).outputs] == ["means"]
    with pytest.raises(ModelError, match="'nothing' is no output of the graph") as refused:
        taken(tmp_path, network(CHANNELS_FIRST), outputs=("nothing",))
    assert "conv, means" in refused.value.remedy


def test_a_graph_that_guests_cannot_take_is_refused_with_the_way_out(tmp_path: Path) -> None:
    outside = network(CHANNELS_FIRST)
    kernel = outside.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="/etc/passwd")
    invalid = network(CHANNELS_FIRST)
    invalid.graph.node[1].input[1] = "gone"
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(network(CHANNELS_FIRST).SerializeToString()[:-20])
    with pytest.raises(ModelError, match=r"cut.onnx is no whole ONNX model"):
        import_graph(cut, "cut", None, tmp_path / "home")
    for model, complaint in (
        (network(CHANNELS_FIRST, more_inputs=("mask",)), "one input, it has image, mask"),
        (outside, "keeps weights in other files: 'kernel'"),
        (invalid, "is no valid ONNX model"),
        (network(CHANNELS_FIRST, TensorProto.STRING), "holds no numbers"),
    ):
        with pytest.raises(ModelError, match=complaint) as refused:
            taken(tmp_path, model)
        assert refused.value.remedy
    assert not (tmp_path / "home" / "models" / "net-imported").exists()


def test_text_and_features_get_numbers_of_their_kind(tmp_path: Path) -> None:
    for kind, bounds in ((TensorProto.FLOAT, (-1, 1)), (TensorProto.INT64, (0, 1))):
        node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
        values = helper.make_tensor_value_info("x", kind, (1, 10)), helper.make_tensor_value_info("y", 1, (1, 10))
        graph = helper.make_graph([node], "net", values[:1], values[1:])
        model = taken(tmp_path, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8))
        given = np.fromfile(model.input_for(1).input_path, "<f4")
        assert bounds[0] <= given.min() < given.max() <= bounds[1]
        assert np.fromfile(model.input_for(1).reference_path, "<f4") == pytest.approx(given)
