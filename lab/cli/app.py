"""The command line: parses, wires, prints. Every command's work is done by the layers below."""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from lab import __version__
from lab.cli.lazy import LazyGroup
from lab.cli.output import say
from lab.core.errors import EXIT_INTERRUPTED, LabError, NoSpace

HELP = """What does WebAssembly cost, and give, for neural-network inference on edge devices?

Exit codes: 0 done, 1 a negative answer, 2 usage, 3-12 see docs/errors.md, 130 interrupted (repeat to resume).
"""

app = typer.Typer(
    cls=LazyGroup,
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"lab {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Entry point: turns every foreseen error into two lines and an exit code of its own."""
    try:
        app()
    except LabError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        full = NoSpace(f"no space left on {_disk_of(error)}", "free some; the same command resumes")
        _complain(full)
        sys.exit(full.exit_code)
    except SystemExit as leaving:  # typer turns Ctrl-C into this
        if leaving.code == EXIT_INTERRUPTED:
            typer.echo("\ninterrupted; nothing measured is lost: the same command resumes", err=True)
        raise


def _disk_of(error: OSError) -> str:
    """Writing to an open file fails without its name."""
    if error.filename is None:
        return "a disk that is written to: that of results, of LAB_HOME or of temporary files"
    return f"the disk of {error.filename}"


def _complain(error: LabError) -> None:
    typer.echo(f"error: {error.message}\n  hint: {error.remedy}", err=True)
