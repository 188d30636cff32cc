"""The user's browser."""

from __future__ import annotations

import webbrowser

from lab.cli.output import note


def open_in_browser(address: str) -> None:
    """Open an address; where there is no browser, say so: the address was printed."""
    try:
        opened = webbrowser.open(address)
    except webbrowser.Error:
        opened = False
    if not opened:
        note(f"no browser could be started here: open {address}")
