"""The claims as a section of the report: how many hold, and each with the paper's figure, ours, and why they differ."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.claims.claim_file import Quantity
from lab.report.claims.judge import Judgement, tally
from lab.report.document import Column, Row, Section, Table

LEAD = (
    "Each statement of the paper's Section IV with its figure, this campaign's with a 95 % interval, and a verdict. "
    "Tolerances follow from what the paper prints; experiments/paper/claims.toml states the rule. The guest is the "
    "paper's level 0, or level 3, and said to be, where level 0 was not measured on every case."
)
_UNITS = {
    Quantity.INFERENCE_SHARE: " %",
    Quantity.SHARE_DIFFERENCE: " points",
    Quantity.RSS_PEAK_GB: " GB",
    Quantity.PARAMETERS: " M",
    Quantity.CONV_LAYERS: "",
}
_SIGNS = {"about": "", "above": "> ", "below": "< "}


def claims_section(judgements: Sequence[Judgement]) -> Section:
    """The section ``claims``: verdicts by place, and every claim."""
    detail = Table("Every claim", _COLUMNS, [_row(one) for one in judgements])
    return Section("claims", "Claims of the paper", LEAD, [_overview(judgements)], detail)


def _overview(judgements: Sequence[Judgement]) -> Table:
    counts = tally(judgements)
    columns = (Column("verdict", "verdict"), Column("claims", "claims"))
    rows = [{"verdict": str(verdict), "claims": count} for verdict, count in counts.items()]
    constant = sum(one.constant for one in judgements)
    title = f"{len(judgements) - constant} claims; {constant} more that no measurement can change are judged below only"
    return Table(title, columns, rows)


def _row(one: Judgement) -> Row:
    low, high = one.interval or (None, None)
    return {
        "id": one.id,
        "place": one.place,
        "says": one.says,
        "paper_text": _SIGNS[one.relation] + _number(one.paper, one.quantity),
        "ours_text": None if one.ours is None else _number(one.ours, one.quantity) + _interval(one),
        "verdict": str(one.verdict),
        "guest": None if one.guest is None else str(one.guest),
        "why": one.why or None,
        "quantity": str(one.quantity),
        "relation": one.relation,
        "paper": one.paper,
        "tolerance": one.tolerance,
        "ours": one.ours,
        "ours_low": low,
        "ours_high": high,
    }


def _number(value: float | str, quantity: Quantity) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4g}{_UNITS.get(quantity, '×')}"


def _interval(one: Judgement) -> str:
    return "" if one.interval is None else f" [{one.interval[0]:.4g}, {one.interval[1]:.4g}]"


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
