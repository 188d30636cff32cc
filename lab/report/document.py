"""Tables as data, and the four ways they are written: text, Markdown, CSV, HTML."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import fill
from typing import Any

from tabulate import tabulate

from lab.core.arm import Arm
from lab.core.errors import ExperimentError
from lab.core.plain_text import csv_text, markdown_text, printable

Row = Mapping[str, Any]
ABSENT = "–"
ARM_ID = "arm_id"
"""Key of the arm's id in rows whose arm is a name; no column shows it, the page filters by it."""
_TERMINAL_COLUMNS = 110


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: where the value sits in a row, and the CSV header; it carries the unit.
        title: the header for people; empty for columns that only CSV holds.
        show: the value for people; None is always shown as a dash.
        model: the model that the column is about, where it is about one.
        axis: on the page, what is drawn below the title as SVG: the axis of the column's drawings.
    """

    key: str
    title: str
    show: Callable[[Any], str] = str
    model: str | None = None
    axis: str = ""

    def text(self, row: Row) -> str:
        """The row's entry for people."""
        value = row.get(self.key)
        return ABSENT if value is None else self.show(value)


@dataclass(frozen=True)
class SortedText:
    """A text in a cell, and the number that it is sorted by; None sorts last."""

    text: str
    value: float | None

    def __str__(self) -> str:
        """What people and CSV see."""
        return self.text


@dataclass(frozen=True)
class DrawnText(SortedText):
    """A text in a cell, on the page below a drawing of it: `svg`, fit to stand in HTML."""

    svg: str = ""

    def __str__(self) -> str:
        """What people and CSV see."""
        return self.text


@dataclass(frozen=True)
class Table:
    """Rows under columns, for people.

    Attributes:
        title: which part of the campaign they hold.
        columns: in order.
        rows: one value by column key; absent ones are None or missing.
        scope: what all rows have in common, such as ``{"batch": 1}``: the page filters by it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    scope: Mapping[str, object] = field(default_factory=dict)

    @property
    def _shown(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.title)

    def text(self) -> str:
        """For a terminal."""
        headers = [column.title for column in self._shown]
        body = [[column.text(row) for column in self._shown] for row in self.rows]
        return f"{self.title}\n{tabulate(body, headers, tablefmt='simple', disable_numparse=True)}"

    def markdown(self) -> str:
        """For a README or a pull request."""
        headers = [markdown_text(column.title) for column in self._shown]
        body = [[markdown_text(column.text(row)) for column in self._shown] for row in self.rows]
        return f"**{markdown_text(self.title)}**\n\n{tabulate(body, headers, tablefmt='pipe', disable_numparse=True)}"

    def html(self) -> str:
        """For the page: with the numbers that it sorts by and the facets that it filters by as ``data-`` attributes."""
        head = "".join(
            f'<th scope="col"{_column_data(column)}>{_html(column.title)}{column.axis}</th>' for column in self._shown
        )
        body = "\n".join(
            f"<tr{_facets(row)}>{''.join(_cell(column, row) for column in self._shown)}</tr>" for row in self.rows
        )
        caption = f"<caption>{_html(self.title)}</caption>"
        return f"<table{_data(self.scope)}>{caption}<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"

    def csv(self) -> str:
        """For programs: every column, full precision, absent values empty."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(column.key for column in self.columns)
        writer.writerows([_csv(row.get(column.key)) for column in self.columns] for row in self.rows)
        return buffer.getvalue()


def _html(text: str) -> str:
    return escape(printable(text)).replace("\n", "<br>")


def _data(facets: Mapping[str, object]) -> str:
    return "".join(f' data-{name}="{_html(str(value))}"' for name, value in facets.items())


def _column_data(column: Column) -> str:
    return _data({"key": column.key} | ({} if column.model is None else {"model": column.model}))


def _cell(column: Column, row: Row) -> str:
    value = row.get(column.key)
    drawing = value.svg if isinstance(value, DrawnText) else ""
    if isinstance(value, SortedText):
        value = value.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    shown = str(value).replace("inf", "Infinity")  # as scripts read it
    return f"<td{_data({'v': shown}) if is_number else ''}>{drawing}{_html(column.text(row))}</td>"


def _facets(row: Row) -> str:
    """What a row is about: its model, batch and verdict, and the parts of its arm."""
    found = {name: row[name] for name in ("model", "batch", "change") if row.get(name)}
    named = row.get(ARM_ID, row.get("arm"))
    try:
        arm = Arm.parse(named) if isinstance(named, str) else None
    except ExperimentError:  # a name for people
        arm = None
    if arm is not None:
        found |= {"runtime": arm.runtime, "mode": arm.mode, "guest": arm.guest}
    return _data(found)


def _csv(value: object) -> object:
    if value is None:
        return ""
    return csv_text(str(value)) if isinstance(value, str | SortedText) else value


@dataclass(frozen=True)
class Section:
    """One part of the report.

    Attributes:
        name: file name of its tables, such as ``time``.
        title: its heading.
        lead: what the numbers are and what they include.
        overview: tables to read; they are printed.
        detail: one row per cell with every number: written as CSV, and in Markdown below the overview.
        figures: names of the figures that belong to it.
    """

    name: str
    title: str
    lead: str
    overview: Sequence[Table]
    detail: Table | None = None
    figures: Sequence[str] = field(default=())

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, overview first."""
        return (*self.overview, *([self.detail] if self.detail else []))

    def text(self) -> str:
        """For a terminal: the overview only."""
        lead = fill(self.lead, _TERMINAL_COLUMNS)
        return "\n\n".join([f"{self.title}\n{'=' * len(self.title)}\n{lead}", *(t.text() for t in self.overview)])

    def markdown(self) -> str:
        """The section with all its tables."""
        return "\n\n".join([f"## {self.title}", self.lead, *(table.markdown() for table in self.tables)]) + "\n"
