"""`lab doctor`: what this machine lacks, and how to get it."""

from __future__ import annotations

import typer

from lab.cli.options import Json
from lab.cli.output import say, say_json, say_table
from lab.cli.wiring import lab_of
from lab.core.errors import EXIT_NEGATIVE
from lab.verify.machine import examine
from lab.verify.measuring_checks import fitness


def doctor(context: typer.Context, json: Json = False) -> None:
    """Say what is missing on this machine and how to get it. Writes nothing. Exit code 1 if a need is not met.

    The last line says whether the machine is fit for measuring, and if not, what to turn on or off.
    """
    findings = examine(lab_of(context).home)
    if json:
        say_json(findings)
    else:
        rows = [
            (_mark(finding.ok, finding.needed), finding.name, finding.found, finding.remedy) for finding in findings
        ]
        say_table(rows, ("", "what", "found", "remedy"))
        say(f"\n{fitness(findings)}")
    if any(finding.needed and not finding.ok for finding in findings):
        raise typer.Exit(EXIT_NEGATIVE)


def _mark(ok: bool, needed: bool) -> str:
    return "ok" if ok else "MISSING" if needed else "note"
