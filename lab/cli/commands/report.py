"""`lab report`: tables, figures and the page of a campaign, made from its files alone."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.browser import open_in_browser
from lab.cli.options import Campaign, Json, Results
from lab.cli.output import say, say_json
from lab.disk.paths import RESULTS
from lab.report.render import render
from lab.store.campaigns import LATEST, resolve


def report(
    campaign: Campaign = LATEST,
    results: Results = RESULTS,
    short: Annotated[bool, typer.Option("--short", help="Print three sentences and one table of ratios only.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    json: Json = False,
) -> None:
    """Print a campaign's tables, and write report/ in its directory: Markdown, CSV, SVG, PNG and index.html."""
    made = render(resolve(results, campaign))
    if json:
        say_json(made)
    else:
        say(made.answer if short else f"{made.summary}\n\n{made.answer}")
        say(f"report: {made.page}")
    if open_:
        open_in_browser(made.page.resolve().as_uri())
