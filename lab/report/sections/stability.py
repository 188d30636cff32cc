"""Whether a cell's blocks look like one steady measurement: drift, two modes, outliers. Flagged, never deleted."""

from __future__ import annotations

import numpy as np

from lab.report.display import model_name
from lab.report.document import Column, Section, Table
from lab.report.overheads import TIME
from lab.report.results import Cell, Results
from lab.stats.diagnostics import bimodality, drift, outliers
from lab.stats.ratios import Floats

LEAD = (
    "Overall times by block, tested for a drift (Mann-Kendall), for two modes (dip test) and for outliers (modified "
    "z-score above 3.5). A flag warns that an interval may be too narrow; nothing is deleted."
)
_LONGEST = 200


def stability_section(results: Results) -> Section:
    """The cells whose series show something."""
    rows = [row for cell in results.cells.values() if cell.n and (row := _row(results, cell))]
    columns = (
        Column("arm", "arm"),
        Column("model", "model", model_name),
        Column("batch", "batch"),
        Column("trials", "trials"),
        Column("drift", "drift"),
        Column("modes", "modes"),
        Column("outliers", "outliers"),
    )
    tested = sum(1 for cell in results.cells.values() if cell.n >= 5)
    lead = (
        f"{LEAD} {len(rows)} of {len(results.cells)} cells show something; {tested} have the 5 blocks that drift needs."
    )
    return Section("series", "Stability", lead, [Table("cells that show something", columns, rows)] if rows else [])


def _row(results: Results, cell: Cell) -> dict[str, object] | None:
    by_block = results.by_block(cell, TIME.name)
    blocks, values = np.array(list(by_block), dtype=np.float64), np.log(list(by_block.values()))
    if not len(values):
        return None
    moving = drift(thinned(values), thinned(blocks))
    modes = bimodality(values)
    far = int(outliers(values).sum())
    if not (moving.raised or modes.raised or far):
        return None
    case = cell.case
    row: dict[str, object] = {"arm": case.arm.id, "model": case.model, "batch": case.batch, "trials": cell.n}
    return row | {
        "drift": moving.text if moving.raised else None,
        "modes": modes.text if modes.raised else None,
        "outliers": f"{far} of {len(values)}" if far else None,
    }


def thinned(series: Floats) -> Floats:
    """Means of neighbours where the series is long: Theil and Sen's slope costs the square of its length."""
    if len(series) <= _LONGEST:
        return series
    edges = np.linspace(0, len(series), _LONGEST + 1).astype(np.intp)
    means: Floats = np.add.reduceat(series, edges[:-1]) / np.diff(edges)
    return means
