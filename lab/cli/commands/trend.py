"""`lab trend`: one quantity over many campaigns."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.options import Results
from lab.cli.output import say
from lab.core.units import parse_fraction
from lab.disk.paths import RESULTS
from lab.report.compare.case_changes import COMPARED
from lab.report.compare.trend import trend as follow
from lab.report.compare.trend import trend_tables
from lab.store.campaigns import resolve


def trend(
    campaigns: Annotated[list[str], typer.Argument(help="Campaigns: directories or names, in any order.")],
    quantity: Annotated[str, typer.Option(help=f"What to follow: {', '.join(COMPARED)}.")] = "single_total_ns",
    margin: Annotated[str, typer.Option(help="Smallest change that matters.")] = "2%",
    over_native: Annotated[
        bool, typer.Option("--over-native", help="Follow ratios to native: what campaigns of several machines share.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    results: Results = RESULTS,
) -> None:
    """Show one quantity of every case through campaigns, oldest first, with intervals and detected change points.

    Writes nothing. A change point is a campaign that is worse (▲) or better (▼) than those before it, since the last
    change, by more than the margin.
    """
    directories = [resolve(results, name) for name in campaigns]
    found = follow(directories, quantity, parse_fraction(margin), over_native=over_native)
    say("\n\n".join(table.markdown() if markdown else table.text() for table in trend_tables(found)))
    if not found.changes:
        say("\nNo change point.")
