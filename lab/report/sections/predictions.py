"""How far off predicted times were for cells that were measured after all: what over-budget cells are judged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lab.core.arm import Arm
from lab.core.trial import Outcome
from lab.report.display import ratio, seconds, share
from lab.report.document import Column, Section, Table
from lab.report.results import Results
from lab.report.sections.common import CASE_COLUMNS

# What a prediction rests on (`lab.campaign.prediction`): the first good trial of an arm had nothing else.
GUESS, MEASURED = "a guess by kind of arm", "that arm's measured speed"
LEAD = (
    "Each case's first trial was predicted before it ran. How far off is the larger over the smaller of both times: 1 "
    "is exact. Predictions of over-budget cells are made in the same way."
)
_WORST = 10


def predictions_section(results: Results) -> Section | None:
    """Predicted against measured, by what predictions rest on and by arm, and the worst cells; None without any."""
    rows = _rows(results)
    if not rows:
        return None
    late = sum(1 for row in rows if row["over_budget_first"])
    lead = f"{LEAD} Checked: {len(rows)}, {late} of them of cells that were over budget at first."
    bases = [(name, [row for row in rows if row["rests_on"] == name]) for name in (GUESS, MEASURED)]
    by_basis = [{"rests_on": name} | _off(of_basis) for name, of_basis in bases if of_basis]
    worst = sorted(rows, key=lambda row: -row["off"])[:_WORST]
    tables = [
        Table("by what they rest on", (Column("rests_on", "rests on"), *_OFF_COLUMNS), by_basis),
        Table("from measured speeds, by arm", (Column("arm", "arm"), *_OFF_COLUMNS), _by_arm(results, rows)),
        Table("the worst", _CELL_COLUMNS, worst),
    ]
    detail = Table("every first trial", _CELL_COLUMNS, rows)
    return Section("predictions", "Predictions", lead, [table for table in tables if table.rows], detail)


_OFF_COLUMNS = (
    Column("cells", "cells"),
    Column("off_median", "off, median", ratio),
    Column("off_max", "off, at worst", ratio),
    Column("within_2", "within 2×", share),
    Column("over_predicted_median", "measured over predicted, median", ratio),
)
_CELL_COLUMNS = (
    *CASE_COLUMNS[:-1],
    Column("rests_on", "rests on"),
    Column("predicted_ns", "predicted", seconds),
    Column("total_ns", "measured", seconds),
    Column("off", "off", ratio),
    Column("over_budget_first", ""),
)


def _rows(results: Results) -> list[dict[str, Any]]:
    """One row for every good trial that was predicted, in display order of its case."""
    table = results.table
    predicted, total = table.quantities["predicted_ns"], table.quantities["total_ns"]
    first_of_arm = _first_rows(results)
    found = []
    for case, cell in results.cells.items():
        for row in cell.rows[~np.isnan(predicted[cell.rows]) & ~np.isnan(total[cell.rows])].tolist():
            times = float(predicted[row]), float(total[row])
            identity: dict[str, Any] = {"arm": case.arm.id, "model": case.model, "batch": case.batch}
            rests_on = GUESS if row == first_of_arm[case.arm] else MEASURED
            figures = {"predicted_ns": times[0], "total_ns": times[1], "off": max(times) / min(times)}
            over_budget_first = Outcome.OVER_BUDGET in cell.failures
            found.append(identity | {"rests_on": rests_on, "over_budget_first": over_budget_first} | figures)
    return found


def _first_rows(results: Results) -> dict[Arm, int]:
    """The row of each arm's first good trial."""
    found: dict[Arm, int] = {}
    for case, cell in results.cells.items():
        if cell.n:
            found[case.arm] = min(int(cell.rows[0]), found.get(case.arm, int(cell.rows[0])))
    return found


def _by_arm(results: Results, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    by_arm: dict[str, list[dict[str, Any]]] = {arm.id: [] for arm in results.arms}
    for row in rows:
        if row["rests_on"] == MEASURED:
            by_arm[row["arm"]].append(row)
    return [{"arm": arm} | _off(of_arm) for arm, of_arm in by_arm.items() if of_arm]


def _off(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    off: npt.NDArray[np.float64] = np.array([row["off"] for row in rows])
    over = np.array([row["total_ns"] / row["predicted_ns"] for row in rows])
    return {
        "cells": len(rows),
        "off_median": float(np.median(off)),
        "off_max": float(off.max()),
        "within_2": float((off <= 2).mean()),
        "over_predicted_median": float(np.median(over)),
    }
