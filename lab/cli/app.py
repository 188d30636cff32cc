"""The command line: parses, wires, prints. Every command's work is done by the layers below."""

from __future__ import annotations

import errno
import signal
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from lab import __version__
from lab.cli.lazy import LazyGroup
from lab.cli.output import say
from lab.cli.wiring import Lab
from lab.core.errors import EXIT_INTERRUPTED, LabError, NoSpace, UsageError
from lab.core.plain_text import printable_line

HELP = """What does WebAssembly cost, and give, for neural-network inference on edge devices?

Exit codes: 0 done, 1 a negative answer, 2 usage, 3-13 see docs/errors.md, 130 interrupted (repeat to resume).
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


def _interrupt(number: int, _frame: object) -> None:
    """End as Ctrl-C does: nothing measured is lost, no container is left.

    Further signals of the kind change nothing: timeout(1) sends two, and the second must not cut the cleaning-up short.
    """
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    raise _Terminated(number)


class _Terminated(KeyboardInterrupt):
    """Another process asked this one to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


_FILE_PROBLEMS = {
    errno.EACCES: "use a directory that this user may write to",
    errno.EROFS: "use a directory that is not mounted read-only",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "name a path whose parents are directories",
    errno.ENOENT: "check the path",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "remove the links that lead to each other",
}
_FULL = {errno.ENOSPC, errno.EDQUOT}


def main(lab: Lab | None = None) -> None:
    """Entry point: turns every error that a user can do something about into two lines and an exit code of its own.

    Args:
        lab: what commands work with; that of this machine by default.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        app(obj=lab)
    except LabError as error:
        _complain(error)
        sys.exit(error.exit_code)
    except _Terminated as ended:
        typer.echo("\nasked to end; nothing measured is lost: the same command resumes", err=True)
        sys.exit(128 + ended.number)
    except OSError as error:
        if error.errno in _FILE_PROBLEMS and error.filename is not None:
            _complain(UsageError(f"{error.filename}: {error.strerror}", _FILE_PROBLEMS[error.errno]))
            sys.exit(UsageError.exit_code)
        if error.errno not in _FULL:
            _crash()
        full = NoSpace(f"no space left on {_disk_of(error)}", "free some; the same command resumes")
        _complain(full)
        sys.exit(full.exit_code)
    except SystemExit as leaving:  # typer turns Ctrl-C into this
        if leaving.code == EXIT_INTERRUPTED:
            typer.echo("\ninterrupted; nothing measured is lost: the same command resumes", err=True)
        raise
    except Exception:
        _crash()


def _crash() -> NoReturn:
    """An error nobody thought of: its traceback, and an exit code that no answer has."""
    traceback.print_exc()
    typer.echo("error: this is a defect of the lab\n  hint: please report it with the lines above", err=True)
    sys.exit(LabError.exit_code)


def _disk_of(error: OSError) -> str:
    """Writing to an open file fails without its name."""
    if error.filename is None:
        return "a disk that is written to: that of results, of LAB_HOME or of temporary files"
    return f"the disk of {error.filename}"


def _complain(error: LabError) -> None:
    typer.echo(f"error: {printable_line(error.message)}\n  hint: {printable_line(error.remedy)}", err=True)
