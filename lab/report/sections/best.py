"""Which runtime for which model, as the report's first section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.report.best import ASPECTS, ModelBest, Winner, names_in
from lab.report.display import model_name, ratio
from lab.report.document import Column, Section, Table

NAME = "best"
_MOST_NAMED = 3
HOW = (
    "Typical trials at the smallest batch, with 95 % intervals; native and other frameworks than tract aside. "
    "Within the noise of the best are arms that may be as quick: their interval of the ratio to it holds 1."
)


def best_section(found: Sequence[ModelBest]) -> Section | None:
    """A table of the best arm by model and aspect; None where no arm of WebAssembly was measured."""
    if not found:
        return None
    names = names_in(found)
    rows = [
        _row(best, aspect.title, winner, names, aspect.show)
        for best in found
        for aspect in ASPECTS
        if (winner := best.winners.get(aspect.quantity)) is not None
    ]
    columns = (
        Column("model", "model", model_name),
        Column("batch", ""),
        Column("least", "least of"),
        Column("arm", ""),
        Column("name", "best arm"),
        Column("shown", "typical trial"),
        Column("value", ""),
        Column("over_native", "over native", ratio),
        Column("over_native_low", "95 % from", ratio),
        Column("over_native_high", "to", ratio),
        Column("alike", "within the noise of it"),
    )
    return Section(NAME, "Which runtime for which model", HOW, [Table("the best arm by model", columns, rows)])


def _row(best: ModelBest, least: str, winner: Winner, names: dict[Any, str], show: Any) -> dict[str, Any]:
    value, over = winner.cost.level and winner.cost.level.value, winner.cost.overhead
    row: dict[str, Any] = {
        "model": best.model,
        "batch": best.batch,
        "least": least,
        "arm": winner.case.arm.id,
        "name": names[winner.case.arm],
        "shown": None if value is None else show(value),
        "value": value,
        "alike": _named([names[case.arm] for case in winner.alike]),
    }
    if over is not None:
        row |= {"over_native": over.value, "over_native_low": over.low, "over_native_high": over.high}
    return row


def _named(names: Sequence[str]) -> str | None:
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return ", ".join([*names[:_MOST_NAMED], *more]) or None
