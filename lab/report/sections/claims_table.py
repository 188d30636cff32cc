"""The claims as a section of the report: how many hold on each guest level; each with the paper's figure and ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.core.arm import GuestProfile
from lab.report.claims.claim_file import ClaimQuantity
from lab.report.claims.paper_tables import Reading
from lab.report.claims.verdict import FIRM_BLOCKS, ClaimResult, Finding, Verdict, tally
from lab.report.document import Column, Row, Section, Table

LEAD = (
    "Each statement of the paper's Section IV that a measurement can decide, with its figure, this campaign's with a "
    "95 % interval, and a verdict for each guest level by itself: level 0 is the paper's, level 3 is what one would "
    "ship. Tolerances follow from what the paper prints; experiments/paper/claims.toml states the rule. The paper's "
    "own tables are asked, too, where they hold the quantity."
)
_LEVELS = ((GuestProfile.O0, "level 0"), (GuestProfile.O3, "level 3"))
_UNITS = {
    **{quantity: " %" for quantity in ClaimQuantity if quantity.is_share},
    ClaimQuantity.SHARE_DIFFERENCE: " points",
    ClaimQuantity.RSS_PEAK_GB: " GB",
    ClaimQuantity.PARAMETERS: " M",
    ClaimQuantity.CONV_LAYERS: "",
}
_SIGNS = {"about": "", "above": "> ", "below": "< "}


def claims_section(results: Sequence[ClaimResult], edition: str) -> Section:
    """The section ``claims``: how many claims got each verdict, and every claim.

    Args:
        results: every claim's.
        edition: of the campaign's runtimes.
    """
    detail = Table("Every claim", _COLUMNS, [_row(result) for result in results])
    return Section("claims", "Claims of the paper", LEAD, [_overview(results, edition)], detail)


def _overview(results: Sequence[ClaimResult], edition: str) -> Table:
    columns = [Column("verdict", "verdict")]
    for guest, name in _LEVELS:
        columns.append(Column(f"{guest}", name))
        columns.append(Column(f"{guest}_firm", f"{name}, on {FIRM_BLOCKS} blocks or more"))
    counts = {(guest, firm): tally(results, guest, only_firm=firm) for guest, _ in _LEVELS for firm in (False, True)}
    rows: list[Row] = [
        {"verdict": str(verdict)}
        | {f"{guest}{'_firm' if firm else ''}": count[verdict] for (guest, firm), count in counts.items()}
        for verdict in Verdict
    ]
    constant = sum(result.claim.constant for result in results)
    judged = len(results) - constant
    title = (
        f"{judged} claims on edition {edition}; {constant} more that no measurement can change are judged below only"
    )
    return Table(title, tuple(columns), rows)


def _row(result: ClaimResult) -> Row:
    claim, first = result.claim, result.first
    shipped = result.at(GuestProfile.O3)
    low, high = first.interval or (None, None)
    return {
        "id": claim.id,
        "place": claim.place,
        "says": claim.says,
        "paper_text": _SIGNS[claim.relation] + _number(claim.paper, claim.quantity),
        "ours_text": figure_text(first, claim.quantity),
        "verdict": str(first.verdict),
        "o3_text": None if shipped is None else figure_text(shipped, claim.quantity),
        "o3_verdict": None if shipped is None else str(shipped.verdict),
        "tables_text": None if result.tables is None else reading_text(result.tables, claim.quantity),
        "why": _why(first, shipped),
        "guest": None if first.guest is None else str(first.guest),
        "blocks": first.blocks,
        "quantity": str(claim.quantity),
        "relation": claim.relation,
        "paper": claim.paper,
        "tolerance": claim.tolerance,
        "ours": first.ours,
        "ours_low": low,
        "ours_high": high,
        "o3_ours": None if shipped is None else shipped.ours,
        "o3_blocks": None if shipped is None else shipped.blocks,
        "tables_figure": None if result.tables is None else result.tables.figure,
    }


def figure_text(found: Finding, quantity: ClaimQuantity) -> str | None:
    """``2.03× [1.98, 2.08]``, ``≥ 4.1×`` where a trial was cut; None if nothing was measured."""
    if found.ours is None:
        return None
    text = _number(found.ours, quantity)
    if found.interval is None:
        return text
    low, high = found.interval
    if not np.isfinite(high):
        return f"≥ {text}"
    return f"{text} [{low:.4g}, {high:.4g}]" if np.isfinite(low) else f"≤ {text}"


def reading_text(reading: Reading, quantity: ClaimQuantity) -> str:
    """``refute: 0.6866 points (Table II)``."""
    return f"{reading.says}: {_number(reading.figure, quantity)} ({reading.table})"


def _why(first: Finding, shipped: Finding | None) -> str | None:
    """Why level 0 is not a plain yes, and level 3 where that is another reason."""
    other = "" if shipped is None or shipped.why in {"", first.why} else f"level 3: {shipped.why}"
    return "; ".join(text for text in (first.why, other) if text) or None


def _number(value: float | str, quantity: ClaimQuantity) -> str:
    return value if isinstance(value, str) else f"{value:.4g}{_UNITS.get(quantity, '×')}"


_COLUMNS = (
    Column("id", ""),
    Column("place", "place"),
    Column("says", "the paper says"),
    Column("paper_text", "paper"),
    Column("ours_text", "here, level 0"),
    Column("verdict", "level 0"),
    Column("o3_text", "here, level 3"),
    Column("o3_verdict", "level 3"),
    Column("tables_text", "the paper's own tables say"),
    Column("why", "why"),
    *(
        Column(key, "")
        for key in (
            *("guest", "blocks", "quantity", "relation", "paper", "tolerance", "ours", "ours_low", "ours_high"),
            *("o3_ours", "o3_blocks", "tables_figure"),
        )
    ),
)
