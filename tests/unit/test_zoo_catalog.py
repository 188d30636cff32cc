"""Preparing models: what is made, what is not made twice, what is refused before anything is made."""

from __future__ import annotations

import ast
import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.core.errors import DataError, ModelError, NoSpace, SupplyError, UsageError
from lab.core.model import Model
from lab.zoo import published_weights
from lab.zoo.catalog import available, disk_bytes, load, prepare
from lab.zoo.importing import import_graph
from lab.zoo.model_directory import META_FILE
from lab.zoo.model_rebuild import rebuild
from lab.zoo.published_weights import MIRROR_VARIABLE, PublishedWeights
from lab.zoo.recipe import GENERATOR, ModelRecipe, Pictures
from tests.network_outputs import split, top

ROOT = Path(__file__).parents[2]
SMALL = "mobilenet_v1_0.25_128"
NOWHERE = "http://127.0.0.1:9"

SLIMS_CHECKPOINT = """
import sys
from pathlib import Path
from lab.zoo.tensorflow.checkpoint import AVERAGE, seeded_weights
from lab.zoo.entries import ENTRIES
from lab.zoo.tensorflow.networks import build
from lab.zoo.tensorflow.tf_v1 import session, tf

name, prefix = sys.argv[1:]
weights = dict(seeded_weights(name, build(ENTRIES[name])))
with tf.Graph().as_default() as graph:
    saved = {}
    for variable, value in weights.items():
        saved[variable + AVERAGE] = tf.get_variable(variable + AVERAGE, initializer=value, use_resource=False)
        for other in (variable, variable + "/RMSProp", variable + "/RMSProp_1"):
            saved[other] = tf.get_variable(other, initializer=value * 0 + 9, use_resource=False)
    step = tf.constant(4000000, tf.int64)
    saved["global_step"] = tf.get_variable("global_step", initializer=step, use_resource=False)
    with session(graph) as running:
        running.run(tf.global_variables_initializer())
        tf.train.Saver(saved).save(running, prefix)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def prepared(home: Path) -> dict[str, Model]:
    return prepare([SMALL, "yunet"], home)


def test_a_prepared_model_says_what_is_in_its_files(prepared: dict[str, Model], home: Path) -> None:
    model = prepared[SMALL]
    assert load(SMALL, home) == model
    assert hashlib.sha256(model.graph_path.read_bytes()).hexdigest() == model.graph_sha256
    for entry in model.inputs:
        assert hashlib.sha256(entry.input_path.read_bytes()).hexdigest() == entry.input_sha256
        assert entry.input_path.stat().st_size == 4 * int(np.prod(entry.shape))
    assert [entry.shape for entry in model.inputs] == [(1, 128, 128, 3), (3, 128, 128, 3)]
    assert not list((home / "models").glob(".*")), "nothing is left of the making"


def test_the_first_of_three_images_gives_what_it_gives_alone(prepared: dict[str, Model]) -> None:
    for model in prepared.values():
        alone, three = (split(model, model.input_for(batch).reference_path.read_bytes(), batch) for batch in (1, 3))
        for output in model.outputs:
            np.testing.assert_allclose(three[output.node][0], alone[output.node][0], rtol=1e-3, atol=1e-4)


def test_predictions_are_the_softmax_of_the_logits(prepared: dict[str, Model]) -> None:
    model = prepared[SMALL]
    logits, predictions = split(model, model.input_for(3).reference_path.read_bytes(), 3).values()
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(predictions, exponents / exponents.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-7)


def test_nothing_is_made_twice(prepared: dict[str, Model], home: Path) -> None:
    heard: list[tuple[str, str]] = []
    assert prepare([SMALL, "yunet"], home, progress=lambda *said: heard.append(said)) == prepared
    assert heard == []
    assert disk_bytes([SMALL], home) == 0


def test_a_model_made_again_elsewhere_has_the_same_bytes(prepared: dict[str, Model], tmp_path: Path) -> None:
    model = prepared[SMALL]
    assert rebuild(SMALL, tmp_path / "elsewhere") == {
        "graph.pb": model.graph_sha256,
        **{f"input.b{entry.batch}.f32": entry.input_sha256 for entry in model.inputs},
    }


def test_slims_checkpoint_is_evaluated_with_its_moving_averages(
    prepared: dict[str, Model], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = tmp_path / "slim" / f"{SMALL}.ckpt"
    prefix.parent.mkdir()
    subprocess.run(
        [sys.executable, "-c", SLIMS_CHECKPOINT, SMALL, str(prefix)], check=True, cwd=ROOT, capture_output=True
    )
    archive = home / "downloads" / f"{SMALL}.tgz"
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(prefix.parent, arcname=".")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(
        published_weights.SUPPLIES, SMALL, PublishedWeights(f"{NOWHERE}/{SMALL}.tgz", f"sha256:{sha256}")
    )
    model = prepare([SMALL], home, "pretrained", batches=(1,))[SMALL]
    # the averages hold the seeded weights, the plain variables nothing of use
    assert model.graph_sha256 == prepared[SMALL].graph_sha256
    assert model.weights == "pretrained"
    assert load(SMALL, home, "auto") == model


def test_weights_are_seeded_where_no_host_answers(
    prepared: dict[str, Model], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, NOWHERE)
    heard: list[str] = []
    assert prepare(["yunet"], home, "auto", progress=lambda _, stage: heard.append(stage))["yunet"].weights == "seeded"
    assert "no host answers: seeded weights instead" in heard
    with pytest.raises(SupplyError, match="does not answer"):
        prepare(["yunet"], home, "pretrained")


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(NoSpace) as refusal:
        prepare(["vgg_16"], tmp_path)
    assert refusal.value.remedy
    assert not (tmp_path / "models").exists()


def test_unknown_models_and_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'resnet'"):
        prepare(["resnet"], tmp_path)
    with pytest.raises(UsageError, match="'random' are no weights"):
        prepare([SMALL], tmp_path, "random")
    assert load(SMALL, tmp_path) is None
    assert load("resnet", tmp_path) is None


def test_damaged_metadata_is_refused_with_its_remedy(prepared: dict[str, Model], home: Path, tmp_path: Path) -> None:
    directory = ModelRecipe("yunet", "seeded", Pictures()).directory(tmp_path)
    shutil.copytree(prepared["yunet"].graph_path.parent, directory)
    assert load("yunet", tmp_path) is not None, "a model's directory may be copied"
    (directory / META_FILE).write_text("{")
    with pytest.raises(DataError) as refusal:
        load("yunet", tmp_path)
    assert str(directory) in refusal.value.remedy


def test_an_imported_graph_is_a_model_like_any_other(prepared: dict[str, Model], home: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "one.png"
    photo.parent.mkdir()
    Image.fromarray(np.full((90, 120, 3), 200, np.uint8)).save(photo)
    source = prepared[SMALL].graph_path
    logits = "MobilenetV1/Logits/SpatialSqueeze"
    model = import_graph(source, "mine", (1, 128, 128, 3), home, [logits], images=photo.parent, batches=(1, 2))
    assert load("mine", home) == model == prepare(["mine"], home)["mine"]
    assert model in available(home)
    assert (model.weights, model.parameters) == ("imported", prepared[SMALL].parameters)
    one, same = split(model, model.input_for(2).reference_path.read_bytes(), 2)[logits]
    assert top(one)[0][0] == top(same)[0][0]


def test_names_shapes_and_paths_of_imports_are_checked_first(home: Path, tmp_path: Path) -> None:
    there = tmp_path / "g.pb"
    there.write_bytes(b"\x0a")
    for path, name, shape, message in (
        (there, SMALL, (1, 128, 128, 3), "one of the paper's models"),
        (there, "../up", (1, 128, 128, 3), "no name for a model"),
        (there, "mine", (1, 128, 128), "not the shape"),
        (there, "mine", (1, 128, 128, 0), "not the shape"),
        (tmp_path / "none.pb", "mine", (1, 128, 128, 3), "no file"),
        (there, "mine", (1, 128, 128, 3), "no whole GraphDef"),
    ):
        with pytest.raises(ModelError, match=message):
            import_graph(path, name, shape, home)


def test_every_module_that_makes_bytes_is_in_the_key() -> None:
    plumbing = {"counts", "model_directory", "worker", "published_weights", "recipe"}
    plumbing |= {"tensorflow/build_worker", "tensorflow/tf_v1"}
    reached, waiting = set(), ["tensorflow/build_worker", "recipe"]
    while waiting:
        module = waiting.pop()
        if module in reached or not (ROOT / "lab" / "zoo" / f"{module}.py").exists():
            continue
        reached.add(module)
        tree = ast.parse((ROOT / "lab" / "zoo" / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lab.zoo"):
                package = str(node.module).removeprefix("lab.zoo").removeprefix(".").replace(".", "/")
                waiting += [package, *(f"{package}/{alias.name}".strip("/") for alias in node.names)]
    assert reached - plumbing == set(GENERATOR)
