"""Cold starts from a loaded model, beside what preparing it cost once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.report.display import arm_name, bounds, digits, megabytes, model_name, ratio, seconds
from lab.report.document import Column, Section, Table
from lab.report.preparation import ColdStart
from lab.stats.estimate import Estimate

LEAD = (
    "A whole run with one inference where the model is loaded beforehand: read, decoded, built, optimised, and kept as "
    "the memory of the module, or natively as a heap that is mapped. Over the same arm that loads the model itself, "
    "over native that does (both from the protobuf), and over native that is prepared, too; paired by block, brackets "
    "hold 95 % intervals. Preparation is a trial of its own; arms of one guest share what it made. Starts until paid "
    "back: preparation, and what precompiling the prepared module takes longer, over what one start saves."
)
_OVER = {
    "over_plain": "over itself, plain",
    "over_native": "over native, plain",
    "over_native_prepared": "over native, prepared",
}
_COST = (
    Column("prepare_ns", "preparation", seconds),
    Column("prepare_rss_peak_bytes", "its memory", megabytes),
    Column("artifact_bytes", "size", megabytes),
    Column("compile_ns", "compile time", seconds),
    Column("starts_to_pay_back", "starts until paid back", digits),
)


def cold_start_section(starts: Sequence[ColdStart]) -> Section | None:
    """A table per model and batch; None without a prepared guest."""
    if not starts:
        return None
    shown = (
        Column("name", "arm"),
        Column("time_ns", "cold run", seconds),
        *(Column(f"{key}_text", title) for key, title in _OVER.items()),
        *_COST,
    )
    rows = [(start.cell.case, _row(start)) for start in starts]
    places = dict.fromkeys((case.model, case.batch) for case, _ in rows)
    tables = [
        Table(
            f"{model_name(model)}, batch {batch}",
            shown,
            [row for case, row in rows if (case.model, case.batch) == (model, batch)],
        )
        for model, batch in places
    ]
    numbers = [Column(f"{key}{end}", "") for key in ("time_ns", *_OVER) for end in ("", "_low", "_high")]
    names = [Column(key, "") for key in ("arm", "model", "batch", "trials")]
    costs = [Column(column.key, "") for column in _COST]
    detail = Table("every cell", (*names, *numbers, *costs), [row for _, row in rows])
    return Section("cold-start", "Cold start, prepared", LEAD, tables, detail)


def _row(start: ColdStart) -> dict[str, Any]:
    case = start.cell.case
    row: dict[str, Any] = {
        "name": f"{arm_name(case.arm)} ({case.arm.guest.plain})",
        "arm": case.arm.id,
        "model": case.model,
        "batch": case.batch,
        "trials": start.cell.n,
        "prepare_ns": start.prepare_ns,
        "prepare_rss_peak_bytes": start.rss_peak_bytes,
        "artifact_bytes": start.artifact_bytes,
        "compile_ns": start.compile_ns,
        "starts_to_pay_back": start.starts_to_pay_back,
        **_ends("time_ns", start.time),
    }
    for key in _OVER:
        found: Estimate | None = getattr(start, key)
        row |= _ends(key, found) | {f"{key}_text": _text(found)}
    return row


def _ends(key: str, found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {}
    return {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}


def _text(found: Estimate | None) -> str | None:
    if found is None or found.value is None:
        return None
    return f"{ratio(found.value)}\n{bounds(found.low, found.high).strip()}".strip()
