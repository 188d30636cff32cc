"""Texts for the page."""

from __future__ import annotations

import html
import json

from lab.core.plain_text import json_text, printable


def escape(text: str) -> str:
    """For the page: nothing in it is a tag, and nothing turns the direction of what follows."""
    return html.escape(printable(text))


def script_json(document: object) -> str:
    """A document as JSON that a script element may hold: no text in it ends the element."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return json_text(text).replace("<", "\\u003c")
