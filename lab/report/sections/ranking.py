"""Arms ranked over models: mean ranks, and which of them cannot be distinguished."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from lab.report.display import arm_name, digits, model_name
from lab.report.document import Column, Section, Table
from lab.report.rankings import LEAST_ARMS, LEAST_MODELS, GuestRanking
from lab.stats.rankings import Ranking

LEAD = (
    "Arms ranked within each model by overall time at the smallest batch, 1 for the fastest; the mean of those ranks "
    "(Friedman's test, then Nemenyi's critical difference at 0.05; Demšar 2006). Arms that share a letter cannot be "
    "distinguished. Models are the sample here: which arm is the faster one on networks like these, by whatever factor?"
)
_COLUMNS = (
    Column("guest", ""),
    Column("arm", "arm"),
    Column("mean_rank", "mean rank", lambda value: digits(value, 2)),
    Column("alike", "alike"),
    Column("models", ""),
    Column("p_friedman", ""),
    Column("critical_difference", ""),
)


def ranking_section(rankings: Sequence[GuestRanking]) -> Section:
    """A table and a diagram per guest build, or why there is none."""
    missing = [_too_few(part) for part in rankings if part.ranking is None]
    ranked = [(part, part.ranking) for part in rankings if part.ranking is not None]
    tables = [Table(_title(part, ranking), _COLUMNS, _rows(part, ranking)) for part, ranking in ranked]
    detail = Table("every rank", _COLUMNS, [row for table in tables for row in table.rows]) if tables else None
    names = [part.figure_name for part, _ in ranked]
    return Section("ranking", "Ranking over models", " ".join([LEAD, *missing]), tables, detail, names)


def _too_few(part: GuestRanking) -> str:
    need = f"{LEAST_ARMS} arms that were measured on the same {LEAST_MODELS} models"
    return f"Guest {part.guest} has no ranking: it takes {need}, and there are none."


def _title(part: GuestRanking, ranking: Ranking) -> str:
    """What the table rests on, and what is left out of it."""
    over = f"{len(ranking.mean_ranks)} arms on {len(ranking.models)} models"
    parts = [f"guest {part.guest}: {over}"]
    if ranking.p is not None and ranking.critical_difference is not None:
        parts.append(f"Friedman p = {ranking.p:.2g}, critical difference {digits(ranking.critical_difference, 3)}")
    if ranking.reason is not None:
        parts.append(ranking.reason)
    left_out = [*map(arm_name, part.arms_left_out), *map(model_name, part.models_left_out)]
    if left_out:
        parts.append(f"left out, for want of cells: {', '.join(left_out)}")
    return "; ".join(parts)


def _rows(part: GuestRanking, ranking: Ranking) -> list[dict[str, Any]]:
    common: dict[str, Any] = {"guest": part.guest, "models": len(ranking.models), "p_friedman": ranking.p}
    common["critical_difference"] = ranking.critical_difference
    ranked = ranking.mean_ranks.items()
    letters = dict.fromkeys(ranking.mean_ranks, "")
    for letter, group in zip(ascii_lowercase, ranking.groups, strict=False):
        for arm in group:
            letters[arm] += letter
    return [{"arm": arm, "mean_rank": rank, "alike": letters[arm] or None} | common for arm, rank in ranked]
