"""The report as one HTML file that needs nothing else: figures inline, no script, no outside reference."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from lab.core.manifest import Manifest
from lab.core.plain_text import printable
from lab.report.document import Section, Table
from lab.report.explanations import TOPICS, Sentence
from lab.report.sections.setup import facts

MOST_ROWS = 2000
"""Longer tables are in the report's files, not on the page."""
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #222; }
body { max-width: 1280px; margin: 2em auto; padding: 0 1.2em; }
h1 { font-size: 1.7em; margin-bottom: 0; } h2 { margin-top: 2.2em; border-bottom: 1px solid #ccc; }
.question { font-size: 1.15em; color: #444; margin-top: .3em; }
nav a { margin-right: 1em; white-space: nowrap; } a { color: #0060a0; }
.scroll { overflow-x: auto; } figure { margin: 1em 0; } figure svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .82em; margin: 1em 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3em 0; }
th, td { text-align: left; vertical-align: top; padding: .25em .8em .25em 0; border-bottom: 1px solid #e4e4e4; }
th { border-bottom: 2px solid #999; } tbody tr:hover { background: #f3f7fb; }
details > summary { cursor: pointer; color: #0060a0; } footer { margin: 3em 0; color: #666; font-size: .85em; }
"""


def page(
    manifest: Manifest,
    sections: Sequence[Section],
    figures: Mapping[str, bytes],
    sentences: Sequence[Sentence],
    source: str,
) -> str:
    """The whole page.

    Args:
        manifest: for the heading and the fingerprint.
        sections: in order.
        figures: SVG bytes by name.
        sentences: the reading of the differences.
        source: what the report was made from, for the foot.
    """
    titles = [("reading", "What the data say"), ("fingerprint", "Fingerprint")]
    links = [*titles, *((section.name, section.title) for section in sections)]
    parts = [
        f"<h1>{escape(manifest.campaign)}</h1>",
        f'<p class="question">{escape(manifest.experiment.question)}</p>',
        "<nav>" + " ".join(f'<a href="#{name}">{escape(title)}</a>' for name, title in links) + "</nav>",
        _reading(sentences),
        _fingerprint(manifest),
        *(_section(section, figures) for section in sections),
        f"<footer>{escape(source)}</footer>",
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{escape(manifest.campaign)}</title><style>{_STYLE}</style>"
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def escape(text: str) -> str:
    """For the page: nothing in it is a tag, and nothing turns the direction of what follows."""
    return html.escape(printable(text))


def _reading(sentences: Sequence[Sentence]) -> str:
    parts = []
    for topic, title in TOPICS.items():
        chosen = [sentence for sentence in sentences if sentence.topic == topic]
        items = "\n".join(
            f'<li>{escape(sentence.text)} <a href="#{escape(sentence.table)}">numbers</a></li>' for sentence in chosen
        )
        parts += [f"<h3>{escape(title)}</h3>\n<ul>\n{items}\n</ul>"] if chosen else []
    body = "\n".join(parts) or "<p>Not enough cells are measured yet.</p>"
    return f'<h2 id="reading">What the data say</h2>\n{body}'


def _fingerprint(manifest: Manifest) -> str:
    tables = "\n".join(f'<div class="scroll">{table.html()}</div>' for table in facts(manifest))
    return f'<h2 id="fingerprint">Fingerprint</h2>\n{tables}'


def _section(section: Section, figures: Mapping[str, bytes]) -> str:
    parts = [f'<h2 id="{section.name}">{escape(section.title)}</h2>', f"<p>{escape(section.lead)}</p>"]
    parts += [f"<figure>{_inline(name, figures[name])}</figure>" for name in section.figures if name in figures]
    parts += [f'<div class="scroll">{table.html()}</div>' for table in section.overview]
    if section.detail:
        parts.append(_detail(section.name, section.detail))
    return "\n".join(parts)


def _detail(name: str, table: Table) -> str:
    """The table, folded; where it is too long for a page, the files that hold it."""
    rows = len(table.rows)
    if rows > MOST_ROWS:
        return f"<p>{escape(table.title)}: {rows:,} rows, in <code>tables/{name}.csv</code> and <code>.md</code>.</p>"
    body = f'<div class="scroll">{table.html()}</div>'
    return f"<details><summary>{escape(table.title)} ({rows} rows)</summary>{body}</details>"


def _inline(name: str, svg: bytes) -> str:
    """The drawing without its XML prologue, and with ids of its own: a page may hold each id once."""
    text = svg[svg.index(b"<svg") :].decode()
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return re.sub(r'href="#', f'href="#{name}-', text)
