"""`lab export`: the raw numbers, one row a trial; a timeline; or the whole campaign as a research object."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Campaign, Results
from lab.cli.output import note
from lab.cli.wiring import lab_of
from lab.core.errors import UsageError
from lab.disk.paths import RESULTS
from lab.store.campaigns import LATEST, resolve
from lab.store.export import Format
from lab.store.export import export as write_export
from lab.store.trace import export_trace


class ExportFormat(StrEnum):
    """What `lab export` writes: a table in one of three formats, a timeline, a page, or a research object."""

    CSV = Format.CSV.value
    PARQUET = Format.PARQUET.value
    JSON = Format.JSON.value
    TRACE = "trace"
    EXPLORE = "explore"
    ROCRATE = "rocrate"


def export(
    context: typer.Context,
    campaign: Campaign = LATEST,
    format_: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.CSV,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; default: trials.FORMAT, trace.json, explore.html or NAME.crate.zip in the campaign.",
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Terms under which a rocrate may be used, as a URL or in words.")
    ] = None,
    results: Results = RESULTS,
) -> None:
    """Write every trial of a campaign as one row, each quantity with its unit in its name (docs/results.md).

    Format trace writes campaign, trials and phases as a timeline: open it at ui.perfetto.dev, or in chrome://tracing.
    Format explore writes a page on which any two quantities of every trial are plotted, for any choice of cases.
    Format rocrate writes the whole campaign, report included, as a Workflow Run Crate (docs/provenance.md).
    """
    directory = resolve(results, campaign)
    if format_ is ExportFormat.ROCRATE:
        destination = output or directory / f"{directory.name}.crate.zip"
        note(f"{lab_of(context).export_crate(directory, destination, licence)} files described in {destination}")
        return
    if licence is not None:
        raise UsageError(f"a {format_} file has no place for a licence", "use --format rocrate, or leave --licence out")
    if format_ is ExportFormat.TRACE:
        destination = output or directory / "trace.json"
        note(f"{export_trace(directory, destination)} trials written to {destination}: open it at ui.perfetto.dev")
        return
    if format_ is ExportFormat.EXPLORE:
        destination = output or directory / "explore.html"
        note(f"{lab_of(context).export_explore(directory, destination)} trials written to {destination}")
        return
    destination = output or directory / f"trials.{format_}"
    note(f"{write_export(directory, Format(format_), destination)} trials written to {destination}")
