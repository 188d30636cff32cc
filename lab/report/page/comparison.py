"""A comparison of two campaigns as one HTML file: the answer, every ratio with its interval, bytes and fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lab.core.units import show_percent
from lab.report.compare.case_changes import COMPARED, CaseLine
from lab.report.compare.comparison import Comparison
from lab.report.compare.comparison_page import (
    context_tables,
    headline,
    method,
    ratio_text,
    seeming,
    shower,
    side_text,
    verdict_text,
)
from lab.report.compare.fingerprints import Basis
from lab.report.display import MODE_NAMES, arm_name, model_name, runtime_name
from lab.report.document import ARM_ID, Column, DrawnText, Row, SortedText, Table
from lab.report.page.controls import FILTERS
from lab.report.page.intervals import MARKS, IntervalAxis
from lab.report.page.shell import Heading, scrolled, whole_page
from lab.report.page.text import escape, script_json

_SCRIPTS = ("base.js", "shell.js", "tables.js", "comparison.js")
_FACETS = {"change": "Verdict", "model": "Model", "runtime": "Runtime", "mode": "Mode", "guest": "Guest"}


def comparison_page(found: Comparison) -> str:
    """The whole page."""
    parts = list(_parts(found))
    title = f"{found.a.name} → {found.b.name}"
    heading = Heading(title, "What changed from A to B?", "Parts of the comparison", [part[:2] for part in parts])
    main = [f'<h2 id="{name}">{escape(shown)}</h2>\n{body}' for name, shown, body in parts]
    main.insert(1, FILTERS)
    return whole_page(heading, main, method(found), _data(found), _SCRIPTS)


def _parts(found: Comparison) -> Iterator[tuple[str, str, str]]:
    """Id, title and HTML of each part."""
    yield "answer", "Answer", _answer(found)
    for quantity in dict.fromkeys(line.quantity for line in found.cases):
        lines = [line for line in found.cases if line.quantity == quantity]
        title = COMPARED[quantity].title.capitalize()
        lead = f"<p>{escape(_lead(found))}</p>\n{_key(lines)}"
        tables = (_cases(found, quantity, lines), _means(found, quantity))
        yield quantity, title, lead + "\n".join(scrolled(table, quantity, title) for table in tables)
    context = "\n".join(scrolled(table, "context", "Campaigns") for table in context_tables(found))
    yield "context", "Bytes, fingerprints and outcomes", context


def _answer(found: Comparison) -> str:
    sides = "".join(f"<p>{which.upper()}: {escape(side_text(found, which))}</p>" for which in ("a", "b"))
    worse = _items([*found.worse, *seeming(found)])
    return f"<p><strong>{escape(headline(found))}</strong></p>{worse}{sides}{_items(found.notes)}"


def _items(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def _lead(found: Comparison) -> str:
    what = "overheads over native" if found.basis is Basis.OVERHEADS else "measured values"
    return (
        f"Ratios of B over A of {what}: to the right of 1, B costs more. The line is the 95 % interval of a ratio by "
        f"itself, the band the margin of {show_percent(found.margin)}; verdicts are corrected for all comparisons."
    )


def _key(lines: Sequence[CaseLine]) -> str:
    there = {line.change for line in lines}
    items = "".join(
        f'<li><svg width="18" height="22" aria-hidden="true">{mark.format(x=9)}</svg>{change}</li>'
        for change, mark in MARKS.items()
        if change in there
    )
    return f'<ul class="key" aria-label="Key">{items}</ul>'


def _cases(found: Comparison, quantity: str, lines: Sequence[CaseLine]) -> Table:
    axis = IntervalAxis((line.judgement.estimate for line in lines), found.margin)
    show = shower(quantity, found.basis)
    of_what = "overhead in " if found.basis is Basis.OVERHEADS else ""
    columns = (
        Column("arm", "arm"),
        Column("model", "model", model_name),
        Column("batch", "batch"),
        Column("a", f"{of_what}A"),
        Column("b", f"{of_what}B"),
        Column("ratio", "B over A", axis=axis.head()),
        Column("verdict", "verdict"),
    )
    rows: list[Row] = []
    for line in lines:
        arm, estimate = line.case.arm, line.judgement.estimate
        text = ratio_text(estimate)
        rows.append(
            {
                ARM_ID: arm.id,
                "arm": f"{arm_name(arm)} ({arm.guest})",
                "model": line.case.model,
                "batch": line.case.batch,
                "change": line.change,
                "a": SortedText(show(line.a), line.a),
                "b": SortedText(show(line.b), line.b),
                "ratio": None if text is None else DrawnText(text, estimate.value, axis.line(estimate, line.change)),
                "verdict": verdict_text(line),
            }
        )
    return Table(f"{COMPARED[quantity].title}, case by case", columns, rows)


def _means(found: Comparison, quantity: str) -> Table:
    lines = [line for line in found.means if line.quantity == quantity]
    axis = IntervalAxis((line.estimate for line in lines), found.margin)
    ratio = Column("ratio", "B over A", axis=axis.head())
    rows: list[Row] = []
    for line in lines:
        text = ratio_text(line.estimate)
        drawn = None if text is None else DrawnText(text, line.estimate.value, axis.line(line.estimate, None))
        name = f"{arm_name(line.arm)} ({line.arm.guest})"
        rows.append({ARM_ID: line.arm.id, "arm": name, "n": line.estimate.n, "ratio": drawn})
    title = f"{COMPARED[quantity].title}, geometric means by arm"
    return Table(title, (Column("arm", "arm"), Column("n", "cases"), ratio), rows)


def _data(found: Comparison) -> str:
    """Titles of the filters, and the values of each, as the script reads them."""
    cases = list(dict.fromkeys(line.case for line in found.cases))
    values: dict[str, dict[str, str]] = {
        "change": {str(change): str(change) for change in found.tally},
        "model": {case.model: model_name(case.model) for case in cases},
        "runtime": {case.arm.runtime: runtime_name(case.arm.runtime) for case in cases},
        "mode": {str(case.arm.mode): MODE_NAMES[case.arm.mode] for case in cases},
        "guest": {str(case.arm.guest): str(case.arm.guest) for case in cases},
    }
    facets: dict[str, Any] = {
        facet: [{"id": key, "name": name} for key, name in named.items()] for facet, named in values.items()
    }
    return script_json({"titles": _FACETS, "facets": facets})
