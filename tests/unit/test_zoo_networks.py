"""The eight graphs: slim's names and shapes, the counts of Table I, and seeded weights that keep every layer alive."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.core.experiment import PAPER_MODELS
from lab.zoo.entries import ENTRIES
from lab.zoo.preprocess import made_input

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
SLIM = tuple(name for name in PAPER_MODELS if name != "yunet")

MODEL_VARIABLES = {
    "mobilenet_v1_0.25_128": 475_801,
    "mobilenet_v1_0.5_160": 1_343_049,
    "mobilenet_v1_1.0_224": 4_254_889,
    "mobilenet_v2_1.0_224": 3_540_265,
    "mobilenet_v2_1.4_224": 6_158_505,
    "vgg_16": 138_357_544,
    "vgg_19": 143_667_240,
}
"""Published sizes, moving statistics included."""


@pytest.fixture(scope="module")
def networks() -> Any:
    # TensorFlow is imported when the first test needs it, not when tests are collected
    return import_module("lab.zoo.tensorflow.networks")


def variables_of(networks: Any, name: str) -> dict[str, tuple[int, ...]]:
    network = networks.build(ENTRIES[name])
    return {variable.op.name: tuple(variable.shape.as_list()) for variable in network.variables}


@pytest.mark.parametrize("name", SLIM)
def test_a_network_has_exactly_slims_variables(networks: Any, name: str) -> None:
    listing = REFERENCE / f"slim_variables_{name}.txt"
    if not listing.exists():
        pytest.skip(f"{listing} is not there: slim's names cannot be compared")
    lines = (re.fullmatch(r"(\S+) \[(.*)\]", line) for line in listing.read_text().splitlines())
    slim = {line[1]: tuple(int(size) for size in line[2].split(",")) for line in lines if line}
    assert variables_of(networks, name) == slim


@pytest.mark.parametrize("name", SLIM)
def test_a_network_has_as_many_weights_as_published(networks: Any, name: str) -> None:
    sizes = variables_of(networks, name).values()
    assert sum(int(np.prod(size)) for size in sizes) == MODEL_VARIABLES[name]


def test_yunet_has_75856_trainable_parameters_and_the_onnx_files_outputs(networks: Any) -> None:
    trained = {
        name: size
        for name, size in variables_of(networks, "yunet").items()
        if not name.rsplit("/")[-1].startswith("moving")
    }
    assert sum(int(np.prod(size)) for size in trained.values()) == 75_856
    outputs = networks.build(ENTRIES["yunet"]).outputs
    assert outputs == tuple(f"{head}_{stride}" for head in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32))


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("mobilenet_v1_1.0_224", ("MobilenetV1/Logits/SpatialSqueeze", "MobilenetV1/Predictions/Reshape_1")),
        ("mobilenet_v2_1.0_224", ("MobilenetV2/Logits/SpatialSqueeze", "MobilenetV2/Predictions/Reshape_1")),
        ("vgg_16", ("vgg_16/fc8/squeezed",)),
    ],
)
def test_logits_come_first_under_slims_node_names(networks: Any, name: str, outputs: tuple[str, ...]) -> None:
    assert networks.build(ENTRIES[name]).outputs == outputs


@pytest.fixture(scope="module")
def frozen(networks: Any) -> dict[str, Any]:
    """Seeded and frozen in this process, with what has been counted in the graph."""
    names = ("checkpoint", "tf_v1")
    checkpoint, tf_v1 = (import_module(f"lab.zoo.tensorflow.{name}") for name in names)
    graphs = {}
    for name in ("mobilenet_v1_0.25_128", "mobilenet_v2_1.0_224", "yunet"):
        network = networks.build(ENTRIES[name])
        with network.graph.as_default(), tf_v1.session(network.graph) as running:
            wanted = {variable.op.name: variable for variable in network.variables}
            for variable, value in checkpoint.seeded_weights(name, network):
                running.run(wanted[variable].initializer, {wanted[variable].initial_value: value})
            graphs[name] = checkpoint.freeze(running, network.outputs)
    return graphs


@pytest.mark.parametrize(
    ("name", "parameters", "conv_layers"),
    [("mobilenet_v1_0.25_128", 470_329, 28), ("mobilenet_v2_1.0_224", 3_506_153, 53), ("yunet", 75_856, 59)],
)
def test_table_one_is_counted_in_the_frozen_graph(
    frozen: dict[str, Any], name: str, parameters: int, conv_layers: int
) -> None:
    facts = import_module("lab.zoo.tensorflow.graph_stats").stats_of(frozen[name])
    assert (facts.parameters, facts.conv_layers) == (parameters, conv_layers)
    assert facts.operations["Conv2D"] + facts.operations["DepthwiseConv2dNative"] == conv_layers
    assert "Identity" not in facts.operations


def test_multiply_accumulates_of_a_network_agree_with_its_paper(frozen: dict[str, Any]) -> None:
    # Sandler et al., Table 4: 300 M for MobileNetV2 at 224; ours counts to the last one
    facts = import_module("lab.zoo.tensorflow.graph_stats").stats_of(frozen["mobilenet_v2_1.0_224"])
    assert facts.macs == pytest.approx(300e6, rel=0.01)


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "mobilenet_v2_1.0_224", "yunet"])
def test_no_seeded_layer_dies_overflows_or_goes_denormal(frozen: dict[str, Any], name: str) -> None:
    graphdef, tf_v1 = (import_module(f"lab.zoo.tensorflow.{module}") for module in ("graphdef", "tf_v1"))
    entry, graph = ENTRIES[name], frozen[name]
    layers = [node.name for node in graph.values() if node.op in ("Relu", "Relu6", "AddV2", "Squeeze")]
    imported = graphdef.import_graph(graphdef.to_message(graph))
    with tf_v1.session(imported) as running:
        image = made_input(entry.preprocessing, entry.side, 1)
        tensors = running.run([f"{layer}:0" for layer in layers], {"input:0": image})
    tiny = np.finfo(np.float32).tiny
    for layer, tensor in zip(layers, tensors, strict=True):
        assert np.isfinite(tensor).all(), layer
        assert 0.05 < tensor.std() < 20, layer
        assert np.count_nonzero(tensor) > 0.1 * tensor.size, layer
        assert not ((tensor != 0) & (np.abs(tensor) < tiny)).any(), layer


def test_seeded_predictions_are_spread_over_classes(frozen: dict[str, Any]) -> None:
    graphdef, tf_v1 = (import_module(f"lab.zoo.tensorflow.{module}") for module in ("graphdef", "tf_v1"))
    name = "mobilenet_v1_0.25_128"
    entry = ENTRIES[name]
    with tf_v1.session(graphdef.import_graph(graphdef.to_message(frozen[name]))) as running:
        images = made_input(entry.preprocessing, entry.side, 3)
        logits = running.run("MobilenetV1/Logits/SpatialSqueeze:0", {"input:0": images})
    assert 1 < logits.std() < 5
    assert np.corrcoef(logits)[0, 1] < 0.98, "different pictures must give different logits"


def test_there_is_an_entry_for_each_model_of_the_paper() -> None:
    assert tuple(ENTRIES) == PAPER_MODELS
