"""Real weights on real images, if the test data are there: what other implementations answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.core.errors import ModelError
from lab.zoo.importing import import_graph, import_yunet_onnx
from tests.network_outputs import split, top
from tests.yunet_decode import faces

DATA = Path(__file__).parents[3] / "shared" / "data"
GRAPH = DATA / "mobilenet_v1_0.25_128_frozen.pb"
ONNX = DATA / "yunet_n_320_320.onnx"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not GRAPH.exists():
        pytest.skip(f"{DATA} is not there: real weights cannot be checked")
    return tmp_path_factory.mktemp("home")


def test_googles_graph_sees_an_egyptian_cat_and_a_bow_tie(home: Path, tmp_path: Path) -> None:
    for name in ("coral_cat.bmp", "grace_hopper.jpg"):
        (tmp_path / name).symlink_to(DATA / name)
    model = import_graph(GRAPH, "google", (1, 128, 128, 3), home, images=tmp_path, crop=1.0, batches=(2,))
    predictions = split(model, model.input_for(2).reference_path.read_bytes(), 2)["MobilenetV1/Predictions/Reshape_1"]
    labels = (DATA / "imagenet_slim_labels.txt").read_text().splitlines()
    (cat, cat_share), (tie, tie_share) = (top(image)[0] for image in predictions)
    assert (labels[cat], labels[tie]) == ("Egyptian cat", "bow tie")
    assert (cat_share, tie_share) == pytest.approx((0.641, 0.309), abs=1e-3)
    assert (model.parameters, model.conv_layers) == (470_329, 28), "the same counts as our own graph of this network"


def test_yunets_published_weights_find_one_face_in_the_portrait(home: Path) -> None:
    model = import_yunet_onnx(ONNX, home, batches=(1,), images=DATA / "grace_hopper.jpg")
    assert (model.weights, model.parameters) == ("pretrained", 75_856)
    outputs = split(model, model.input_for(1).reference_path.read_bytes(), 1)
    [face] = faces({node: tensor[0] for node, tensor in outputs.items()})
    left, top_, right, bottom = face.box
    assert face.score > 0.9
    assert all(left < x < right and top_ < y < bottom for x, y in face.landmarks)


def test_another_onnx_file_is_not_taken_for_yunet(home: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "yunet.onnx"
    damaged.write_bytes(ONNX.read_bytes()[:-1])
    with pytest.raises(ModelError, match="not the published"):
        import_yunet_onnx(damaged, home)
