"""Where the time of one cold inference goes, phase by phase."""

from __future__ import annotations

from typing import Any

from lab.report.display import seconds
from lab.report.document import Column, Section, Table
from lab.report.phases import PHASE_HEADINGS, phase_figure_names, phase_parts_ns
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS, STATE_COLUMNS, case_fields, slice_title, slices

LEAD = (
    "Mean of each phase over trials. Start-up is exec to the guest's first instruction, by the probe's clock: runtime "
    "start, module load and, with a JIT, compilation of the whole module. Reading, decoding, building and optimising "
    "are by the guest's own clock. The rest is output, exit, and what lies between the phases. Steady is the median of "
    "the further inferences of the process, which the total leaves out."
)


def phases_section(results: Results) -> Section:
    """The load phases of every cell that was measured, and the state of the others."""
    columns = (
        *CASE_COLUMNS,
        *(Column(f"{name}_ns_mean", heading, seconds) for name, heading in PHASE_HEADINGS.items()),
        Column("steady_infer_ns_mean", "steady", seconds),
        Column("single_total_ns_mean", "total", seconds),
        *STATE_COLUMNS,
    )
    shown = (columns[0], columns[1], *columns[4 : 4 + len(PHASE_HEADINGS) + 2])
    cells = list(results.cells.values())
    rows = {cell.case: _row(results, cell) for cell in cells}
    tables = [
        Table(slice_title(guest, batch), shown, [rows[cell.case] for cell in part if cell.n], {"batch": batch})
        for guest, batch, part in slices(results, cells)
        if any(cell.n for cell in part)
    ]
    detail = Table("every cell", columns, list(rows.values()))
    return Section("phases", "Load phases", LEAD, tables, detail, phase_figure_names(results))


def _row(results: Results, cell: Cell) -> dict[str, Any]:
    row = case_fields(cell) | {f"{name}_ns_mean": value for name, value in phase_parts_ns(results, cell).items()}
    for name in ("steady_infer_ns", "single_total_ns"):
        values = results.values(cell, name)
        row[f"{name}_mean"] = float(values.mean()) if len(values) else None
    return row
