"""Whether a cell's blocks look like one steady measurement, and where its noise comes from. Flagged, never deleted."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from lab.core.arm import Arm
from lab.report.document import Column, Section, Table
from lab.report.overheads import TIME, log_ratios
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS
from lab.stats.diagnostics import SeriesFlag, bimodality, dependence, drift, outliers, parting
from lab.stats.iterations import Components, Shape, WarmUp, find_warm_up, variance_components
from lab.stats.ratios import Floats

LEAD = (
    "Overall times by block, tested for a drift (Mann-Kendall), for two modes (dip test) and for outliers (modified "
    "z-score above 3.5); their ratios to native for trials that resemble those of the block before (rank version of "
    "von Neumann's ratio), and for a mean trial that parts from the typical one; inferences for a warm-up that lasts "
    "longer than the first. A flag warns; nothing is deleted."
)
_LONGEST = 200
_INFERENCES = 1000  # searched for a warm-up: its cost grows with the square
_CELL_COLUMNS = (
    *CASE_COLUMNS,
    Column("drift", "drift"),
    Column("modes", "modes"),
    Column("outliers", "outliers"),
    Column("dependence", "dependence"),
    Column("parting", "typical and mean"),
    Column("warm_up", "warm-up"),
)


def stability_section(results: Results) -> Section:
    """The cells whose series show something, and the noise of each arm by level."""
    rows = [row for cell in results.cells.values() if cell.n and (row := _row(results, cell))]
    tested = sum(1 for cell in results.cells.values() if cell.n >= 5)
    lead = (
        f"{LEAD} {len(rows)} of {len(results.cells)} cells show something; {tested} have the 5 blocks that drift needs."
    )
    tables = [Table("cells that show something", _CELL_COLUMNS, rows)] if rows else []
    return Section("series", "Stability", lead, [*tables, *_noise_by_level(results)])


def _row(results: Results, cell: Cell) -> dict[str, object] | None:
    """What the cell shows; None if nothing."""
    by_block = results.by_block(cell, TIME.name)
    blocks, values = np.array(list(by_block), dtype=np.float64), np.log(list(by_block.values()))
    if not len(values):
        return None
    far = int(outliers(values).sum())
    shown: dict[str, str | None] = {
        "drift": _raised(drift(thinned(values), thinned(blocks))),
        "modes": _raised(bimodality(values)),
        "outliers": f"{far} of {len(values)}" if far else None,
        "dependence": None,
        "parting": None,
        "warm_up": _long_warm_up(find_warm_up(np.log(results.inferences_ns(cell)[:, :_INFERENCES]))),
    }
    ratios = np.empty(0) if cell.case.arm.is_native else log_ratios(results, TIME.name, cell.case)
    if len(ratios):
        shown |= {"dependence": _raised(dependence(ratios)), "parting": _raised(parting(ratios))}
    if not any(shown.values()):
        return None
    case = cell.case
    return {"arm": case.arm.id, "model": case.model, "batch": case.batch, "trials": cell.n, **shown}


def _raised(flag: SeriesFlag) -> str | None:
    return flag.text if flag.raised else None


def _long_warm_up(found: WarmUp) -> str | None:
    """What contradicts "steady from the second inference on", as steady inference takes it."""
    if found.steady_from is None:
        return str(found.shape) if found.shape is Shape.NO_STEADY_STATE else None
    return f"{found.shape} up to inference {found.steady_from}" if found.steady_from > 1 else None


def _noise_by_level(results: Results) -> Iterator[Table]:
    """By arm, medians over its cells: how far trials scatter, and steady inferences within one trial."""
    rows = [row for arm in results.arms if (row := _arm_row(results, arm))]
    columns = (
        Column("arm", "arm"),
        Column("cells", "cells"),
        Column("between_trials", "between trials", _percent),
        Column("within_trial", "between inferences of a trial", _percent),
    )
    if rows:
        yield Table("where the noise of steady inference comes from (standard deviations, medians)", columns, rows)


def _arm_row(results: Results, arm: Arm) -> dict[str, object] | None:
    cells = [cell for case, cell in results.cells.items() if case.arm == arm and cell.n]
    found = [part for cell in cells if (part := _components(results, cell)) is not None]
    if not found:
        return None
    between, within = (
        float(np.sqrt(median(getattr(part, level) for part in found))) for level in ("between_trials", "within_trials")
    )
    return {"arm": arm.id, "cells": len(found), "between_trials": between, "within_trial": within}


def _components(results: Results, cell: Cell) -> Components | None:
    return variance_components(np.log(results.inferences_ns(cell)[:, 1:]))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %"


def thinned(series: Floats) -> Floats:
    """Means of neighbours where the series is long: Theil and Sen's slope costs the square of its length."""
    if len(series) <= _LONGEST:
        return series
    edges = np.linspace(0, len(series), _LONGEST + 1).astype(np.intp)
    means: Floats = np.add.reduceat(series, edges[:-1]) / np.diff(edges)
    return means
