"""Real weights on real images, in containers: what Google's and YuNet's networks see, under every runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.builds.images.ensure import find_images
from lab.builds.images.labels import ImageInfo
from lab.campaign.goldens import decode_output
from lab.campaign.job import run_job
from lab.campaign.materials import Materials
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.experiment import Measure
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.engines.containers import ContainerEngine
from lab.zoo.importing import import_graph, import_yunet_onnx
from tests.network_outputs import Floats, split, top
from tests.yunet_decode import faces

pytestmark = pytest.mark.live

DATA = Path(__file__).parents[3] / "shared" / "data"
# An arm of each runtime that needs no minutes to start.
ARMS = (
    "native@o3",
    "wasmtime-jit-cranelift@o3",
    "wasmer-jit-singlepass@o3",
    "wasmedge-interpreter@o3",
    "wamr-interpreter-fast@o3",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not DATA.exists():
        pytest.skip(f"LEFT OUT: {DATA} is not there: real weights cannot be checked")
    return tmp_path_factory.mktemp("home")


def seen(
    arm: str, model: Model, batch: int, images: dict[str, ImageInfo], guests: dict[GuestId, GuestBuild]
) -> dict[str, Floats]:
    """The output tensors that a guest computed in a container."""
    here = {**find_images(), **images}
    parsed = Arm.parse(arm)
    if parsed.runtime not in here:
        pytest.skip(f"LEFT OUT: the image of {parsed.runtime} is not built; `lab build {parsed.runtime}` does it")
    materials = Materials(here, guests, {model.name: model})
    case, limits = Case(parsed, model.name, batch), Measure(timeout="5m").limits
    job = run_job(case, materials, limits, campaign="known-answers", iterations=1, return_output=True)
    report = ContainerEngine().run(job).report
    assert report is not None
    assert report.exit_code == 0, report.stderr_tail
    return split(model, decode_output(report.output_base64 or "") or b"", batch)


@pytest.fixture(scope="module")
def google(home: Path) -> Model:
    """Google's MobileNet V1 of 2017, looking at a cat and at a portrait."""
    pictures = home / "pictures"
    pictures.mkdir()
    for name in ("coral_cat.bmp", "grace_hopper.jpg"):
        (pictures / name).symlink_to(DATA / name)
    graph = DATA / "mobilenet_v1_0.25_128_frozen.pb"
    return import_graph(graph, "google", (1, 128, 128, 3), home, images=pictures, crop=1.0, batches=(2,))


@pytest.mark.parametrize("arm", ARMS)
def test_googles_graph_sees_an_egyptian_cat_and_a_bow_tie(
    arm: str, google: Model, images: dict[str, ImageInfo], guests: dict[GuestId, GuestBuild]
) -> None:
    predictions = seen(arm, google, 2, images, guests)["MobilenetV1/Predictions/Reshape_1"]
    labels = (DATA / "imagenet_slim_labels.txt").read_text().splitlines()
    (cat, cat_share), (tie, tie_share) = (top(image)[0] for image in predictions)
    assert (labels[cat], labels[tie]) == ("Egyptian cat", "bow tie")
    assert (cat_share, tie_share) == pytest.approx((0.641, 0.309), abs=1e-3)


@pytest.mark.parametrize("arm", ["native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3"])
def test_yunets_real_weights_find_one_face_in_the_portrait(
    arm: str, home: Path, images: dict[str, ImageInfo], guests: dict[GuestId, GuestBuild]
) -> None:
    portrait = DATA / "grace_hopper.jpg"
    model = import_yunet_onnx(DATA / "yunet_n_320_320.onnx", home, batches=(1,), images=portrait)
    outputs = seen(arm, model, 1, images, guests)
    [face] = faces({node: tensor[0] for node, tensor in outputs.items()})
    assert face.score > 0.9
