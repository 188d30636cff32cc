"""The claims as a section of the report: how many hold, and each with the paper's figure, ours, and why they differ."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.claims.claim_file import ClaimQuantity
from lab.report.claims.judge import ClaimResult, tally
from lab.report.document import Column, Row, Section, Table

LEAD = (
    "Each statement of the paper's Section IV with its figure, this campaign's with a 95 % interval, and a verdict. "
    "Tolerances follow from what the paper prints; experiments/paper/claims.toml states the rule. The guest is the "
    "paper's level 0, or level 3, and said to be, where level 0 was not measured on every case."
)
_UNITS = {
    ClaimQuantity.INFERENCE_SHARE: " %",
    ClaimQuantity.SHARE_DIFFERENCE: " points",
    ClaimQuantity.RSS_PEAK_GB: " GB",
    ClaimQuantity.PARAMETERS: " M",
    ClaimQuantity.CONV_LAYERS: "",
}
_SIGNS = {"about": "", "above": "> ", "below": "< "}


def claims_section(results: Sequence[ClaimResult]) -> Section:
    """The section ``claims``: how many claims got each verdict, and every claim."""
    detail = Table("Every claim", _COLUMNS, [_row(result) for result in results])
    return Section("claims", "Claims of the paper", LEAD, [_overview(results)], detail)


def _overview(results: Sequence[ClaimResult]) -> Table:
    columns = (Column("verdict", "verdict"), Column("claims", "claims"))
    rows = [{"verdict": str(verdict), "claims": count} for verdict, count in tally(results).items()]
    constant = sum(result.claim.constant for result in results)
    title = f"{len(results) - constant} claims; {constant} more that no measurement can change are judged below only"
    return Table(title, columns, rows)


def _row(result: ClaimResult) -> Row:
    claim, (low, high) = result.claim, result.interval or (None, None)
    return {
        "id": claim.id,
        "place": claim.place,
        "says": claim.says,
        "paper_text": _SIGNS[claim.relation] + _number(claim.paper, claim.quantity),
        "ours_text": None if result.ours is None else _number(result.ours, claim.quantity) + _interval(result),
        "verdict": str(result.verdict),
        "guest": None if result.guest is None else str(result.guest),
        "why": result.why or None,
        "quantity": str(claim.quantity),
        "relation": claim.relation,
        "paper": claim.paper,
        "tolerance": claim.tolerance,
        "ours": result.ours,
        "ours_low": low,
        "ours_high": high,
    }


def _number(value: float | str, quantity: ClaimQuantity) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4g}{_UNITS.get(quantity, '×')}"


def _interval(result: ClaimResult) -> str:
    return "" if result.interval is None else f" [{result.interval[0]:.4g}, {result.interval[1]:.4g}]"


_COLUMNS = (
    Column("id", ""),
    Column("place", "place"),
    Column("says", "the paper says"),
    Column("paper_text", "paper"),
    Column("ours_text", "here"),
    Column("verdict", "verdict"),
    Column("why", "why"),
    *(
        Column(key, "")
        for key in ("guest", "quantity", "relation", "paper", "tolerance", "ours", "ours_low", "ours_high")
    ),
)
