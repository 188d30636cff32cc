from __future__ import annotations

from pathlib import Path

import pytest

from lab.disk.paths import home
from tests.fakes import make_models


def test_a_model_gives_its_input_by_batch(tmp_path: Path) -> None:
    model = make_models(tmp_path)["tiny"]
    assert model.input_for(3).shape[0] == 3
    with pytest.raises(KeyError, match="tiny has no input of batch 2"):
        model.input_for(2)


def test_caches_live_where_lab_home_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("LAB_HOME")
    assert home().name == "wasm-edge-lab"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", "here")
    assert home() == tmp_path / "here", "containers mount absolute paths only"
