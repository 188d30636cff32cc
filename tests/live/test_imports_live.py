"""Foreign graphs are read in containers: with the bytes of a process, and without its reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.builds.confined_workers import ConfinedWorkers
from lab.builds.images.labels import ImageInfo
from lab.core.errors import ModelError
from lab.core.model import Model
from lab.zoo.importing import import_graph
from lab.zoo.worker import on_host
from tests.command import lab

pytestmark = pytest.mark.live

SHAPE = (1, 128, 128, 3)


def test_a_graph_read_in_a_container_becomes_the_model_that_a_process_makes_of_it(
    native_image: ImageInfo, small_model: Model, tmp_path: Path
) -> None:
    made = [
        import_graph(small_model.graph_path, "mine", SHAPE, tmp_path / name, launch=launch)
        for name, launch in (("process", on_host), ("container", ConfinedWorkers(native_image.image_id)))
    ]
    process, container = made
    assert container.graph_sha256 == process.graph_sha256
    for batch in (1, 3):
        mine, theirs = process.input_for(batch), container.input_for(batch)
        assert theirs.reference_path.read_bytes() == mine.reference_path.read_bytes()
    assert [path.name for path in (tmp_path / "container" / "models").iterdir()] == ["mine-imported"]


def test_the_command_imports_in_a_container_and_names_the_file_that_it_cannot_read(
    native_image: ImageInfo, small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    ran = lab("models", "import", small_model.graph_path, "--as", "mine", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["parameters"] == small_model.parameters
    cut = tmp_path / "cut.pb"
    cut.write_bytes(b"\x0a\x64abc")
    refused = lab("models", "import", cut, "--input-shape", "1,128,128,3")
    assert refused.code == 4
    assert "cut.pb" in refused.error[0]
    assert "no whole GraphDef" in refused.error[0]


def test_a_worker_that_takes_too_much_time_or_memory_is_an_error_that_says_so(
    native_image: ImageInfo, small_model: Model, tmp_path: Path
) -> None:
    hasty = ConfinedWorkers(native_image.image_id, timeout_s=1.0)
    small = ConfinedWorkers(native_image.image_id, memory_bytes=128 << 20)
    for launch, why in ((hasty, "took more than 1"), (small, "needs more memory than 128")):
        with pytest.raises(ModelError, match=why):
            import_graph(small_model.graph_path, "mine", SHAPE, tmp_path, launch=launch)
    assert not list((tmp_path / "models").iterdir())
