"""Table II: how much of the time is inference; as the guest sees it, and of the whole run."""

from __future__ import annotations

from typing import Any

from lab.report.display import share
from lab.report.document import Column, Section, Table
from lab.report.precompilation import is_uncompiled
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS, STATE_COLUMNS, case_fields, cells_of, overview, slice_title, slices

LEAD = (
    "Share of the first inference in loading + first inference, as the guest's own clock sees it (the paper's Table "
    "II); in brackets its share of the whole run, where runtime start-up and JIT compilation count as loading. "
    "Means over trials."
)


def share_section(results: Results) -> Section:
    """Table II of this campaign."""
    cells = cells_of(results, is_uncompiled)

    def entry(cell: Cell) -> str:
        row = _row(results, cell)
        guest, whole = row["inference_share_mean"], row["inference_share_of_total_mean"]
        head = "not measured" if guest is None else share(guest)
        return head if whole is None else f"{head}\n({share(whole)})"

    tables = [overview(slice_title(g, batch), results, part, entry) for g, batch, part in slices(results, cells)]
    columns = (
        *CASE_COLUMNS,
        Column("inference_share_mean", "of loading + inference", share),
        Column("inference_share_sd", "sd", share),
        Column("inference_share_of_total_mean", "of the whole run", share),
        Column("inference_share_of_total_sd", "sd", share),
        *STATE_COLUMNS,
    )
    detail = Table("every cell", columns, [_row(results, cell) for cell in cells])
    return Section("table-2-inference-share", "Inference share (Table II)", LEAD, tables, detail)


def _row(results: Results, cell: Cell) -> dict[str, Any]:
    row = case_fields(cell)
    for name in ("inference_share", "inference_share_of_total"):
        values = results.values(cell, name)
        row[f"{name}_mean"] = float(values.mean()) if len(values) else None
        row[f"{name}_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
    return row
