"""A command group that imports a command's module only when that command is called.

The commands of this program import, between them, numpy, SciPy, Matplotlib and the Docker SDK. Importing all of them
takes seconds, which neither ``lab --help`` nor a command that needs none of them should pay.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = {
    "doctor": "Say what is missing on this machine and how to get it.",
    "tune": "Show which settings of the kernel disturb measurements, and what they should be.",
    "models": "List, freeze and import models.",
    "build": "Build images and guests that are not here yet.",
    "runtimes": "List every arm with its runtime's version and supply.",
    "plan": "Show cases, estimated time, disk and memory of a tier.",
    "run": "Measure an experiment and report it.",
    "worker": "Measure for a campaign that another machine runs.",
    "bench": "Measure a model under every runtime that is here, and say which to use.",
    "report": "Print a campaign's tables, and write report/ in its directory.",
    "serve": "Show a campaign in the browser while it runs.",
    "export": "Write every trial of a campaign as one row.",
    "pack": "Write a campaign as one archive: manifest, trials, report, and a list of their checksums.",
    "unpack": "Unpack a campaign, once every file is what the archive's list of checksums says.",
    "claims": "Compare the paper's claims with a campaign.",
    "compare": "Say what changed from campaign A to B.",
    "trend": "Show one quantity of every case through campaigns.",
    "limits": "Show under which memory limit each case still runs.",
    "verify": "Compare models, guests, images, outputs, trials and the report with lab.lock.",
    "provenance": "Say what images and guests are made of, for others to check.",
    "count": "Count instructions of native guests, and the fuel of wasm guests.",
    "calibrate": "Compare an arm with itself, and with an injected slowdown.",
}
"""What ``lab --help`` says of each command.

The command ``NAME`` is the function, or the group, `lab.cli.commands.NAME.NAME`.
"""


class LazyGroup(TyperGroup):
    """The program's commands, each imported when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the interface of a group
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of that name, its module imported now; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"lab.cli.commands.{cmd_name}"), cmd_name)
        holder = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(command, typer.Typer):
            holder.add_typer(command, name=cmd_name)
        else:
            holder.command(cmd_name)(command)
        return get_group(holder).commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The list of commands in the help, made without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
