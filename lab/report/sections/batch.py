"""Table III: what a larger batch costs, as the paper's ratio of averages and as geometric mean of ratios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.core.arm import Arm
from lab.core.case import Case
from lab.report.display import arm_name, model_name, ratio
from lab.report.document import Column, Section, Table
from lab.report.overheads import MEMORY, TIME, CostQuantity
from lab.report.results import Cell, Results
from lab.stats.combine import geometric_mean_over_models, ratio_of_averages

LEAD = (
    "Cost of the larger batch over that of the smallest. Ratio of averages is the paper's equation (2): the mean over "
    "models of the one divided by the mean over models of the other, which the largest models decide. The geometric "
    "mean of each model's own ratio (paired by block) weighs models alike. Both with 95 % intervals, over the models "
    "measured at both batch sizes."
)


def batch_section(results: Results) -> Section | None:
    """Table III of this campaign; None if it holds one batch size only."""
    if len(results.batches) < 2:
        return None
    small, *larger = results.batches
    rows = [_row(results, arm, small, large) for large in larger for arm in results.arms]
    columns = (
        Column("arm", ""),
        Column("guest", "guest"),
        Column("name", "arm"),
        Column("batches", "batches"),
        *_columns("time"),
        *_columns("memory"),
        Column("models", "models"),
        Column("left_out", "left out"),
    )
    return Section("table-3-batch", "Batch (Table III)", LEAD, [Table("ratio of costs", columns, rows)])


def _columns(kind: str) -> tuple[Column, ...]:
    return (
        Column(f"{kind}_ratio_of_averages", f"{kind}\nratio of averages", ratio),
        Column(f"{kind}_ratio_of_averages_low", ""),
        Column(f"{kind}_ratio_of_averages_high", ""),
        Column(f"{kind}_geomean", f"{kind}\ngeometric mean", ratio),
        Column(f"{kind}_geomean_low", "95 % from", ratio),
        Column(f"{kind}_geomean_high", "to", ratio),
    )


def _row(results: Results, arm: Arm, small: int, large: int) -> dict[str, Any]:
    pairs: dict[str, tuple[Cell, Cell]] = {}
    left_out = []
    for model in results.models:
        ends = [results.cells.get(Case(arm, model, batch)) for batch in (small, large)]
        if ends[0] is None or ends[1] is None:
            continue
        if ends[0].n and ends[1].n:
            pairs[model] = (ends[0], ends[1])
        else:
            left_out.append(f"{model_name(model)}: {(ends[1] if ends[0].n else ends[0]).status}")
    row: dict[str, Any] = {
        "arm": arm.id,
        "guest": str(arm.guest),
        "name": arm_name(arm),
        "batches": f"{large} / {small}",
    }
    row |= {"models": len(pairs), "left_out": "\n".join(left_out) or None}
    for kind, quantity in (("time", TIME), ("memory", MEMORY)):
        row |= {f"{kind}_{key}": value for key, value in _ratios(results, pairs, quantity).items()}
    return row


def _ratios(
    results: Results, pairs: Mapping[str, tuple[Cell, Cell]], quantity: CostQuantity
) -> dict[str, float | None]:
    large, small = (
        {model: np.exp(results.logs(cells[size], quantity.name)) for model, cells in pairs.items()} for size in (1, 0)
    )
    averages = ratio_of_averages(large, small)
    mean = geometric_mean_over_models(
        {model: results.log_ratios(cells[1], cells[0], quantity.name) for model, cells in pairs.items()}
    )
    found: dict[str, float | None] = {}
    for name, estimate in (("ratio_of_averages", averages), ("geomean", mean)):
        found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return found
