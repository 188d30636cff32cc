"""The overhead over the best native inference, taken apart into factors that multiply to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.report.decomposition import FACTORS, NAME, TakenApart
from lab.report.display import arm_name, bounds, digits, model_name, ratio
from lab.report.document import Column, Section, Table
from lab.stats.estimate import Estimate

LEAD = (
    "One cold inference end to end, over one steady inference of the best native program, and what that ratio is made "
    "of: framework (native tract over the best native), kernels (tract's generic kernels, which wasm gets, over those "
    "tuned for this processor), runtime (the arm's steady inference over native with generic kernels: wasm's vectors "
    "count here), start-up, and loading (reading to optimising, what the first inference takes longer than a steady "
    "one, output and exit). Within a block the factors telescope; over blocks they are geometric means, so that each "
    "row multiplies to its total. Brackets hold 95 % intervals."
)


def decomposition_section(rows: Sequence[TakenApart]) -> Section | None:
    """A table per model and batch; None where nothing was taken apart."""
    if not rows:
        return None
    named = [name for name in FACTORS if any(name in row.parts.factors for row in rows)]
    shown = (
        Column("arm", "arm"),
        *(Column(name, name) for name in named),
        Column("total", "total"),
        Column("gmacs", "GMAC/s", digits),
    )
    groups = dict.fromkeys((row.case.model, row.case.batch) for row in rows)
    tables = [
        Table(_title(of_group), shown, [_entry(row) for row in of_group])
        for group in groups
        if (of_group := [row for row in rows if (row.case.model, row.case.batch) == group])
    ]
    columns = tuple(Column(key, "") for key in _numbers(rows[0], FACTORS))
    detail = Table("every arm", columns, [_numbers(row, FACTORS) for row in rows])
    return Section(NAME, "The overhead taken apart", LEAD, tables, detail, (NAME,))


def _title(rows: Sequence[TakenApart]) -> str:
    case, best = rows[0].case, rows[0].best
    return f"{model_name(case.model)}, batch {case.batch}; best native inference: {arm_name(best)} ({best.guest})"


def _entry(row: TakenApart) -> dict[str, Any]:
    shown = {name: _text(factor) for name, factor in row.parts.factors.items()}
    gmacs = None if row.macs_per_s is None else row.macs_per_s / 1e9
    return {"arm": _name(row), **shown, "total": _text(row.parts.total), "gmacs": gmacs}


def _name(row: TakenApart) -> str:
    return f"{arm_name(row.case.arm)} ({row.case.arm.guest})"


def _text(factor: Estimate) -> str | None:
    return None if factor.value is None else f"{ratio(factor.value)}\n{bounds(factor.low, factor.high).strip()}".strip()


def _numbers(row: TakenApart, names: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "arm": row.case.arm.id,
        "model": row.case.model,
        "batch": row.case.batch,
        "best_native": row.best.id,
        "blocks": row.parts.total.n,
    }
    for name in (*names, "total"):
        factor = row.parts.total if name == "total" else row.parts.factors.get(name)
        key = name.replace(" × ", "_").replace("-", "")
        found[key] = None if factor is None else factor.value
        found[f"{key}_low"] = None if factor is None else factor.low
        found[f"{key}_high"] = None if factor is None else factor.high
    return found | {"macs_per_s": row.macs_per_s}
