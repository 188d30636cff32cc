"""`lab compare`: two campaigns, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.alone import Wait
from lab.cli.engines import EngineName, EngineOption
from lab.cli.options import Json, Results
from lab.cli.output import note, say, say_json
from lab.cli.wiring import lab_of
from lab.core.errors import EXIT_NEGATIVE
from lab.core.units import parse_fraction
from lab.disk.paths import RESULTS
from lab.disk.whole import write_whole
from lab.report.compare.case_changes import COMPARED, DEFAULT_QUANTITIES
from lab.report.compare.comparison import compare as compare_campaigns
from lab.report.compare.comparison_page import markdown as as_markdown
from lab.report.compare.comparison_page import text
from lab.report.compare.fingerprints import Basis
from lab.report.page.comparison import comparison_page
from lab.store.campaigns import resolve

Before = Annotated[str, typer.Argument(metavar="A", help="Campaign before: directory, name or `latest`.")]
After = Annotated[str, typer.Argument(metavar="B", help="Campaign after: directory, name or `latest`.")]


def compare(
    context: typer.Context,
    before: Before,
    after: After,
    margin: Annotated[str, typer.Option(help="Smallest difference that matters.")] = "2%",
    quantity: Annotated[
        list[str], typer.Option(help=f"What to compare; may be given several times: {', '.join(COMPARED)}.")
    ] = list(DEFAULT_QUANTITIES),  # noqa: B006 - typer copies it
    basis: Annotated[
        Basis,
        typer.Option(help="Measured values, or overheads over native; auto: values if the machine is the same."),
    ] = Basis.AUTO,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write the comparison as a page that works offline."),
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="Measure fresh blocks of what seems worse, on both sides, before saying so."),
    ] = False,
    blocks: Annotated[int, typer.Option(help="With --confirm: fresh blocks of each case.", min=6)] = 10,
    engine: EngineOption = EngineName.CONTAINER,
    wait: Wait = False,
    json: Json = False,
    results: Results = RESULTS,
) -> None:
    """Say what changed from campaign A to B: bytes, fingerprints, then each case's ratio with a verdict.

    Writes nothing but the page, if asked for. Exit code 1 if something got worse by more than the margin or no longer
    works; with --confirm, if fresh blocks of both sides, measured by turns into results/confirmations/, show it, too.
    """
    directories = resolve(results, before), resolve(results, after)
    found = compare_campaigns(*directories, parse_fraction(margin), basis, tuple(quantity))
    if confirm:
        # imported here: comparing without measuring needs no engine
        from lab.cli.confirming import confirm as confirm_fresh  # noqa: PLC0415

        lab = lab_of(context)
        found = confirm_fresh(lab, found, directories, lab.engine(engine), blocks=blocks, results=results, wait=wait)
    if html is not None:
        write_whole(html, comparison_page(found).encode())
        note(f"page: {html}")
    if json:
        say_json(found.entry())
    else:
        say(as_markdown(found) if markdown else text(found))
    if found.worse:
        raise typer.Exit(EXIT_NEGATIVE)
