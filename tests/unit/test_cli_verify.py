"""`lab verify`: what it says while it works."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.core.errors import EXIT_INTERRUPTED
from tests.command import lab
from tests.fakes import FakeLab, make_materials
from tests.imported import import_made_up


class Interrupted(FakeLab):
    """A lab whose user presses Ctrl-C when guests are verified and images would be next."""

    def find_guests(self, edition: str) -> dict[tuple[str, str], object]:  # type: ignore[override]
        return {}

    def find_images(self, edition: str) -> dict[str, object]:  # type: ignore[override]
        raise KeyboardInterrupt


def test_a_rebuild_is_reported_at_once_and_not_lost_when_the_rest_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    import_made_up(tmp_path, ("tiny",))
    ran = lab("verify", "--results", tmp_path, on=Interrupted(make_materials(tmp_path / "materials")))
    assert ran.code == EXIT_INTERRUPTED
    assert "model tiny" in ran.err
    assert "100%" in ran.err
