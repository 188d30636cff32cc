"""Where the time of one cold inference goes, phase by phase."""

from __future__ import annotations

from typing import Any

from lab.report.display import seconds
from lab.report.document import Column, Section, Table
from lab.report.figures.phase_stack import PHASE_NAMES, Stack
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS, STATE_COLUMNS, case_fields, slice_title, slices

_SOURCES = {
    "startup": "startup_ns",
    "read": "read_ns",
    "decode": "decode_ns",
    "build": "build_ns",
    "optimise": "optimise_ns",
    "infer": "first_infer_ns",
}
LEAD = (
    "Mean of each phase over trials. Start-up is exec to the guest's first instruction, by the probe's clock: runtime "
    "start, module load and, with a JIT, compilation of the whole module. Reading, decoding, building and optimising "
    "are by the guest's own clock. The rest is output, exit, and what lies between the phases. Steady is the median of "
    "the further inferences of the process, which the total leaves out."
)


def phase_parts_ns(results: Results, cell: Cell) -> dict[str, float]:
    """Mean ns of each phase by the names of `PHASE_NAMES`; a phase never measured is absent. Their sum is the total."""
    parts = {}
    for name, source in _SOURCES.items():
        values = results.values(cell, source)
        if len(values):
            parts[name] = float(values.mean())
    totals = results.values(cell, "single_total_ns")
    if len(totals) and parts:
        # two clocks meet here: where the phases add up to more than the whole, nothing is left
        parts["rest"] = max(0.0, float(totals.mean()) - sum(parts.values()))
    return parts


def stack(results: Results, cell: Cell) -> Stack:
    """The cell as a bar of the phases figure."""
    return Stack(phase_parts_ns(results, cell), "" if cell.n else cell.word)


def phases_section(results: Results, figures: tuple[str, ...]) -> Section:
    """The load phases of every cell that was measured, and the state of the others."""
    columns = (
        *CASE_COLUMNS,
        *(Column(f"{name}_ns_mean", _head(name), seconds) for name in PHASE_NAMES),
        Column("steady_infer_ns_mean", "steady", seconds),
        Column("single_total_ns_mean", "total", seconds),
        *STATE_COLUMNS,
    )
    shown = (columns[0], columns[1], *columns[4 : 4 + len(PHASE_NAMES) + 2])
    cells = list(results.cells.values())
    rows = {cell.case: _row(results, cell) for cell in cells}
    tables = [
        Table(slice_title(guest, batch), shown, [rows[cell.case] for cell in part if cell.n])
        for guest, batch, part in slices(results, cells)
        if any(cell.n for cell in part)
    ]
    return Section("phases", "Load phases", LEAD, tables, Table("every cell", columns, list(rows.values())), figures)


def _head(name: str) -> str:
    return {"startup": "start-up", "infer": "first inference"}.get(name, name)


def _row(results: Results, cell: Cell) -> dict[str, Any]:
    row = case_fields(cell) | {f"{name}_ns_mean": value for name, value in phase_parts_ns(results, cell).items()}
    for name in ("steady_infer_ns", "single_total_ns"):
        values = results.values(cell, name)
        row[f"{name}_mean"] = float(values.mean()) if len(values) else None
    return row
