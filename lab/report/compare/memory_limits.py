"""Campaigns of one experiment under different memory limits: which case still runs under which."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.core.case import Case
from lab.core.errors import NothingToReport, UsageError
from lab.core.trial import Outcome
from lab.core.units import show_bytes
from lab.report.compare.case_changes import outcome_label
from lab.report.display import seconds
from lab.report.document import Column, SortedText, Table
from lab.report.results import NOT_RUN, Cell, Results, load_results
from lab.stats.typical import typical

_TIME = "single_total_ns"
_RUNS = "ok"
_UNTRIED = {"absent", NOT_RUN, str(Outcome.OVER_BUDGET)}
"""What says nothing of a limit: the case was not run under it."""


@dataclass(frozen=True)
class UnderLimits:
    """One case under every limit.

    Attributes:
        case: the case.
        outcomes: ``ok``, also with what failed at times, a failure, ``not yet run`` or ``absent``, by limit in bytes.
        total_ns: overall time of the typical trial by limit, where one ended well.
    """

    case: Case
    outcomes: Mapping[int, str]
    total_ns: Mapping[int, float]

    @property
    def needs_bytes(self) -> int | None:
        """The least limit from which on every trial under every larger one ended well; None if the largest fails."""
        least = None
        for limit in sorted(self.outcomes, reverse=True):
            if self.outcomes[limit] in _UNTRIED:
                continue
            if self.outcomes[limit] != _RUNS:
                break
            least = limit
        return least

    @property
    def needs(self) -> str | None:
        """The same in words: ``at most`` where the next smaller limit was not tried; None where none was."""
        limits = sorted(self.outcomes)
        least = self.needs_bytes
        if least is None:
            tried = [limit for limit in limits if self.outcomes[limit] not in _UNTRIED]
            return f"more than {show_bytes(tried[-1])}" if tried else None
        place = limits.index(least)
        is_least = place > 0 and self.outcomes[limits[place - 1]] not in _UNTRIED
        return show_bytes(least) if is_least else f"at most {show_bytes(least)}"


def under_limits(directories: Sequence[Path]) -> tuple[UnderLimits, ...]:
    """Read campaigns together; writes nothing.

    Args:
        directories: of two campaigns or more, in any order, each with another memory limit.

    Raises:
        UsageError: fewer than two campaigns, two of one limit, or two of different machines.
        DataError: a campaign is damaged.
        NothingToReport: nothing was measured.
    """
    if len(directories) < 2:
        raise UsageError("limits are compared between two campaigns or more", "name one campaign for each limit")
    by_limit: dict[int, Results] = {}
    for results in map(load_results, directories):
        limit = results.manifest.experiment.measure.limits.memory_bytes
        if limit in by_limit:
            names = f"{by_limit[limit].manifest.campaign} and {results.manifest.campaign}"
            raise UsageError(f"{names} both have a memory limit of {show_bytes(limit)}", "name one of them")
        by_limit[limit] = results
    cases = dict.fromkeys(case for results in by_limit.values() for case in results.cells)
    found = tuple(_under(case, by_limit) for case in cases)
    if not any(line.total_ns for line in found):
        raise NothingToReport("no case ended well under any of these limits", "measure under a larger limit, too")
    return found


def _under(case: Case, by_limit: Mapping[int, Results]) -> UnderLimits:
    cells = {limit: results.cells.get(case) for limit, results in by_limit.items()}
    times = {
        limit: time for limit, cell in cells.items() if cell and (time := _time(by_limit[limit], cell)) is not None
    }
    return UnderLimits(case, {limit: outcome_label(cell) for limit, cell in cells.items()}, times)


def _time(results: Results, cell: Cell) -> float | None:
    logs = results.logs(cell, _TIME)
    return math.exp(float(typical(logs).value)) if len(logs) else None


def limits_table(found: Sequence[UnderLimits]) -> Table:
    """A row for each case, a column for each limit, and the least one that suffices."""
    limits = sorted({limit for line in found for limit in line.outcomes})
    columns = (
        *(Column(name, name) for name in ("arm", "model", "batch")),
        *(Column(f"under_{limit}_bytes", show_bytes(limit)) for limit in limits),
        Column("needs_bytes", "runs from"),
    )
    return Table("Overall time under each memory limit, or why there is none", columns, list(_rows(found, limits)))


def _rows(found: Sequence[UnderLimits], limits: Sequence[int]) -> Iterator[dict[str, object]]:
    for line in found:
        row: dict[str, object] = {"arm": line.case.arm.id, "model": line.case.model, "batch": line.case.batch}
        for limit in limits:
            outcome, time = line.outcomes[limit], line.total_ns.get(limit)
            text = outcome if time is None else seconds(time) if outcome == _RUNS else f"{seconds(time)}\n{outcome}"
            row[f"under_{limit}_bytes"] = SortedText(text, time)
        needs = line.needs
        row["needs_bytes"] = None if needs is None else SortedText(needs, line.needs_bytes)
        yield row
