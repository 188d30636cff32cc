"""The paper's claims, judged on this campaign: which file holds them, and their table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lab
from lab.report.claims import Judgement, tally
from lab.report.document import Column, Section, Table
from lab.report.names import digits

LEAD = (
    "Each claim's figure here, with its 95 % interval, against the paper's with its tolerance. Reproduced: the whole "
    "interval agrees. Not reproduced: the whole interval does not. Inconclusive: neither. Not run: nothing was measured."
)


def claims_path(experiment: str) -> Path | None:
    """The claims that belong to an experiment: ``experiments/<name>/claims.toml`` beside the package, if there."""
    path = Path(lab.__file__).resolve().parent.parent / "experiments" / experiment / "claims.toml"
    return path if path.is_file() else None


def claims_section(judgements: Sequence[Judgement]) -> Section:
    """One row per claim, and how many got which verdict."""
    counts = [{"verdict": str(verdict), "claims": count} for verdict, count in tally(judgements).items()]
    overview = Table("verdicts", (Column("verdict", "verdict"), Column("claims", "claims")), counts)
    columns = (
        Column("id", "claim"),
        Column("place", "place"),
        Column("says", "says"),
        Column("paper", "paper", _figure),
        Column("tolerance", "±", _figure),
        Column("ours", "ours", _figure),
        Column("ours_low", "95 % from", _figure),
        Column("ours_high", "to", _figure),
        Column("verdict", "verdict"),
        Column("why", "why"),
    )
    return Section(
        "claims", "The paper's claims", LEAD, [overview], Table("every claim", columns, [*map(_row, judgements)])
    )


def _row(one: Judgement) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    row: dict[str, Any] = {"id": one.id, "place": one.place, "says": one.says, "paper": one.paper}
    row |= {"tolerance": one.tolerance, "ours": one.ours, "ours_low": low, "ours_high": high}
    return row | {"verdict": str(one.verdict), "why": one.why or None}


def _figure(value: Any) -> str:
    return digits(value) if isinstance(value, int | float) else str(value)
