"""The report as one HTML file: the answer, figures that react to filters, every section, the fingerprint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.core.manifest import Manifest
from lab.report.document import Section, Table
from lab.report.explanations import TOPICS, Sentence
from lab.report.page.controls import CONTROLS, FILTERS
from lab.report.page.shell import Heading, scrolled, whole_page
from lab.report.page.text import escape
from lab.report.sections.setup import facts

MOST_ROWS = 2000
"""Longer tables are in the report's files, not on the page."""
_SCRIPTS = ("base.js", "shell.js", "scales.js", "figures.js", "tables.js", "page.js")
_REDRAWN = ("figure-", "phases-", "pareto-", "break-even-")
"""Drawings whose numbers are in the figures above: they are folded."""


@dataclass(frozen=True)
class Content:
    """What the page says.

    Attributes:
        answer: which runtime for which model, as HTML.
        data: of the figures, as JSON (`lab.report.page.instrument`).
        sections: in order.
        figures: SVG bytes by name.
        sentences: the reading of the differences.
        source: what the report was made from, for the foot.
    """

    answer: str
    data: str
    sections: Sequence[Section]
    figures: Mapping[str, bytes]
    sentences: Sequence[Sentence]
    source: str


def page(manifest: Manifest, content: Content) -> str:
    """The whole page; `manifest` is for the heading and the fingerprint."""
    titles = [("answer", "Answer"), ("figures", "Figures"), ("reading", "What the data say")]
    links = [*titles, *((part.name, part.title) for part in content.sections), ("fingerprint", "Fingerprint")]
    main = [
        f'<h2 id="answer">Answer</h2>\n{content.answer}',
        FILTERS,
        f'<h2 id="figures">Figures</h2>\n{CONTROLS}',
        _reading(content.sentences),
        *(_section(section, content.figures) for section in content.sections),
        _fingerprint(manifest),
    ]
    heading = Heading(manifest.campaign, manifest.experiment.question, "Parts of the report", links)
    return whole_page(heading, main, content.source, content.data, _SCRIPTS)


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
    tables = "\n".join(scrolled(table, "fingerprint", "Fingerprint") for table in facts(manifest))
    return f'<h2 id="fingerprint">Fingerprint</h2>\n{tables}'


def _section(section: Section, figures: Mapping[str, bytes]) -> str:
    parts = [f'<h2 id="{section.name}">{escape(section.title)}</h2>', f"<p>{escape(section.lead)}</p>"]
    drawings = {name: _drawing(name, section.title, figures[name]) for name in section.figures if name in figures}
    parts += [drawing for name, drawing in drawings.items() if not name.startswith(_REDRAWN)]
    folded = [drawing for name, drawing in drawings.items() if name.startswith(_REDRAWN)]
    if folded:
        parts.append(f"<details><summary>Drawings of it for print</summary>{''.join(folded)}</details>")
    parts += [scrolled(table, section.name, section.title) for table in section.overview]
    if section.detail:
        parts.append(_detail(section, section.detail))
    return "\n".join(parts)


def _detail(section: Section, table: Table) -> str:
    """The table, folded; where it is too long for a page, the files that hold it."""
    rows = len(table.rows)
    if rows > MOST_ROWS:
        files = f"<code>tables/{section.name}.csv</code> and <code>.md</code>"
        return f"<p>{escape(table.title)}: {rows:,} rows, in {files}.</p>"
    summary = f"<summary>{escape(table.title)} ({rows} rows)</summary>"
    return f"<details>{summary}{scrolled(table, section.name, section.title)}</details>"


def _drawing(name: str, title: str, svg: bytes) -> str:
    """The drawing without its XML prologue, and with ids of its own: a page may hold each id once."""
    text = svg[svg.index(b"<svg") :].decode()
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = text.replace("<svg", f'<svg role="img" aria-label="{escape(f"{title}: drawing {name}")}"', 1)
    return f'<figure class="drawing">{text}</figure>'
