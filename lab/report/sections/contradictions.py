"""What the paper says twice: both places, what its own tables say, and what this campaign found on each guest level."""

from __future__ import annotations

from collections.abc import Sequence

from lab.core.arm import GuestProfile
from lab.report.claims.contradictions import Contradiction
from lab.report.claims.verdict import ClaimResult
from lab.report.document import Column, Row, Section, Table
from lab.report.sections.claims_table import figure_text, reading_text

LEAD = (
    "Places where two statements of the paper, or a statement and a table, cannot both hold, or where a figure is "
    "known elsewhere under another value. It is a reading of a text: a verdict on one of the two says nothing on the "
    "other. docs/paper.md has the list with what the claims make of it."
)
_COLUMNS = (
    Column("number", "#"),
    Column("says", "the paper says"),
    Column("against", "and"),
    Column("tables", "its own tables"),
    Column("o0", "here, level 0"),
    Column("o3", "here, level 3"),
)


def contradictions_section(places: Sequence[Contradiction], results: Sequence[ClaimResult]) -> Section:
    """The section ``paper-twice``."""
    rows = [_row(number, place, place.of(results)) for number, place in enumerate(places, 1)]
    title = f"{len(places)} places; a dash where nothing here says anything to it"
    return Section("paper-twice", "What the paper says twice", LEAD, [Table(title, _COLUMNS, rows)])


def _row(number: int, place: Contradiction, results: Sequence[ClaimResult]) -> Row:
    read = [
        f"{result.claim.id}: {reading_text(result.tables, result.claim.quantity)}"
        for result in results
        if result.tables
    ]
    return {
        "number": number,
        "says": place.says,
        "against": place.against,
        "tables": "\n".join(read) or None,
        "o0": _found(results, GuestProfile.O0),
        "o3": _found(results, GuestProfile.O3),
    }


def _found(results: Sequence[ClaimResult], guest: GuestProfile) -> str | None:
    """Figures of the claims that were measured; what is counted in a graph belongs to no level: it stands first."""
    lines = []
    for result in results:
        found = result.at(guest)
        if found is None and guest is GuestProfile.O0 and result.first.guest is None:
            found = result.first
        if found is not None and (text := figure_text(found, result.claim.quantity)) is not None:
            lines.append(f"{result.claim.id}: {text}, {found.verdict}")
    return "\n".join(lines) or None
