"""What each cell costs, and how much more than native: absolute figures and paired overheads with verdicts.

Both are of the typical trial (`lab.stats.typical`): absolute figures over blocks, overheads over the ratios to the
native trial of the same block (`lab.core.case.Case.baseline`), so that what slows a whole block down cancels. The cells
of one figure or table are one family: their verdicts share one error rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lab.core.arm import Arm
from lab.core.case import Case
from lab.report.display import megabytes, seconds
from lab.report.results import Results
from lab.stats.combine import geometric_mean_over_models
from lab.stats.planning import MARGIN
from lab.stats.ratios import Estimate, Floats, overheads
from lab.stats.verdicts import Judgement, judge_family


@dataclass(frozen=True)
class CostQuantity:
    """A quantity that costs are computed of.

    Attributes:
        name: its column in `lab.store.columns`.
        title: for people.
        show: its value for people.
        axis: unit of figures, the paper's.
        per_axis: how many of the column's units are one of the axis'.
    """

    name: str
    title: str
    show: Callable[[float], str]
    axis: str
    per_axis: float


TIME = CostQuantity("single_total_ns", "Overall time", seconds, "seconds", 1e9)
MEMORY = CostQuantity("rss_peak_bytes", "Maximum resident set size", megabytes, "GB", 1e9)


@dataclass(frozen=True)
class Cost:
    """One cell's figures.

    Attributes:
        level: typical trial over its blocks; None without a good trial.
        judgement: of its ratio to the baseline; None for baselines, and where no block holds both trials.
        log_ratios: what the judgement rests on, shape (blocks,); None where that is None.
    """

    level: Estimate | None = None
    judgement: Judgement | None = None
    log_ratios: Floats | None = None

    @property
    def overhead(self) -> Estimate | None:
        """The ratio to the baseline with its interval."""
        return self.judgement.estimate if self.judgement else None


class CostFigure(NamedTuple):
    """One of the paper's figures: its name, heading, quantity and cells."""

    name: str
    title: str
    quantity: CostQuantity
    by_case: Mapping[Case, Cost]

    @property
    def names(self) -> tuple[str, str]:
        """The logarithmic drawing, and the paper's."""
        return self.name, f"{self.name}-paper"


def costs(
    results: Results, quantity: str, cases: Iterable[Case], family: str, over: Arm | None = None
) -> dict[Case, Cost]:
    """The cost of every case given, which make one family of verdicts under that name.

    Args:
        results: of the campaign.
        quantity: its name in `lab.core.trial.QUANTITIES`.
        cases: of the family.
        family: its name, for people.
        over: arm that ratios are taken over; None for the native arm that belongs to each case.
    """
    chosen = list(cases)
    baselines = {case: case.baseline if over is None else Case(over, case.model, case.batch) for case in chosen}
    logs = {case: results.logs(results.cells[case], quantity) for case in chosen}
    levels = _estimates({case: values for case, values in logs.items() if len(values)}, results)
    compared = [case for case in levels if not (case.arm.is_native if over is None else case == baselines[case])]
    ratios = {case: log_ratios(results, quantity, case, baselines[case]) for case in compared}
    ratios = {case: values for case, values in ratios.items() if len(values)}
    judged = judge_family(ratios, MARGIN, family=family, unit=results.unit, level_at=results.level_at) if ratios else {}
    return {case: Cost(levels.get(case), judged.get(case), ratios.get(case)) for case in chosen}


def log_ratios(results: Results, quantity: str, case: Case, over: Case | None = None) -> Floats:
    """What the case's overhead rests on: of each block that holds both trials, or each world; empty without baseline.

    Args:
        results: of the campaign.
        quantity: its name in `lab.core.trial.QUANTITIES`.
        case: with a cell in `results`.
        over: the baseline; None for the case's own.
    """
    baseline = results.cells.get(over or case.baseline)
    if baseline is None:
        return np.empty(0)
    return results.log_ratios(results.cells[case], baseline, quantity)


def _estimates(values: Mapping[Case, Floats], results: Results) -> dict[Case, Estimate]:
    """All estimates, those with the same number of blocks at once, as one table."""
    by_length: dict[int, list[Case]] = {}
    for case, row in values.items():
        by_length.setdefault(len(row), []).append(case)
    found: dict[Case, Estimate] = {}
    for length, cases in by_length.items():
        table, level = np.stack([values[case] for case in cases]), 1 - results.level_at(length)
        found.update(zip(cases, overheads(table, level), strict=True))
    return {case: found[case] for case in values}


def over_models(by_case: Mapping[Case, Cost], arm: Arm, batch: int) -> Estimate | None:
    """An arm's overhead over all its measured models, each counting the same; None without any."""
    ratios = {
        case.model: cost.log_ratios
        for case, cost in by_case.items()
        if (case.arm, case.batch) == (arm, batch) and cost.log_ratios is not None
    }
    return geometric_mean_over_models(ratios) if ratios else None
