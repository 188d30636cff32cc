"""`lab export`: the raw numbers, one row a trial."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Campaign, Results
from lab.cli.output import note
from lab.disk.paths import RESULTS
from lab.store.campaigns import LATEST, resolve
from lab.store.export import Format
from lab.store.export import export as write_export


def export(
    campaign: Campaign = LATEST,
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: trials.FORMAT in the campaign.")
    ] = None,
    results: Results = RESULTS,
) -> None:
    """Write every trial of a campaign as one row, each quantity with its unit in its name (docs/results.md)."""
    directory = resolve(results, campaign)
    destination = output or directory / f"trials.{format_}"
    count = write_export(directory, format_, destination)
    note(f"{count} trials written to {destination}")
