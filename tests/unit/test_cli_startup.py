"""What the command line imports: a command answers at once if it imports only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from lab.cli.app import app
from lab.cli.lazy import COMMANDS

ROOT = Path(__file__).parents[2]
HEAVY = (
    *("numpy", "scipy", "pandas", "matplotlib", "statsmodels", "pyarrow"),
    *("docker", "rich", "PIL", "pooch", "rocrate", "cyclonedx"),
)
JUDGING = ("scipy.stats", "pandas", "matplotlib", "statsmodels", "pyarrow", "diptest")


def imported_by(statement: str, candidates: tuple[str, ...]) -> list[str]:
    """Which of these modules a fresh interpreter holds after a statement."""
    code = f"import sys\n{statement}\nprint(*(name for name in {candidates!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[-2].split()


def test_the_help_and_the_version_import_no_library_that_measures_or_judges() -> None:
    for option in ("--help", "--version"):
        statement = f"from lab.cli.app import app\ntry:\n    app([{option!r}])\nexcept SystemExit:\n    pass"
        assert imported_by(statement, HEAVY) == [], option


@pytest.mark.parametrize("command", ["doctor", "runtimes", "plan", "run", "build", "models"])
def test_a_command_that_measures_imports_nothing_that_judges(command: str) -> None:
    assert imported_by(f"import lab.cli.commands.{command}", JUDGING) == []


@pytest.mark.parametrize("command", ["claims", "compare", "export"])
def test_a_command_that_draws_nothing_imports_no_plots(command: str) -> None:
    assert imported_by(f"import lab.cli.commands.{command}", ("matplotlib", "PIL", "pandas", "rocrate")) == []


def run_alone(tmp_path: Path, *words: str) -> list[str]:
    """Which heavy modules a whole command has imported by its end, on a machine that holds nothing of the lab's."""
    statement = (
        f"import os\nos.environ |= {{'LAB_HOME': {str(tmp_path)!r}, 'DOCKER_HOST': 'unix://{tmp_path}/none'}}\n"
        f"os.chdir({str(tmp_path)!r})\n"
        f"from lab.cli.app import app\ntry:\n    app({list(words)!r})\n"
        f"except SystemExit as leaving:\n    assert not leaving.code"
    )
    return imported_by(statement, HEAVY)


def test_a_plan_without_an_earlier_campaign_imports_no_library_that_computes(tmp_path: Path) -> None:
    assert run_alone(tmp_path, "plan", str(ROOT / "experiments" / "paper.toml"), "--tier", "smoke") == []


def test_the_list_of_arms_imports_the_engines_client_and_nothing_else(tmp_path: Path) -> None:
    assert run_alone(tmp_path, "runtimes") == ["docker"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says_of_itself(name: str) -> None:
    group = get_command(app)
    command = group.get_command(typer.Context(group), name)  # type: ignore[attr-defined]
    assert (command.help or "").splitlines()[0].startswith(COMMANDS[name].rstrip(".")), command.help
