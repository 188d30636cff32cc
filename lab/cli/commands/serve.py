"""`lab serve`: a campaign in the browser while it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.browser import open_in_browser
from lab.cli.options import Campaign, Results
from lab.cli.output import note, say
from lab.cli.web import server_of
from lab.core.errors import UsageError
from lab.disk.paths import RESULTS
from lab.store.campaigns import LATEST, resolve


def serve(
    campaign: Campaign = LATEST,
    host: Annotated[str, typer.Option(help="Address to listen on; other machines reach any but a loopback one.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8000,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    results: Results = RESULTS,
) -> None:
    """Show a campaign in the browser while it runs: progress, time left, and its report, refreshed by themselves.

    Writes nothing. Ends with Ctrl-C; the campaign, which another `lab run` measures, goes on.
    """
    directory = resolve(results, campaign)
    try:
        server = server_of(directory, host, port)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}", "choose another --port") from error
    with server:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{server.server_address[1]}/"
        say(f"{directory.name}: {address}")
        note("Ctrl-C ends it")
        if open_:
            open_in_browser(address)
        server.serve_forever()
