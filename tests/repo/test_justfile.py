"""Recipes hand their arguments on as they were given."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

JUSTFILE = Path(__file__).resolve().parents[2] / "Justfile"
WORDS = ["models", "import", "my model.pb", "$(touch injected)", "; touch injected", "a'b"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that holds the Justfile, a `setup` that does nothing and a `lab` that prints its arguments."""
    if shutil.which("just") is None:
        pytest.skip("`just` is not installed")
    shutil.copy(JUSTFILE, tmp_path)
    for name, body in ((".venv/bin/lab", 'printf "%s\\n" "$@"'), ("scripts/setup", ":")):
        script = tmp_path / name
        script.parent.mkdir(parents=True)
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return tmp_path


def just(checkout: Path, *words: str) -> list[str]:
    done = subprocess.run(["just", *words], cwd=checkout, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_arguments_with_spaces_and_shell_characters_arrive_unchanged(checkout: Path) -> None:
    assert just(checkout, "lab", *WORDS) == WORDS
    assert not (checkout / "injected").exists()


def test_reproduce_turns_settings_into_options(checkout: Path) -> None:
    run = ["run", "experiments/paper.toml"]
    assert just(checkout, "reproduce") == [*run, "--tier=standard"]
    assert just(checkout, "reproduce", "smoke", "budget=2h", "--new") == [*run, "--tier=smoke", "--budget=2h", "--new"]
    assert just(checkout, "reproduce", "a; touch injected") == [*run, "--tier=a; touch injected"]
    assert not (checkout / "injected").exists()
