"""`lab verify`: what it says while it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli.commands import verify
from lab.core.errors import EXIT_INTERRUPTED
from lab.verify.items import Item, Match
from tests.command import lab


def interrupted(*_: object, **__: object) -> Iterator[Item]:
    raise KeyboardInterrupt
    yield


def test_a_rebuild_is_reported_at_once_and_not_lost_when_the_rest_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setattr(verify, "find_guests", lambda _: {})
    monkeypatch.setattr(verify, "find_images", lambda _: {})
    known = Item("model tiny", Match.IDENTICAL, "in the lock and in two rebuilds")
    monkeypatch.setattr(verify, "check_models", lambda *_, **__: iter((known,)))
    monkeypatch.setattr(verify, "check_guests", interrupted)
    ran = lab("verify", "--results", str(tmp_path))
    assert ran.code == EXIT_INTERRUPTED
    assert "model tiny: 100% identical" in ran.err
