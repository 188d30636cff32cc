"""Options that messages and documents name exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from lab.cli.app import app

ROOT = Path(__file__).parents[2]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# Command lines of other programs: what runtimes, compilers and tools are called with.
OTHERS = {
    "lab/runtimes": "the runtimes' own command lines",
    "lab/builds": "apt, cargo, docker and mmdebstrap",
    "lab/campaign/job.py": "the guest's command line",
    "lab/count/jobs.py": "valgrind and strace",
    "lab/cluster/batch.py": "sbatch and kubectl",
    "lab/engines": "the probe's command line",
    "lab/verify": "apt and the lab",
}


def options_of(command: object) -> set[str]:
    """Every option of a command and of the commands below it."""
    found = {word for parameter in getattr(command, "params", ()) for word in getattr(parameter, "opts", ())}
    if isinstance(command, TyperGroup):
        context = typer.Context(command)
        for name in command.list_commands(context):
            found |= options_of(command.get_command(context, name))
    return found


KNOWN = options_of(get_command(app)) | {"--help"}


def strings_of(path: Path) -> list[str]:
    """Every string of a module, docstrings included."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


MODULES = [
    path
    for path in sorted((ROOT / "lab").rglob("*.py"))
    if not any(str(path.relative_to(ROOT)).startswith(place) for place in OTHERS)
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_options_named_in_messages_exist(path: Path) -> None:
    named = {option for text in strings_of(path) for option in OPTION.findall(text)}
    assert named <= KNOWN


def test_the_option_that_gives_an_input_its_shape_is_called_so_in_the_documents() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    named = {word for line in text.splitlines() if "lab models" in line for word in OPTION.findall(line)}
    assert named <= KNOWN
