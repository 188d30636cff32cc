"""What pages share: one HTML file that needs nothing else, style and script inline, no outside reference.

The script adds to what is there without it: tables can be sorted, filtered and saved. A content security policy lets
the page load nothing, and run no script but this one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lab.report.document import Table
from lab.report.page.controls import THEME
from lab.report.page.text import escape

_ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Heading:
    """The head of a page.

    Attributes:
        title: also the window's.
        question: what the page answers, in a sentence.
        parts: name of the list of contents.
        links: id and title of each part.
    """

    title: str
    question: str
    parts: str
    links: Sequence[tuple[str, str]]


def whole_page(heading: Heading, main: Sequence[str], source: str, data: str, scripts: Sequence[str]) -> str:
    """The page.

    Args:
        heading: its head.
        main: HTML of its parts.
        source: what it was made from, for the foot.
        data: JSON for the script, fit to stand in HTML.
        scripts: names of assets, in order; the first ones are ``base.js`` and ``shell.js``.
    """
    script = '"use strict";\n{\n' + "".join(asset(name) for name in scripts) + "}\n"
    listed = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in heading.links)
    body = [
        '<a class="skip" href="#main">Skip to the answer</a>',
        f'<header><div class="top"><h1>{escape(heading.title)}</h1>{THEME}</div>',
        f'<p class="question">{escape(heading.question)}</p>',
        f'<nav aria-label="{escape(heading.parts)}"><details><summary>Contents</summary>',
        f"<ul>{listed}</ul></details></nav></header>",
        '<main id="main" tabindex="-1">',
        *main,
        "</main>",
        f"<footer>{escape(source)}</footer>",
        '<div id="tip" role="tooltip" hidden></div>',
        f'<script type="application/json" id="data">{data}</script>',
        f"<script>{script}</script>",
    ]
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy(script)}">'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    head += f"<title>{escape(heading.title)}</title><style>{asset('style.css')}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def asset(name: str) -> str:
    """A file that pages are made of."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def policy(script: str) -> str:
    """Nothing is loaded from anywhere; the one script is the one whose hash this is."""
    hashed = b64encode(sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'"


def scrolled(table: Table, name: str, of_what: str) -> str:
    """The table in a box of its own, which `boxed` makes."""
    return boxed(table.html(), name, f"{of_what}: {table.title}")


def boxed(table: str, name: str, label: str) -> str:
    """A table's HTML in a box that scrolls, by the keyboard too; each box has a label of its own."""
    body = table.replace("<table", f'<table data-name="{escape(name)}"', 1)
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{body}</div>'
