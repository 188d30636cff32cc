"""What sections share: the arms × models overview, and the columns that name a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.core.arm import Arm, GuestProfile
from lab.core.case import Case
from lab.core.trial import Outcome
from lab.report.display import arm_name, model_name, outcome_name, seconds
from lab.report.document import ARM_ID, Column, SortedText, Table
from lab.report.results import Cell, Results

CASE_COLUMNS = (
    Column("arm", "arm"),
    Column("model", "model", model_name),
    Column("batch", "batch"),
    Column("trials", "trials"),
)
STATE_COLUMNS = (Column("outcome", "outcome"), Column("why", "why"), Column("predicted_ns", ""))


def case_fields(cell: Cell) -> dict[str, Any]:
    """A detail row's identity and state."""
    return {
        "arm": cell.case.arm.id,
        "model": cell.case.model,
        "batch": cell.case.batch,
        "trials": cell.n,
        "outcome": cell.status,
        "why": cell.why,
        "predicted_ns": cell.predicted_ns,
    }


def failure_text(cell: Cell) -> str:
    """What stands in an overview where there is no number: the reason's word, and a predicted cost."""
    if cell.failed_as is Outcome.OVER_BUDGET and cell.predicted_ns is not None:
        return f"{outcome_name(cell.failed_as)}\n(≈ {seconds(cell.predicted_ns)})"
    return outcome_name(cell.failed_as) if cell.failed_as else cell.status


def overview(
    title: str,
    results: Results,
    cells: Iterable[Cell],
    entry: Callable[[Cell], str | SortedText],
    summary: tuple[str, Callable[[Arm], str | SortedText | None]] | None = None,
) -> Table:
    """Arms down, models across (smallest first), for cells of one guest and batch.

    `entry` gives the text of a measured cell, others show their reason; `summary` is heading and content of a last
    column.
    """
    by_place = {(cell.case.arm, cell.case.model): cell for cell in cells}
    arms = list(dict.fromkeys(arm for arm, _ in by_place))
    models = [model for model in results.models if any((arm, model) in by_place for arm in arms)]
    rows = []
    for arm in arms:
        row: dict[str, str | SortedText | None] = {"arm": arm_name(arm), ARM_ID: arm.id}
        for model in models:
            cell = by_place.get((arm, model))
            row[model] = None if cell is None else entry(cell) if cell.n else failure_text(cell)
        if summary:
            row["summary"] = summary[1](arm)
        rows.append(row)
    heads = [Column(model, model_name(model).replace(" ", "\n", 1), model=model) for model in models]
    last = [Column("summary", summary[0])] if summary else []
    batches = {cell.case.batch for cell in by_place.values()}
    scope = {"batch": batches.pop()} if len(batches) == 1 else {}
    return Table(title, (Column("arm", "arm"), *heads, *last), rows, scope)


def slices(results: Results, cells: Sequence[Cell]) -> list[tuple[GuestProfile, int, list[Cell]]]:
    """The cells of each guest and batch, those without any left out."""
    found = []
    for guest in results.guests:
        for batch in results.batches:
            part = [cell for cell in cells if cell.case.arm.guest is guest and cell.case.batch == batch]
            if part:
                found.append((guest, batch, part))
    return found


def slice_title(guest: GuestProfile, batch: int) -> str:
    """``guest o3, batch 1``."""
    return f"guest {guest}, batch {batch}"


def cells_of(results: Results, chosen: Callable[[Case], bool]) -> list[Cell]:
    """Cells whose case is chosen, in display order."""
    return [cell for case, cell in results.cells.items() if chosen(case)]
