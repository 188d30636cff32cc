"""Arms ranked over models and on them: mean ranks, and which of them cannot be distinguished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_letters
from typing import Any

from lab.report.display import arm_name, bounds, digits, model_name, names_of, ratio
from lab.report.document import Column, Section, Table
from lab.report.rankings import LEAST_ARMS, LEAST_MODELS, GuestRanking, LevelTournament
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
    letters = _letters(ranking.mean_ranks, ranking.groups)
    return [{"arm": arm, "mean_rank": rank, "alike": letters[arm] or None} | common for arm, rank in ranked]


def _letters(arms: Iterable[str], groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """A letter for each group, on every arm of it; past the alphabet its number."""
    found = dict.fromkeys(arms, "")
    for place, group in enumerate(groups):
        letter = ascii_letters[place] if place < len(ascii_letters) else f" {place + 1} "
        for arm in group:
            found[arm] += letter
    return found


TOURNAMENT_LEAD = (
    "Arms ranked on this campaign's models, by a cold run and by a steady inference at the smallest batch: the mean of "
    "their ranks within each block and model, 1 for the fastest. Any two are compared by themselves: the mean over "
    "models of their log-ratio in each block, blocks being the sample (20 % trimmed mean, below 10 blocks the exact "
    "signed-rank test too; Holm's correction over all pairs, 0.05). Arms that share a letter cannot be distinguished. "
    "The answer is about these models; for others see the ranking over models."
)
_TOURNAMENT_COLUMNS = (
    Column("level", ""),
    Column("ranked_by", ""),
    Column("arm", "arm"),
    Column("mean_rank", "mean rank", lambda value: digits(value, 3)),
    Column("alike", "alike"),
    Column("over_first", "over the first", ratio),
    Column("over_first_low", ""),
    Column("over_first_high", ""),
    Column("interval", "95 %"),
    Column("blocks", ""),
    Column("p_friedman", ""),
)


def tournament_section(found: Sequence[LevelTournament]) -> Section | None:
    """A table and a diagram per level and quantity; None where no three arms share a model."""
    if not found:
        return None
    tables = [Table(_tournament_title(part), _TOURNAMENT_COLUMNS, _tournament_rows(part)) for part in found]
    detail = Table("every rank", _TOURNAMENT_COLUMNS, [row for table in tables for row in table.rows])
    figures = [part.figure_name for part in found]
    return Section("tournament", "Ranking on these models", TOURNAMENT_LEAD, tables, detail, figures)


def _tournament_title(part: LevelTournament) -> str:
    found = part.found
    over = f"{len(found.mean_ranks)} arms on {len(found.models)} models"
    parts = [f"level {part.level}, by {part.title}: {over}", f"{found.blocks} blocks hold them all"]
    if found.p is not None:
        parts.append(f"Friedman p = {found.p:.2g}")
    names = names_of([*part.arms.values(), *part.arms_left_out])
    left_out = [*(names[arm] for arm in part.arms_left_out), *map(model_name, part.models_left_out)]
    if left_out:
        parts.append(f"left out, for want of cells: {', '.join(left_out)}")
    return "; ".join(parts)


def _tournament_rows(part: LevelTournament) -> list[dict[str, Any]]:
    found = part.found
    letters = _letters(found.mean_ranks, found.groups)
    rows = []
    for arm, rank in found.mean_ranks.items():
        row: dict[str, Any] = {"level": str(part.level), "ranked_by": part.quantity, "arm": arm, "mean_rank": rank}
        row |= {"alike": letters[arm] or None, "blocks": found.blocks, "p_friedman": found.p}
        if (over := found.over_best.get(arm)) is not None:
            row |= {"over_first": over.value, "over_first_low": over.low, "over_first_high": over.high}
            row["interval"] = bounds(over.low, over.high).strip() or None
        rows.append(row)
    return rows
