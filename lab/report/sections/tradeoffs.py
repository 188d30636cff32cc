"""What is traded for what, in numbers: start-up, steady speed, overhead, memory, and size on disk of every arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.report.display import megabytes, model_name, names_of, ratio, seconds
from lab.report.document import Column, Section, Table
from lab.report.tradeoffs import MEMORY_FIGURE, START_FIGURE, ModelTradeoffs

LEAD = (
    "Each arm at the smallest batch: what a start costs (a cold run less one steady inference: runtime, compilation, "
    "loading), what each inference costs after it, the cold run over native, peak memory, and the precompiled module "
    "on disk. An arm is on the front of two costs (●) if no other but native is at least as good in both and better in "
    "one; fronts are of typical trials: whether two arms can be distinguished is in the sections on time and memory."
)
_COLUMNS = (
    Column("level", ""),
    Column("model", "model", model_name),
    Column("arm", ""),
    Column("name", "arm"),
    Column("start_ns", "start", seconds),
    Column("steady_infer_ns", "steady inference", seconds),
    Column("on_start_front", "start / speed", lambda is_on: "●" if is_on else ""),
    Column("over_native", "cold run over native", ratio),
    Column("rss_peak_bytes", "peak memory", megabytes),
    Column("on_memory_front", "overhead / memory", lambda is_on: "●" if is_on else ""),
    Column("artifact_bytes", "module on disk", megabytes),
)


def tradeoffs_section(trades: Sequence[ModelTradeoffs]) -> Section | None:
    """A table per level of the arms on a front, all arms below; None without any arm but native."""
    if not trades:
        return None
    tables, every = [], []
    for level in dict.fromkeys(trade.level for trade in trades):
        rows = _rows([trade for trade in trades if trade.level is level])
        every += rows
        best = [row for row in rows if row["on_start_front"] or row["on_memory_front"]]
        if best:
            tables.append(Table(f"level {level}: arms on a front", _COLUMNS, best))
    figures = [
        f"{figure.name}-{level}"
        for level in dict.fromkeys(trade.level for trade in trades)
        for figure in (START_FIGURE, MEMORY_FIGURE)
    ]
    return Section("trade-offs", "Start-up, speed, memory", LEAD, tables, Table("every arm", _COLUMNS, every), figures)


def _rows(trades: Sequence[ModelTradeoffs]) -> list[dict[str, Any]]:
    names = names_of(case.arm for trade in trades for case in trade.standings)
    return [
        {
            "level": str(trade.level),
            "model": trade.model,
            "arm": case.arm.id,
            "name": names[case.arm],
            "start_ns": standing.start_ns,
            "steady_infer_ns": standing.steady_ns,
            "on_start_front": case in trade.start_front,
            "over_native": standing.over_native.value if standing.over_native else None,
            "rss_peak_bytes": standing.memory_bytes,
            "on_memory_front": case in trade.memory_front,
            "artifact_bytes": standing.artifact_bytes,
        }
        for trade in trades
        for case, standing in trade.standings.items()
    ]
