"""Every command says in its help what it does, what it writes, and what each option is for."""

from __future__ import annotations

import re

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from lab import __version__
from lab.cli.app import app

Words = tuple[str, ...]


def commands(group: object, before: Words = ()) -> dict[Words, object]:
    """Every command there is, by the words that call it."""
    found: dict[Words, object] = {}
    if not isinstance(group, TyperGroup):
        return found
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found[(*before, name)] = command
        found |= commands(command, (*before, name))
    return found


ALL = commands(typer.main.get_command(app))


def help_of(words: Words) -> str:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    return re.sub(r"\s+", " ", result.stdout)


def test_every_command_that_the_readers_are_promised_is_there() -> None:
    promised = ("doctor", "models", "build", "plan", "run", "report", "compare", "verify", "calibrate", "export")
    assert {(name,) for name in (*promised, "claims", "runtimes")} <= set(ALL)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_says_what_is_written_and_where(words: Words) -> None:
    text = help_of(words)
    written = re.search(r"[Ww]rites? (nothing|below|into|results/|every trial|report/|images|lab\.lock)|Commands", text)
    assert written, text


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_option_says_what_it_is_for(words: Words) -> None:
    options = [
        option for option in getattr(ALL[words], "params", []) if getattr(option, "opts", [""])[0].startswith("-")
    ]
    assert [option.name for option in options if not option.help] == []


def test_the_program_alone_shows_its_commands() -> None:
    result = CliRunner().invoke(app, [])
    assert all(f" {words[0]} " in result.output for words in ALL if len(words) == 1)


def test_the_exit_codes_are_in_the_programs_help() -> None:
    assert "130 interrupted" in help_of(())


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"lab {__version__}\n"
