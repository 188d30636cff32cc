"""Models that several labs share, and files of models that were changed since."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import msgspec
import pytest

from lab.core.errors import DataError
from lab.disk.locks import lock
from lab.zoo.catalog import MAKING, prepare
from lab.zoo.checks import check_intact
from lab.zoo.model_directory import Meta, find_model, read_meta, write_meta
from lab.zoo.recipe import ModelRecipe, Pictures
from lab.zoo.staging import staging
from tests.damage import change_a_byte
from tests.fakes import make_models
from tests.imported import import_made_up

PATIENCE_S = 60.0


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    import_made_up(tmp_path / "home", ("tiny",))
    return tmp_path / "home" / "models" / "tiny-imported"


def meta_of(directory: Path) -> Meta:
    meta = read_meta(directory)
    assert meta is not None
    return meta


def test_models_are_made_by_one_lab_at_a_time_and_not_again_by_the_next(directory: Path, tmp_path: Path) -> None:
    home, heard, waits = tmp_path / "home", list[str](), threading.Event()

    def listen(_item: str, message: str) -> None:
        heard.append(message)
        waits.set()

    with lock(MAKING, directory=home):
        second = threading.Thread(target=prepare, args=(["yunet"], home, "seeded", (1, 3), listen))
        second.start()
        assert waits.wait(PATIENCE_S)
        assert heard == ["waiting: another lab makes models"]
        # what the first lab has made meanwhile; with TensorFlow it would take half a minute
        shutil.copytree(directory, ModelRecipe("yunet", "seeded", Pictures()).directory(home))
    second.join(PATIENCE_S)
    assert not second.is_alive()
    assert heard == ["waiting: another lab makes models"], "nothing was made"


def test_what_another_lab_is_making_is_not_taken_for_a_leftover(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    killed = tmp_path / "models" / ".foo.killed.part"
    killed.mkdir()
    with staging(tmp_path, "one") as first:
        (first / "graph.pb").write_bytes(b"half")
        with staging(tmp_path, "two"):
            assert (first / "graph.pb").read_bytes() == b"half"
    assert list((tmp_path / "models").iterdir()) == [], "what a killed lab left is gone, too"


@pytest.mark.parametrize("part", ["graph", "input", "reference"])
@pytest.mark.parametrize("damage", ["changed", "cut short", "missing"])
def test_a_model_whose_files_have_changed_is_refused_by_name(tmp_path: Path, part: str, damage: str) -> None:
    model = make_models(tmp_path, ("tiny",))["tiny"]
    check_intact([model])
    given = model.input_for(3)
    path = {"graph": model.graph_path, "input": given.input_path, "reference": given.reference_path}[part]
    if damage == "changed":
        change_a_byte(path)
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    with pytest.raises(DataError, match="is not what was made") as caught:
        check_intact([model])
    assert str(path) in caught.value.message
    assert str(path.parent) in caught.value.remedy


def test_a_reference_of_an_earlier_lab_is_accepted_unchecked(tmp_path: Path) -> None:
    model = make_models(tmp_path, ("tiny",))["tiny"]
    older = tuple(msgspec.structs.replace(given, reference_sha256=None) for given in model.inputs)
    change_a_byte(model.input_for(3).reference_path)
    check_intact([msgspec.structs.replace(model, inputs=older)])


@pytest.mark.parametrize("name", ["/etc/hostname", "../../secret", "sub/input.f32", "", ".."])
@pytest.mark.parametrize("field", ["file", "reference"])
def test_a_model_that_names_files_outside_its_directory_is_refused(directory: Path, field: str, name: str) -> None:
    meta = meta_of(directory)
    entry = msgspec.structs.replace(meta.inputs[0], **{field: name})
    write_meta(directory, msgspec.structs.replace(meta, inputs=(entry, *meta.inputs[1:])))
    with pytest.raises(DataError, match="not a file of its directory"):
        find_model(directory)
