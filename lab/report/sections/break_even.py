"""Break-even: which arm for how many inferences per start, and where any two of them change places."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lab.core.case import Case
from lab.report.break_even import ModelTotals, Pair, Stretch
from lab.report.display import digits, model_name, names_of, seconds
from lab.report.document import Column, Section, Table
from lab.stats.break_even import Ahead, BreakEven

NAME = "break-even"
LEAD = (
    "A run of n inferences takes start + n × steady inference, where start is a cold run less one steady inference. "
    "Two arms take the same at N = difference of starts / difference of inferences; the interval holds every number "
    "at which they cannot be distinguished (95 %, from the blocks that hold both). Smallest batch, arms that share a "
    "baseline; the best is chosen among all but native. Cells with one inference per trial are left out. "
    "Times are of typical trials."
)


def number_text(number: float) -> str:
    """A number of inferences: ``8.53``, ``12,300``, ``∞``."""
    return "∞" if math.isinf(number) else f"{float(digits(number)):,g}" if number < 1000 else f"{number:,.0f}"


_MOST_NAMED = 3
_BEST_COLUMNS = (
    Column("model", "model", model_name),
    Column("inferences_per_start", "inferences per start", lambda number: f"{number:,}"),
    Column("arm", "takes least"),
    Column("total_ns", "total time", seconds),
    Column("total_low", "95 % from", seconds),
    Column("total_high", "to", seconds),
    Column("alike", "cannot be distinguished from it"),
)
_STRETCH_COLUMNS = (
    Column("model", "model", model_name),
    Column("from_inferences", "from", lambda number: f"{number:,}"),
    Column("arm", "takes least"),
    Column("before", "instead of"),
    Column("interval", "95 %"),
)
_PAIR_COLUMNS = (
    Column("level", "level"),
    Column("model", "model", model_name),
    Column("first", "quicker cold run"),
    Column("second", "other arm"),
    Column("blocks", "blocks"),
    Column("break_even", "breaks even at", number_text),
    Column("break_even_low", "95 % from", number_text),
    Column("break_even_high", "to", number_text),
    Column("few", ""),
    Column("many", ""),
    Column("reading", "reading"),
)


def break_even_section(totals: Sequence[ModelTotals]) -> Section | None:
    """The section; None where no two arms have a further inference on one model."""
    if not totals:
        return None
    tables = [
        table
        for level in dict.fromkeys(model.level for model in totals)
        for table in _tables(level, [model for model in totals if model.level is level])
    ]
    rows = [_pair_row(model, pair) for model in totals for pair in model.pairs]
    figures = list(dict.fromkeys(model.figure_name for model in totals if model.best))
    return Section(NAME, "Break-even", LEAD, tables, Table("every two arms", _PAIR_COLUMNS, rows), figures)


def _tables(level: str, totals: Sequence[ModelTotals]) -> Iterator[Table]:
    names = names_of(case.arm for model in totals for case in model.lines)
    best: list[dict[str, Any]] = []
    stretches: list[dict[str, Any]] = []
    for model in totals:
        for found in model.best:
            head = {"model": model.model, "inferences_per_start": found.inferences, "arm": names[found.case.arm]}
            ends = {"total_ns": found.total.value, "total_low": found.total.low, "total_high": found.total.high}
            alike = "not known: too few blocks" if found.alike is None else _named(found.alike, names)
            best.append(head | ends | {"alike": alike})
        for place, stretch in enumerate(model.stretches):
            before = model.stretches[place - 1].case if place else None
            stretches.append({"model": model.model, **_stretch_row(stretch, before, names)})
    if best:
        yield Table(f"level {level}: which arm for how many inferences per start", _BEST_COLUMNS, best)
        yield Table(f"level {level}: where another arm takes over", _STRETCH_COLUMNS, stretches)


def _named(cases: Sequence[Case], names: dict[Any, str]) -> str | None:
    """The first few of them; None for none."""
    more = [f"{len(cases) - _MOST_NAMED} more"] if len(cases) > _MOST_NAMED else []
    return ", ".join([*(names[case.arm] for case in cases[:_MOST_NAMED]), *more]) or None


def _stretch_row(stretch: Stretch, before: Case | None, names: dict[Any, str]) -> dict[str, Any]:
    interval = None if stretch.over is None else interval_text(stretch.over)
    old = None if before is None else names[before.arm]
    return {"from_inferences": stretch.first, "arm": names[stretch.case.arm], "before": old, "interval": interval}


def interval_text(found: BreakEven) -> str:
    """``9 [7, 12]``, with ``∞`` for an open end; what can be said where there is no interval."""
    value = "never" if found.value is None else number_text(found.value)
    if found.always is not None:
        return "never"
    if found.low is None or found.high is None:
        return f"{value} ({found.reason})"
    return f"{value} [{number_text(found.low)}, {number_text(found.high)}]"


def reading(found: BreakEven, first: str, second: str) -> str:
    """What a break-even says, as a sentence without its full stop."""
    name = {Ahead.FIRST: first, Ahead.SECOND: second}
    if found.reason is not None or found.low is None or found.high is None:
        always = f"{name[found.always]} takes less, however many" if found.always else None
        return always or f"undetermined: {found.reason}"
    if found.few is None and found.many is None:
        return "cannot be distinguished"
    if found.many is None:
        below = math.floor(found.low)
        return f"{name[found.few or Ahead.FIRST]} takes less for up to {below:,}; beyond, they cannot be distinguished"
    above = math.ceil(found.high)
    if found.few is None:
        return f"{name[found.many]} takes less from {above:,} on; below, they cannot be distinguished"
    return f"{name[found.few]} takes less below {math.floor(found.low):,}, {name[found.many]} above {above:,}"


def _pair_row(model: ModelTotals, pair: Pair) -> dict[str, Any]:
    found = pair.found
    return {
        "level": str(model.level),
        "model": model.model,
        "first": pair.first.arm.id,
        "second": pair.second.arm.id,
        "blocks": found.n,
        "break_even": found.value,
        "break_even_low": found.low,
        "break_even_high": found.high,
        "few": found.few and str(found.few),
        "many": found.many and str(found.many),
        "reading": reading(found, pair.first.arm.system, pair.second.arm.system),
    }


def break_even_rows(totals: Sequence[ModelTotals]) -> list[dict[str, Any]]:
    """Every pair, for `break-even.json`: null where an end is infinite or was not found."""
    rows = [_pair_row(model, pair) for model in totals for pair in model.pairs]
    return [{key: None if value == math.inf else value for key, value in row.items()} for row in rows]
