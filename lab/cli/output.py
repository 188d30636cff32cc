"""Printing: results go to stdout, everything about their making to stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import typer
from tabulate import tabulate

from lab.core.plain_text import json_text, printable


def say(text: str) -> None:
    """A line of the answer."""
    typer.echo(printable(text))


def note(text: str) -> None:
    """A line about what is being done."""
    typer.echo(printable(text), err=True)


def say_json(value: object) -> None:
    """The answer for a script: one JSON document, two spaces deep; paths become strings."""
    typer.echo(json_text(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()))


def say_table(rows: Iterable[Sequence[object]], headers: Sequence[str]) -> None:
    """The answer for a person; what is missing stays blank."""
    say(tabulate(rows, headers=headers, tablefmt="simple", missingval="", disable_numparse=True))
