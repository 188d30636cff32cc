"""`lab report`: tables, figures and the page of a campaign, made from its files alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.browser import open_in_browser
from lab.cli.options import Campaign, Json, Results
from lab.cli.output import note, say, say_json
from lab.cli.wiring import lab_of
from lab.core.errors import NothingToReport, UsageError
from lab.disk.paths import RESULTS
from lab.report.over_hosts import render_over_hosts
from lab.report.render import render
from lab.store.campaigns import LATEST, resolve
from lab.store.spread import find_spread_directory, host_directories


def report(
    context: typer.Context,
    campaign: Campaign = LATEST,
    results: Results = RESULTS,
    short: Annotated[bool, typer.Option("--short", help="Print three sentences and one table of ratios only.")] = False,
    explore: Annotated[
        bool,
        typer.Option("--explore", help="Also write explore.html beside the page: every trial, to slice by yourself."),
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    json: Json = False,
) -> None:
    """Print a campaign's tables, and write report/ in its directory: Markdown, CSV, SVG, PNG and index.html.

    Of a campaign on several hosts: the report of each host, and one over all of them.
    """
    spread = find_spread_directory(results, campaign)
    if spread is not None and explore:
        raise UsageError(f"{spread} ran on several hosts", "explore one host: name its directory below hosts/")
    if spread is not None:
        page, summary = _over_hosts(spread)
        if json:
            say_json({"page": page})
        else:
            say(f"{summary}\nreport: {page}")
        if open_:
            open_in_browser(page.resolve().as_uri())
        return
    made = render(resolve(results, campaign))
    if explore:
        page = made.page.with_name("explore.html")
        trials = lab_of(context).export_explore(made.directory.parent, page)
        note(f"{trials} trials written to {page}")
    if json:
        say_json(made)
    else:
        say(made.answer if short else f"{made.summary}\n\n{made.answer}")
        say(f"report: {made.page}")
    if open_:
        open_in_browser(made.page.resolve().as_uri())


def _over_hosts(directory: Path) -> tuple[Path, str]:
    """Each host's report, then that over all."""
    for host in host_directories(directory):
        with suppress(NothingToReport):
            render(host)
    return render_over_hosts(directory)
