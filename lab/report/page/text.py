"""Texts for the page."""

from __future__ import annotations

import html

from lab.core.plain_text import printable


def escape(text: str) -> str:
    """For the page: nothing in it is a tag, and nothing turns the direction of what follows."""
    return html.escape(printable(text))
